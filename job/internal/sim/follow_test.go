package sim_test

import (
	"bytes"
	"errors"
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// A follower reads the log as far as it can never change any more, into a state
// and into the model.
type follower struct {
	core  *owner.Core
	model model
	last  uint64

	claims map[lease]*delivery // that were answered
	lost   map[lease]bool      // that were answered to nobody: the caller had gone
	byName map[state.Request]*op
	byWhat map[deed][]effect
	forgot map[uint64]bool // clients

	open      uint64      // the snapshot under way
	snapshots [][2]uint64 // complete ones: where they begin and end
}

type lease struct {
	job   uint64
	epoch uint32
}

// deed is what a transition without a mark is found by.
type deed struct {
	tag     byte
	session uint64
	job     uint64
	epoch   uint32
}

func (f *follower) begin(w *world) {
	*f = follower{
		core: owner.New(owner.Config{Owner: record.ID{3}, Log: record.ID{3}}), model: newModel(w),
		claims: make(map[lease]*delivery), lost: make(map[lease]bool), byName: make(map[state.Request]*op),
		byWhat: make(map[deed][]effect), forgot: make(map[uint64]bool),
	}
}

// follow reads on, to a record that some owner has seen stored.
func (w *world) follow(last uint64) {
	f := &w.follower
	for ; f.last < min(last, w.disk.last()); f.last++ {
		rec := w.disk.all[f.last].rec
		if err := f.core.Replay(f.last+1, rec); err != nil {
			w.breaks(sameReplay, "the log cannot be read: %v", err)
			return
		}
		h, body, _ := record.Open(rec)
		f.model.begin(h.Seq, h.Now)
		for t, ok := body.Next(); ok; t, ok = body.Next() {
			f.model.apply(t)
		}
	}
}

// effect notes a transition with the op that asked for it.
func (w *world) effect(t *transition, e effect) {
	f := &w.follower
	switch t.tag {
	case tTakeover:
		if f.open != 0 {
			w.tally[abandoned]++
		}
		f.open = 0
	case tSnapBegin:
		f.open = e.seq
	case tSnapEnd:
		w.tally[snapshots]++
		f.snapshots = append(f.snapshots, [2]uint64{f.open, e.seq})
		f.open = 0
	}
	if n := t.mark(); n >= 0 && n < len(w.ops) {
		o := w.ops[n]
		o.effects = append(o.effects, e)
	} else if t.named {
		q := t.request
		q.Low = 0
		if o := f.byName[q]; o != nil {
			o.effects = append(o.effects, e)
		}
	}
	if t.tag == tReturn && !t.named && f.claims[lease{t.job, t.epoch}] == nil {
		w.tally[givenBack]++
	}
	switch t.tag {
	case tClaim, tReturn, tCancel, tRevive, tSessionEnd, tClientOpen:
		k := deed{t.tag, e.session, e.job, e.epoch}
		f.byWhat[k] = append(f.byWhat[k], e)
	}
}

// dead are the dead letters.
func (f *follower) dead() (ids []uint64) {
	for _, j := range f.model.jobs {
		if j.status == state.Dead {
			ids = append(ids, j.id)
		}
	}
	return ids
}

// verify compares the model, replays and the owners that are idle.
func (w *world) verify(d *dice) {
	w.follow(w.landed)
	if len(w.broken) > 0 {
		return
	}
	w.compare()
	f := &w.follower
	canonical := f.core.State().AppendCanonical(nil)
	for _, s := range w.shells {
		if !s.dead && s.owns && !s.busy && !s.same(f) {
			w.breaks(sameReplay, "%v has another state than a replay up to record %d", s, f.last)
		}
	}
	if s := w.current(); s != nil && !s.busy && !s.poked && !s.paused && s.core.Last() == f.last {
		w.checkIdle(s)
	}
	switch n := len(f.snapshots); {
	case w.disk.first > 1 && d.one(2):
		w.replay(w.disk.first, canonical)
	case n > 0:
		w.replay(f.snapshots[d.below(int64(n))][0], canonical)
	}
}

// same reports whether an idle owner has the state of a replay, unless it is not
// as far.
func (s *shell) same(f *follower) bool {
	return s.core.Last() != f.last || bytes.Equal(s.core.State().AppendCanonical(nil), f.core.State().AppendCanonical(nil))
}

// replay reads the log from a snapshot's beginning on.
func (w *world) replay(first uint64, canonical []byte) {
	f := &w.follower
	c := owner.New(owner.Config{Owner: record.ID{4}, Log: record.ID{4}})
	c.Start(first)
	for seq := first; seq <= f.last; seq++ {
		if err := c.Replay(seq, w.disk.all[seq-1].rec); err != nil {
			w.breaks(sameReplay, "the log cannot be read from record %d: %v", first, err)
			return
		}
	}
	s := c.State()
	if s == nil && w.disk.first == first && f.last == w.disk.last() {
		w.breaks(sameReplay, "the log begins with record %d, which is no complete snapshot", first)
	}
	if s == nil {
		return // its end is not certain yet
	}
	w.tally[replays]++
	if !bytes.Equal(s.AppendCanonical(nil), canonical) {
		w.breaks(sameReplay, "a replay from record %d to %d is not that from the first", first, f.last)
	}
}

// compare sees whether the state is what the model says, job by job.
func (w *world) compare() {
	f := &w.follower
	s := f.core.State()
	for _, name := range queueNames {
		if c, _, _ := s.QueueCounts(name); c != f.model.counts(name) {
			w.breaks(asWritten, "counts of queue %s are %+v, should be %+v", name, c, f.model.counts(name))
		}
	}
	if c, want := s.Counts(), f.model.history; len(want) > 0 && c != want[len(want)-1].c {
		w.breaks(asWritten, "counts are %+v, should be %+v", c, want[len(want)-1].c)
	}
	keys := make(map[[2]string]uint64)
	for id := uint64(1); id < uint64(len(f.model.lives))+1; id++ {
		i, err := s.Job(id)
		j := f.model.job(id)
		if err == nil && i.Status.Live() && i.Key != "" {
			k := [2]string{i.Task, i.Key}
			if keys[k] != 0 {
				w.breaks(oneKey, "jobs %d and %d of task %s are live and have the key %s", keys[k], id, i.Task, i.Key)
			}
			keys[k] = id
		}
		w.compareJob(id, &i, err, j)
	}
}

func (w *world) compareJob(id uint64, i *state.Info, err error, j *job) {
	switch {
	case errors.Is(err, state.ErrNoJob):
		if j != nil {
			w.breaks(kept, "job %d, %s, was never there", id, statusNames[j.status])
		}
	case errors.Is(err, state.ErrForgotten):
		if j != nil {
			w.breaks(kept, "job %d is forgotten, should be %s", id, statusNames[j.status])
		}
	case err != nil || j == nil:
		w.breaks(asWritten, "job %d is %s, should be forgotten: %v", id, statusNames[i.Status], err)
	case i.Status != j.status:
		w.breaks(asWritten, "job %d is %s, should be %s", id, statusNames[i.Status], statusNames[j.status])
	case !j.is(i):
		w.breaks(asWritten, "job %d is %+v, should be %+v", id, *i, *j.info())
	}
}

func (j *job) info() *state.Info {
	return &state.Info{
		ID: j.id, Task: j.Task, Queue: j.Queue, Key: j.Key, Status: j.status, Cancel: j.cancel, Priority: j.Priority,
		Attempt: j.attempt, Attempts: int(j.Attempts), Epoch: j.epoch, Session: j.session, Entered: j.entered,
		Since: j.since, Due: j.due, Input: j.Input, Result: j.result, Failures: j.failures,
	}
}

// is reports whether the state says the same of a job.
func (j *job) is(i *state.Info) bool {
	return i.Task == j.Task && i.Queue == j.Queue && i.Key == j.Key && i.Cancel == j.cancel && i.Priority == j.Priority &&
		i.Attempt == j.attempt && i.Attempts == int(j.Attempts) && i.Epoch == j.epoch && i.Session == j.session &&
		i.Entered == j.entered && i.Since == j.since && i.Due == j.due &&
		bytes.Equal(i.Input, j.Input) && bytes.Equal(i.Result, j.result) && slices.Equal(i.Failures, j.failures)
}
