package owner_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A circle is jobs that run and wait for each other, and what should be said of it.
type circle struct {
	s      *shell
	leases map[uint64]*owner.Request // by job, of those that run
	queue  map[uint64]string
	open   []*owner.Request
}

// newCircle has n jobs, in three queues.
func newCircle(t *testing.T, n int) *circle {
	c := &circle{s: own(t, newDisk(), config()), leases: make(map[uint64]*owner.Request), queue: make(map[uint64]string)}
	w := c.s.session()
	for i := range n {
		queue := fmt.Sprintf("q%d", i%3)
		c.s.ask(enqueue(queue, 1))
		lease := c.s.given(w)
		c.leases[lease.Jobs[0].ID], c.queue[lease.Jobs[0].ID] = lease, queue
	}
	return c
}

func (c *circle) asker(job uint64, endless bool) owner.Asker {
	return owner.Asker{Job: job, Epoch: c.leases[job].Jobs[0].Epoch, Endless: endless}
}

// targets are the jobs whose end r waits for.
func (c *circle) targets(r *owner.Request) (jobs []uint64) {
	for job := range c.leases {
		if r.Op == owner.Await && r.Job == job || r.Op == owner.Drained && c.queue[job] == r.Name {
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// leads reports whether who waits for from waits for to, as far as waits without end go.
func (c *circle) leads(from, to uint64, past map[uint64]bool) bool {
	if from == to {
		return true
	}
	past[from] = true
	for _, r := range c.open {
		if r.Asker.Job != from || !r.Asker.Endless {
			continue
		}
		for _, job := range c.targets(r) {
			if !past[job] && c.leads(job, to, past) {
				return true
			}
		}
	}
	return false
}

// refused says whether r is to be refused.
func (c *circle) refused(r *owner.Request) bool {
	return slices.ContainsFunc(c.targets(r), func(job uint64) bool {
		return job == r.Asker.Job || r.Asker.Endless && c.leads(job, r.Asker.Job, make(map[uint64]bool))
	})
}

// wait asks for r, and checks what it is told.
func (c *circle) wait(r *owner.Request) (knot *state.KnotError) {
	c.s.t.Helper()
	want := c.refused(r)
	answered := slices.Contains(c.s.ask(r), r)
	switch {
	case want != errors.As(r.Err, &knot):
		c.s.t.Fatalf("job %d waits for %v: got %v, refused: %v", r.Asker.Job, c.targets(r), r.Err, want)
	case !answered:
		c.open = append(c.open, r)
	}
	return knot
}

// isRing holds that each of a ring waits for the next.
func (c *circle) isRing(r *owner.Request, ring []uint64) {
	c.s.t.Helper()
	if !slices.Contains(c.targets(r), ring[0]) {
		c.s.t.Fatalf("job %d does not wait for %d", r.Asker.Job, ring[0])
	}
	for i, from := range ring {
		to := append(ring, r.Asker.Job)[i+1]
		if !slices.ContainsFunc(c.open, func(o *owner.Request) bool { return o.Asker.Job == from && slices.Contains(c.targets(o), to) }) {
			c.s.t.Fatalf("ring %v of job %d: %d does not wait for %d", ring, r.Asker.Job, from, to)
		}
	}
}

// over takes out what is answered.
func (c *circle) over(rs ...*owner.Request) {
	answered := c.s.ask(rs...)
	c.open = slices.DeleteFunc(c.open, func(r *owner.Request) bool { return slices.Contains(answered, r) })
}

func TestWhoWouldCloseARingOfWaitsIsRefusedAndNobodyElse(t *testing.T) {
	rings := 0
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		c := newCircle(t, 3+rnd.IntN(9))
		for range 60 {
			jobs := slices.Sorted(maps.Keys(c.leases))
			if len(jobs) == 0 {
				break
			}
			job := jobs[rnd.IntN(len(jobs))]
			switch k := rnd.IntN(20); {
			case k < 14:
				r := await(jobs[rnd.IntN(len(jobs))])
				r.Asker = c.asker(job, rnd.IntN(4) > 0)
				if knot := c.wait(r); knot != nil && len(knot.Ring) > 0 {
					c.isRing(r, knot.Ring)
					rings++
				}
			case k < 16:
				r := &owner.Request{Op: owner.Drained, Name: fmt.Sprintf("q%d", rnd.IntN(3)), Asker: c.asker(job, rnd.IntN(4) > 0)}
				if knot := c.wait(r); knot != nil && len(knot.Ring) > 0 {
					c.isRing(r, knot.Ring)
					rings++
				}
			case k < 18 && len(c.open) > 0:
				i := rnd.IntN(len(c.open))
				c.s.core.Drop(c.open[i])
				c.open = slices.Delete(c.open, i, i+1)
				c.s.ask()
			case k == 18: // it waits for nobody any more
				lease := c.leases[job]
				delete(c.leases, job)
				c.over(about(owner.Complete, lease, 0))
				c.open = slices.DeleteFunc(c.open, func(r *owner.Request) bool {
					if r.Asker.Job == job {
						c.s.core.Drop(r)
						return true
					}
					return false
				})
				c.s.ask()
			}
		}
	}
	if rings < 500 {
		t.Errorf("there were %d rings", rings)
	}
}

// An attempt that is over, or about to be cancelled, waits no more whatever it has asked.
func TestWaitOfAnAttemptThatIsCancelledClosesNoRing(t *testing.T) {
	c := newCircle(t, 2)
	r := await(2)
	r.Asker = c.asker(1, true)
	c.wait(r)
	c.s.ask(cancel(1)...)
	back := await(1)
	back.Asker = c.asker(2, true)
	c.s.isOpenAfter(back)
}

// A ring of more jobs than are named is a ring.
func TestLongRingIsRefusedAndItsErrorIsShort(t *testing.T) {
	c := newCircle(t, 40)
	for job := uint64(1); job < 40; job++ {
		r := await(job + 1)
		r.Asker = c.asker(job, true)
		c.wait(r)
	}
	r := await(1)
	r.Asker = c.asker(40, true)
	if knot := c.wait(r); knot == nil || len(knot.Ring) != 16 || knot.Ring[0] != 1 || knot.Ring[15] != 16 {
		t.Errorf("%+v", knot)
	}
}

// isOpenAfter asks for r, and holds that it waits.
func (s *shell) isOpenAfter(r *owner.Request) {
	s.t.Helper()
	if slices.Contains(s.ask(r), r) {
		s.t.Fatalf("%s is answered", tell(r))
	}
}

// Two calls of one record, each with the key of the other's job.
func TestRingThatClosesWithinOneRecordIsSeen(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	var calls [2]*owner.Request
	for i := range calls {
		s.ask(called("q", fmt.Sprint(i)))
		lease := s.given(w).Jobs[0]
		calls[i] = called("q", fmt.Sprint(1-i))
		calls[i].Asker = owner.Asker{Job: lease.ID, Epoch: lease.Epoch, Endless: true}
	}
	s.ask(calls[:]...)
	var knot *state.KnotError
	if calls[0].Err != nil || !errors.As(calls[1].Err, &knot) || !slices.Equal(knot.Ring, []uint64{1}) || knot.By != 2 {
		t.Errorf("%v, %v", calls[0].Err, calls[1].Err)
	}
}

// A call that was lined up closes a ring when it joins its key's job.
func TestRingThatClosesFromTheLineIsSeen(t *testing.T) {
	s := withQueues(t, 1000, map[string]int64{"q": 1})
	w := s.session()
	s.ask(enqueue("a", 1))
	a := s.given(w)
	s.ask(enqueue("q", 1)) // full
	call := called("q", "k")
	call.Asker = owner.Asker{Job: a.Jobs[0].ID, Epoch: a.Jobs[0].Epoch, Endless: true}
	s.ask(wait(call))
	s.isOpen(call)
	s.ask(called("p", "k")) // key k begins elsewhere
	b := claimOf(w, 1, "p")
	s.ask(b)
	back := await(a.Jobs[0].ID)
	back.Asker = owner.Asker{Job: b.Jobs[0].ID, Epoch: b.Jobs[0].Epoch, Endless: true}
	s.isOpenAfter(back)
	answered := s.ask(cancel(2)...) // room
	t.Log(told(answered), "call", call.IDs, call.Err, "back", back.Err)
	var knot *state.KnotError
	if !errors.As(call.Err, &knot) && !errors.As(back.Err, &knot) {
		t.Errorf("both wait for ever: %v %v", call.IDs, slices.Contains(answered, call))
	}
}

// A call that comes again over another connection, after a ring was closed meanwhile.
func TestRingThatClosesByACallThatComesAgainIsSeen(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	cl := s.client()
	s.ask(called("q", "0"))
	a := s.given(w).Jobs[0]
	s.ask(called("q", "1"))
	b := s.given(w).Jobs[0]
	one := func() *owner.Request {
		call := called("q", "1")
		call.Request = state.Request{Client: cl, N: 1, Low: 1}
		call.Asker = owner.Asker{Job: a.ID, Epoch: a.Epoch, Endless: true}
		return call
	}
	first := one()
	s.ask(first)
	s.isOpen(first)
	s.core.Drop(first) // its connection breaks
	s.ask()
	back := await(a.ID)
	back.Asker = owner.Asker{Job: b.ID, Epoch: b.Epoch, Endless: true}
	s.isOpenAfter(back)
	second := one()
	s.ask(second)
	var knot *state.KnotError
	if !errors.As(second.Err, &knot) && !errors.As(back.Err, &knot) {
		t.Errorf("both wait for ever: %v %v", second.IDs, back.Err)
	}
}
