package sim_test

import (
	"bytes"

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
	epoch   uint32 // of a pause: whether it is one
	name    string
}

func pausing(on bool) uint32 {
	if on {
		return 1
	}
	return 0
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
		f.model.begin(h.Seq, h.Now, int(h.Owner[1]))
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
		w.checkJoined(o, e)
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
	case tClaim, tReturn, tCancel, tRevive, tSessionEnd, tClientOpen, tPause, tUnschedule:
		k := deed{t.tag, e.session, e.job, e.epoch, ""}
		if t.tag == tPause || t.tag == tUnschedule {
			k.name, k.epoch = name(t.bytes), pausing(t.on)
		}
		f.byWhat[k] = append(f.byWhat[k], e)
	}
}

// checkJoined is of a call, or of an Enqueue that may wait, which has joined jobs: those
// that are about to be cancelled are not for it.
func (w *world) checkJoined(o *op, e effect) {
	if !o.r.Follow && !o.r.Wait {
		return
	}
	for i, id := range e.ids {
		if j := w.follower.model.job(id); e.existing[i] && j != nil && j.status == state.Running && j.cancel {
			w.breaks(told, "record %d lets %v join job %d, which was to be cancelled before", e.seq, o, j.id)
		}
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
