package sim_test

import (
	"errors"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// call enters a job and waits for what becomes of it: one that is attached to a
// session, or one with a key that others may have called as well.
func (w *world) call(d *dice) {
	r := owner.Request{Op: owner.Enqueue, Wait: d.one(2), Follow: d.percent(70), Watched: d.one(3), Caller: uint64(len(w.ops)) + 1}
	c := w.name(d, &r)
	p := w.spec(d, len(w.ops), 0)
	p.Session, p.Attached, p.Key, p.Unique, p.Deadline = 0, false, "", 0, 0
	if k := w.workers[d.below(3)]; k.session != 0 && d.one(2) && !w.mutant.childless {
		p.Session, p.Attached, p.Attempts = k.session, true, 1
	} else {
		p.Key, p.Called = pick(d, "k", "l"), true
	}
	r.Specs = []state.Spec{p}
	o := w.ask(d, r, c, func(v *delivery) {
		w.jobs = append(w.jobs, v.r.IDs...)
		switch {
		case len(v.r.Jobs) > 0:
		case v.r.Follow && d.one(3):
			w.leave(d, v.r.IDs[0], r.Caller)
		default:
			w.await(d, v.r.IDs[0], v.r.Report.Seq, r.Caller)
		}
	})
	w.send(o)
}

// await waits for the end of a job, as often as there are reports of it.
func (w *world) await(d *dice, id, seen, caller uint64) {
	r := owner.Request{Op: owner.Await, Job: id, Watched: d.one(2), Seen: seen, Caller: caller}
	o := w.ask(d, r, nil, func(v *delivery) {
		if len(v.r.Jobs) == 0 {
			w.await(d, id, v.r.Report.Seq, caller)
		}
	})
	o.otherwise = func(v *delivery) {
		if v == nil && d.one(2) {
			w.leave(d, id, caller)
		}
	}
	w.send(o)
}

// leave says that somebody waits for a job no longer.
func (w *world) leave(d *dice, id, caller uint64) {
	r := owner.Request{Op: owner.Leave, Job: id, Caller: caller, Cause: []byte(mark(len(w.ops)))}
	w.send(w.ask(d, r, nil, nil).maybeNamed(w))
}

// hungUp is when a caller that has given up learns which job it had called.
func (w *world) hungUp(v *delivery) {
	if v.r.Follow && errors.Is(v.r.Err, owner.ErrDropped) && len(v.r.IDs) == 1 && !w.over {
		w.jobs = append(w.jobs, v.r.IDs[0])
		w.leave(v.op.d, v.r.IDs[0], v.r.Caller)
	}
}
