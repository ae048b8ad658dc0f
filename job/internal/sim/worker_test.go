package sim_test

import (
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A worker claims jobs in a session, and says what became of them, not always,
// and sometimes long after they were given to others.
type worker struct {
	n       int
	session uint64
}

func (w *world) open(d *dice, k *worker) {
	r := owner.Request{Op: owner.OpenSession, Name: mark(len(w.ops))}
	o := w.ask(d, r, nil, func(v *delivery) { k.session = v.r.IDs[0] }).maybeNamed(w)
	w.send(o)
}

func (w *world) endSession(d *dice, k *worker) {
	r := owner.Request{Op: owner.EndSession, Session: k.session}
	w.send(w.ask(d, r, nil, nil).maybeNamed(w))
	if d.one(2) {
		k.session = 0
	}
}

// claim asks for jobs, and for a session before if there is none.
func (w *world) claim(d *dice, k *worker) {
	if k.session == 0 {
		w.open(d, k)
		w.after(d.below(5e3), func() {
			if k.session != 0 {
				w.claim(d, k)
			}
		})
		return
	}
	session := k.session
	r := owner.Request{Op: owner.Claim, Session: session, Most: int(d.between(1, 3)), Wait: d.percent(70)}
	if d.one(4) {
		r.Filter.Tasks = []string{pick(d, taskNames...)}
	}
	if d.one(3) {
		r.Filter.Queues = []string{pick(d, queueNames...)}
	}
	o := w.ask(d, r, nil, func(v *delivery) {
		for i := range v.r.Jobs {
			w.work(d, v.r.Jobs[i])
		}
	})
	w.send(o)
}

// lostSession is when a worker has found out that its session is gone.
func (w *world) lostSession(session uint64) {
	for _, k := range w.workers {
		if k.session == session {
			k.session = 0
		}
	}
}

// work is what a worker does with a job.
func (w *world) work(d *dice, j state.Info) {
	if j.Task == "p" && !w.over {
		a := &attempt{w: w, d: d, j: j}
		a.run()
		return
	}
	took := d.below(pick[int64](d, 2e3, 200e3, 3e6))
	kind := d.below(100)
	w.after(took, func() {
		switch {
		case kind < 45 || w.over:
			w.outcome(d, owner.Complete, &j)
		case kind < 72:
			w.outcome(d, owner.Fail, &j)
		case kind < 82:
			w.outcome(d, owner.Return, &j)
		case kind < 95: // it says so twice, and not the same
			w.outcome(d, owner.Complete, &j)
			w.outcome(d, pick(d, owner.Complete, owner.Fail, owner.Return), &j)
		}
	})
	if d.one(6) { // and once more when it may be another's
		w.after(took+d.below(6e6), func() { w.outcome(d, owner.Complete, &j) })
	}
}

func (w *world) outcome(d *dice, kind owner.Op, j *state.Info) {
	w.send(w.ask(d, w.outcomeOf(d, kind, j), nil, nil).maybeNamed(w))
}

func (w *world) outcomeOf(d *dice, kind owner.Op, j *state.Info) owner.Request {
	r := owner.Request{Op: kind, Session: j.Session, Job: j.ID, Epoch: j.Epoch}
	text := mark(len(w.ops))
	switch kind {
	case owner.Complete:
		r.Result = []byte(text)
	case owner.Fail:
		r.Failure = state.Failure{Permanent: d.one(6), After: pick[int64](d, -1, -1, 0, 1e6), Error: text}
		if d.one(2) {
			r.Failure.Detail = []byte("why " + text)
		}
	}
	return r
}
