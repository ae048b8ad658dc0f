package sim_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// name lets most requests have a name, so that they can be repeated.
func (w *world) name(d *dice, r *owner.Request) *client {
	if !d.percent(70) {
		return nil
	}
	c := w.clients[d.below(int64(len(w.clients)))]
	if c.id == 0 {
		w.introduce(d, c)
		return nil
	}
	r.Request = c.number()
	return c
}

// enqueue asks for n jobs.
func (w *world) enqueue(d *dice, n int) {
	r := owner.Request{Op: owner.Enqueue, Wait: d.percent(60)}
	c := w.name(d, &r)
	number := len(w.ops)
	for i := range n {
		r.Specs = append(r.Specs, w.spec(d, number, i))
	}
	if n > 1 {
		w.tally[batches]++
	}
	o := w.ask(d, r, c, func(v *delivery) { w.jobs = append(w.jobs, v.r.IDs...) })
	w.send(o)
}

// spec is job i of an op.
func (w *world) spec(d *dice, number, i int) state.Spec {
	p := state.Spec{
		Task: pick(d, taskNames...), Queue: pick(d, queueNames...), Attempts: uint16(d.between(1, 3)),
		First: d.below(3) * 400e3, Most: 1e6, Keep: pick[int64](d, 0, 1e6, 5e6, 60e6), Bury: pick[int64](d, 0, 2e6, 30e6, 60e6),
	}
	switch d.below(6) {
	case 0, 1:
		p.Key = pick(d, "k", "l")
		if d.one(3) {
			p.Unique = state.Unique(d.below(8))
		}
	case 2:
		if k := w.workers[d.below(3)]; k.session != 0 && d.one(2) && !w.mutant.childless {
			p.Session, p.Attached = k.session, true
		}
	}
	if d.one(3) {
		p.Priority = int8(d.between(-3, 3))
	}
	if d.one(4) {
		delay := pick[int64](d, 1, 50e3, 2e6, 5e6, 60e6)
		p.RunAt = base + w.now + delay
		if d.one(2) {
			p.RunAt = -delay
		}
	}
	w.bound(d, &p)
	if d.one(8) {
		p.Deadline = base + w.now + pick[int64](d, 50e3, 1e6, 5e6, 60e6)
	}
	if d.one(6) {
		p.Tags = pick(d, []string{"x"}, []string{"x", "y"}, []string{"y"})
		p.TraceParent, p.Timeout = pick(d, "", "00-1"), d.below(2)*1e6
	}
	input := mark(number) + strconv.Itoa(i)
	if d.one(8) {
		input += strings.Repeat("x", int(d.below(500)))
	}
	p.Input = []byte(input)
	return p
}

// bound gives a job what it shares with others.
func (w *world) bound(d *dice, p *state.Spec) {
	if d.one(2) {
		p.Group = pick(d, "g", "h")
	}
	if d.one(4) {
		p.Limit, p.LimitKey = pick(d, capNames...), pick(d, "", "k")
	}
}

// someJob is most often one that there is.
func (w *world) someJob(d *dice) uint64 {
	if n := len(w.jobs); n > 0 && !d.one(6) {
		if d.one(2) {
			return w.jobs[n-1-int(d.below(min(int64(n), 5)))]
		}
		return w.jobs[d.below(int64(n))]
	}
	return uint64(d.between(0, int64(len(w.jobs))+3))
}

func (w *world) cancel(d *dice) {
	r := owner.Request{Op: owner.Cancel, Job: w.someJob(d)}
	if d.one(2) {
		r.Cause = []byte(mark(len(w.ops)))
	}
	w.send(w.ask(d, r, nil, nil).maybeNamed(w))
}

// revive asks for a dead letter that somebody has heard of, if there is one.
func (w *world) revive(d *dice) {
	r := owner.Request{Op: owner.Revive, Job: w.someJob(d)}
	if dead := w.follower.dead(); len(dead) > 0 && d.percent(80) {
		r.Job = pick(d, dead...)
	}
	w.send(w.ask(d, r, nil, nil).maybeNamed(w))
}

// maybeNamed gives the op a name, most often.
func (o *op) maybeNamed(w *world) *op {
	o.client = w.name(o.d, &o.r)
	return o
}

func (w *world) pause(d *dice) {
	r := owner.Request{Op: owner.Pause, Name: pick(d, queueNames...), Paused: d.percent(60)}
	w.send(w.ask(d, r, nil, nil).maybeNamed(w))
}

// planSomething makes a schedule or replaces it. One that makes up for every tick
// is slow, or ends soon.
func (w *world) planSomething(d *dice) {
	rule := fmt.Sprintf(planRule, pick[int64](d, 400e3, 2e6, 5e6, hour), pick(d, "once", "skip"), 0)
	switch d.below(4) {
	case 0:
		rule = fmt.Sprintf(planRule, pick[int64](d, hour, 3*hour), "all", 0)
	case 1:
		rule = fmt.Sprintf(planRule, pick[int64](d, 300e3, 1e6), "all", base+w.now+d.below(6e6))
	}
	r := owner.Request{Op: owner.Schedule}
	c := w.name(d, &r)
	p := w.spec(d, len(w.ops), 0)
	p.RunAt, p.Deadline, p.Session, p.Attached = 0, 0, 0, false
	r.Schedule = &state.Schedule{Name: pick(d, planNames...), Rule: rule, Spec: p}
	if d.one(3) {
		r.Schedule.Next = base + w.now + d.between(-1e6, 3e6)
	}
	w.send(w.ask(d, r, c, nil))
}

func (w *world) unplan(d *dice) {
	r := owner.Request{Op: owner.Unschedule, Name: pick(d, planNames...)}
	w.send(w.ask(d, r, nil, nil).maybeNamed(w))
}

func (w *world) readSomething(d *dice) {
	r := owner.Request{Op: owner.Job, Job: w.someJob(d)}
	switch d.below(4) {
	case 0:
		r = owner.Request{Op: owner.Counts}
	case 1:
		r.Op = owner.Progress
	case 2:
		r = owner.Request{Op: owner.Drained, Name: pick(d, queueNames...)}
	}
	w.send(w.ask(d, r, nil, nil))
}

// dropSome lets whoever waits, or has asked just now, go away.
func (w *world) dropSome(d *dice) {
	for i := len(w.ops) - 1; i >= 0 && i > len(w.ops)-30; i-- {
		if o := w.ops[i]; o.open && (d.one(4) || o.r.Op == owner.Claim && d.one(2)) {
			w.giveUp(o)
			w.drop(o)
			return
		}
	}
}

// repeatSome is a message that comes again, long after it was answered perhaps.
func (w *world) repeatSome(d *dice) {
	for range 5 {
		if len(w.ops) == 0 {
			return
		}
		if o := w.ops[d.below(int64(len(w.ops)))]; o.named() {
			w.arrive(o, o.r)
			return
		}
	}
}
