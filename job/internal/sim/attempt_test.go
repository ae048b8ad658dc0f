package sim_test

import (
	"errors"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// An attempt is what somebody who has claimed a job does with it. One of task p
// begins others, and waits for them.
type attempt struct {
	w     *world
	d     *dice
	r     *remote // nil: somebody in the process of the owner
	j     state.Info
	over  bool // nobody works on it any more
	told  bool // that it is to end
	wants int  // children
}

// after does something after a while, unless the attempt is over.
func (a *attempt) after(d int64, do func()) {
	f := func() {
		if !a.over {
			do()
		}
	}
	if a.r == nil {
		a.w.after(d, f)
	} else {
		a.r.when(a.r.clock()+d, f)
	}
}

func (a *attempt) ask(q owner.Request, then func(*delivery), otherwise func(*delivery)) *op {
	if a.r == nil {
		o := a.w.ask(a.d, q, nil, then)
		o.otherwise = otherwise
		return o
	}
	return a.r.ask(a.d, q, then, otherwise)
}

func (a *attempt) run() {
	if a.d.one(3) {
		a.after(a.d.below(400e3), a.report)
	}
	if a.j.Task == "p" && !a.w.mutant.childless {
		a.wants = int(a.j.ID%3) + 1
		a.after(a.d.below(5e3), func() { a.spawn(0) })
		return
	}
	took := a.d.below(pick[int64](a.d, 2e3, 200e3, 3e6, 3e6, 9e6))
	if a.r != nil && a.r.slow {
		took = a.d.between(10e6, 30e6)
	}
	a.after(took, a.finish)
}

// spawn begins child i, and so on. An attempt of the same job begins the same ones,
// and those that have keys are found again.
func (a *attempt) spawn(i int) {
	if i >= a.wants {
		a.after(a.d.below(200e3), a.finish)
		return
	}
	next := func() { a.after(a.d.below(50e3), func() { a.spawn(i + 1) }) }
	q := owner.Request{Op: owner.Enqueue, Wait: a.d.one(3), Follow: a.d.one(3), Specs: []state.Spec{a.child(i)}}
	o := a.ask(q, func(v *delivery) {
		a.w.jobs = append(a.w.jobs, v.r.IDs...)
		if !v.r.Follow && a.d.percent(70) {
			a.await(v.r.IDs[0], next)
		} else {
			next()
		}
	}, func(v *delivery) {
		if v == nil || !errors.Is(v.r.Err, state.ErrScope) {
			next()
			return
		}
		a.w.tally[spawnsRefused]++
		a.after(a.d.below(100e3), a.finish) // it is told soon what has come of it
	})
	a.w.send(o.maybeNamed(a.w))
}

func (a *attempt) child(i int) state.Spec {
	p := state.Spec{
		Task: pick(a.d, "s", "t", "s", "t", "p"), Queue: pick(a.d, queueNames...), Attempts: 1, Keep: pick[int64](a.d, 0, 0, 2e6),
		First: 100e3, Most: 1e6, Input: []byte(mark(len(a.w.ops))), Parent: a.j.ID, ParentEpoch: a.j.Epoch,
	}
	if (a.j.ID+uint64(i))%3 == 0 {
		p.Attached = true
	} else {
		p.Task, p.Key, p.Attempts = pick(newDice(a.w.seed, int(a.j.ID)+i), taskNames...), []string{"k", "l", "x"}[i], 3
	}
	a.w.bound(a.d, &p)
	return p
}

func (a *attempt) await(id uint64, then func()) {
	a.w.send(a.ask(owner.Request{Op: owner.Await, Job: id, Watched: a.d.one(4)}, func(*delivery) { then() }, func(*delivery) { then() }))
}

func (a *attempt) report() {
	q := owner.Request{Op: owner.Report, Session: a.j.Session, Job: a.j.ID, Epoch: a.j.Epoch}
	q.Report = owner.Reported{Said: true, Done: 1, Total: 2, Note: mark(len(a.w.ops))}
	a.w.send(a.ask(q, nil, nil))
	if a.d.one(2) {
		a.after(a.d.below(1e6), a.report)
	}
}

// cancelled is when it hears that it is to end: it does so soon, or is too far on
// to care.
func (a *attempt) cancelled(*owner.Cancelled) {
	if a.told || a.over {
		return
	}
	a.told = true
	a.w.tally[cancelsTold]++
	a.after(a.d.below(300e3), a.finish)
}

// finish says what has come of it, until that is known to be in the log, or not to
// be any more.
func (a *attempt) finish() {
	if a.over {
		return
	}
	a.over = true
	kind := owner.Complete
	switch n := a.d.below(100); {
	case a.told && n < 60, !a.told && n < 22, a.j.Task == "p" && a.j.Attempt < a.j.Attempts && n < 60:
		kind = owner.Fail
	case n > 92:
		kind = owner.Return
	}
	a.say(kind)
}

func (a *attempt) say(kind owner.Op) {
	if a.r == nil {
		a.w.outcome(a.d, kind, &a.j)
		return
	}
	q := a.w.outcomeOf(a.d, kind, &a.j)
	known := func(*delivery) {
		a.r.lose(a.j.ID)
		a.r.claim()
	}
	a.w.send(a.r.ask(a.d, q, known, func(v *delivery) {
		if v != nil {
			known(v)
		} else {
			a.say(kind)
		}
	}).maybeNamed(a.w))
}
