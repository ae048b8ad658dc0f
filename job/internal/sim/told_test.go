package sim_test

import (
	"bytes"
	"errors"
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// What those who wait, and those who work, are told: what the log says, when it
// says so for certain. What an owner knew when it decided is between the last record
// that it had when it was asked, and the last that was certain when it answered.

// judgeTold looks at the answers that leave nothing in the log.
func (w *world) judgeTold(v *delivery) {
	m := &w.follower.model
	switch v.r.Op {
	case owner.Beat, owner.Attach:
		if gone, ok := m.gone[v.r.Session]; ok && gone <= v.from {
			w.breaks(heard, "%v was answered, and record %d has ended the session", v, gone)
		}
		w.judgeLeases(v)
	case owner.Await:
		w.judgeAwait(v)
	case owner.Listen:
		for i := range v.r.Cancels {
			w.judgeCancel(v, &v.r.Cancels[i])
		}
	case owner.Report:
		if !m.had(v.r.Job, v.r.Epoch, v.r.Session, v.from, v.durable) {
			w.breaks(told, "%v was taken, and the session did not hold the job", v)
		}
	case owner.Progress:
		w.judgeReport(v)
	case owner.Drained:
		if !m.rested(v.r.Name, v.from, v.durable) {
			w.breaks(told, "%v was answered, and from record %d to %d something was always running", v, v.from, v.durable)
		}
	case owner.Leave:
		w.judgeLeave(v)
	}
}

// had reports whether a session had a job at some time.
func (m *model) had(job uint64, epoch uint32, session, from, to uint64) bool {
	if job >= uint64(len(m.lives)) {
		return false
	}
	l := &m.lives[job]
	if !slices.Contains(l.claims, claimed{l.claimOf(epoch), epoch, session}) {
		return false
	}
	return l.was(from, to, func(s was) bool { return s.status == state.Running && s.epoch == epoch })
}

func (l *life) claimOf(epoch uint32) uint64 {
	for _, c := range l.claims {
		if c.epoch == epoch {
			return c.seq
		}
	}
	return 0
}

// was reports whether a job was such at some time between two records.
func (l *life) was(from, to uint64, such func(was) bool) bool {
	for i, s := range l.is {
		if s.seq <= to && (i+1 == len(l.is) || l.is[i+1].seq >= from) && such(s) {
			return true
		}
	}
	return false
}

// judgeLeases: who attaches is told which of its leases it has not, and of no others.
func (w *world) judgeLeases(v *delivery) {
	m := &w.follower.model
	for _, l := range v.r.Leases {
		held := m.had(l.Job, l.Epoch, v.r.Session, v.from, v.durable)
		if lost := slices.Contains(v.r.IDs, l.Job); !lost && !held {
			w.breaks(told, "%v has not job %d/%d, and was not told", v, l.Job, l.Epoch)
		}
	}
}

// judgeChildren: a parent that asks again for a child whose result was recorded gets
// that.
func (w *world) judgeChildren(v *delivery) {
	for _, e := range v.op.effects {
		for i := range e.existing {
			if p := &v.r.Specs[i]; p.Parent != 0 && e.existing[i] && !v.r.Existing[i] && e.by == v.s.n {
				w.breaks(childOnce, "%v has entered job %d, and its parent has job %d by that key", v, v.r.IDs[i], e.ids[i])
			}
		}
	}
}

// judgeAwait: whoever waits for a job is told what became of it.
func (w *world) judgeAwait(v *delivery) {
	m := &w.follower.model
	if len(v.r.Jobs) == 0 {
		w.judgeReport(v)
		return
	}
	i := &v.r.Jobs[0]
	if i.ID >= uint64(len(m.lives)) {
		w.breaks(told, "%v was told of job %d, which there is not", v, i.ID)
		return
	}
	w.tally[awaited]++
	l := &m.lives[i.ID]
	for _, e := range l.ends {
		if e.status == i.Status && e.epoch == i.Epoch && e.cause == i.Cause && e.seq <= v.durable &&
			bytes.Equal(e.result, i.Result) && bytes.Equal(e.detail, i.Detail) &&
			l.was(v.from, v.durable, func(s was) bool { return s.seq >= e.seq && (s.status == e.status || s.status == 0) }) {
			return
		}
	}
	w.breaks(told, "%v was told %s/%d, %v, %q%q, when the log was certain up to record %d; it has %+v", v, statusNames[i.Status], i.Epoch, i.Cause, i.Result, i.Detail, v.durable, l.ends)
}

// judgeReport: what is told of a running job was reported of it, under the same
// epoch.
func (w *world) judgeReport(v *delivery) {
	p := &v.r.Report
	if p.Seq == 0 {
		return
	}
	w.tally[reportsTold]++
	n := marked(p.Note)
	if n < 0 || n >= len(w.ops) || w.ops[n].r.Op != owner.Report || w.ops[n].r.Job != v.r.Job || w.ops[n].r.Epoch != p.Epoch {
		w.breaks(told, "%v was told %+v, which nobody reported of it", v, *p)
	}
}

// wasAsked reports whether a detail is the cause of a Cancel that is in the log: what is
// cancelled with its scope is told that of a job above it.
func (w *world) wasAsked(detail []byte, durable uint64) bool {
	for i := range w.follower.model.lives {
		l := &w.follower.model.lives[i]
		for _, x := range l.cancels {
			if x.seq <= durable && x.cause == state.CauseAsked && bytes.Equal(x.detail, detail) {
				return true
			}
		}
		for _, e := range l.ends { // it was not running
			if e.seq <= durable && e.cause == state.CauseAsked && bytes.Equal(e.detail, detail) {
				return true
			}
		}
	}
	return false
}

func (w *world) judgeCancel(v *delivery, c *owner.Cancelled) {
	m := &w.follower.model
	if c.Job < uint64(len(m.lives)) {
		for _, x := range m.lives[c.Job].cancels {
			if x.seq <= v.durable && x.epoch == c.Epoch && x.cause == c.Cause && (bytes.Equal(x.detail, c.Detail) || c.Cause == state.CauseScope && w.wasAsked(c.Detail, v.durable)) {
				return
			}
		}
	}
	w.breaks(told, "%v was told %+v, which no record up to %d says", v, *c, v.durable)
}

// judgeLeave: who leaves cancels what was called, if nobody else waits for it there.
func (w *world) judgeLeave(v *delivery) {
	l := &w.follower.model.lives[v.r.Job]
	if !v.did() {
		again := slices.ContainsFunc(v.op.effects, func(e effect) bool { return e.seq <= v.durable && e.status == v.r.Status })
		if !again && !l.was(v.from, v.durable, func(s was) bool { return s.status == v.r.Status }) {
			w.breaks(told, "%v was told %s, which the job was not from record %d to %d", v, statusNames[v.r.Status], v.from, v.durable)
		}
		return
	}
	if !v.op.effects[0].called {
		w.breaks(told, "%v has cancelled a job that was not called", v)
	}
	if v.others != nil && !v.repeats() && v.others.waitedBefore(v) {
		w.breaks(told, "%v has cancelled the job, and %v waits for it", v, v.others)
	}
	w.tally[leftAlone]++
}

// did reports whether the owner has carried out what was asked, since it was.
func (v *delivery) did() bool {
	return slices.ContainsFunc(v.op.effects, func(e effect) bool { return e.by == v.s.n && e.seq > v.from && e.seq <= v.durable })
}

// waitedBefore reports whether what u waits for was in the log when v was carried
// out. A call that waits for room waits for no job yet.
func (u *delivery) waitedBefore(v *delivery) bool {
	if u.r.Op == owner.Await {
		return true
	}
	done := v.op.effects[0]
	return slices.ContainsFunc(u.op.effects, func(e effect) bool {
		return e.by == u.s.n && (e.seq < done.seq || e.seq == done.seq && e.index < done.index)
	})
}

// repeats reports whether the same request had come before, and was not answered
// yet when this one came.
func (v *delivery) repeats() bool {
	return slices.ContainsFunc(v.op.all, func(u *delivery) bool {
		return u.s == v.s && u.order < v.order && (!u.answered || u.at >= v.added)
	})
}

// checkLeave is called when an owner has answered a Leave: does somebody wait there
// for what it has cancelled, who came before? One who was answered by a report does
// not, until he asks again.
func (w *world) checkLeave(v *delivery) {
	for _, o := range w.ops {
		for _, u := range o.all {
			if u.s == v.s && u.order < v.order && (!u.answered || u.at >= v.at && len(u.r.Jobs) > 0) && !u.dropped && u.r.Job == v.r.Job && (u.r.Caller == 0 || u.r.Caller != v.r.Caller) &&
				(u.r.Op == owner.Await || u.r.Op == owner.Enqueue && u.r.Follow) {
				v.others = u
				return
			}
		}
	}
}

// judgeRefusedFollow is of a call whose job was entered, and not told of.
func (w *world) judgeRefusedFollow(v *delivery) {
	if !errors.Is(v.r.Err, state.ErrForgotten) || len(v.r.IDs) == 0 {
		return
	}
	id := v.r.IDs[0]
	l := &w.follower.model.lives[id]
	served := slices.ContainsFunc(v.op.all, func(u *delivery) bool { return u != v && u.answered && u.r.Err == nil })
	if v.did() && !v.repeats() && !served {
		w.breaks(told, "%v waits for job %d, which record %d has forgotten, and was not told of its end", v, id, l.forgot)
	}
}

// checkFollow is for an owner that is idle, of a call whose job was entered. Of a call
// that came twice the one may be served, and the other yet wait for room.
func (w *world) checkFollow(v *delivery) {
	if slices.ContainsFunc(v.op.all, func(u *delivery) bool { return u != v && u.s == v.s }) {
		return
	}
	id := v.op.effects[0].ids[0]
	if j := w.follower.model.job(id); j == nil || !j.status.Live() {
		w.breaks(told, "%v waits, and job %d has ended", v, id)
	}
}

// checkTold is for an owner that is idle, and whose log is followed to its end.
func (w *world) checkTold(v *delivery) {
	m := &w.follower.model
	switch v.r.Op {
	case owner.Await:
		if j := m.job(v.r.Job); j == nil || !j.status.Live() {
			w.breaks(told, "%v waits, and the job has ended", v)
		}
	case owner.Listen:
		if m.open(v.r.Session) == nil {
			w.breaks(told, "%v waits, and there is no such session", v)
		}
		for _, j := range m.jobs {
			if j.status == state.Running && j.cancel && j.session == v.r.Session && !v.s.told[lease{j.id, j.epoch}] {
				w.breaks(told, "%v waits, and was not told that job %d/%d is to end", v, j.id, j.epoch)
			}
		}
	case owner.Drained:
		if m.running(v.r.Name) == 0 {
			w.breaks(told, "%v waits, and nothing is running", v)
		}
	}
}
