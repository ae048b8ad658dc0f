package lock

import (
	"context"
	"fmt"
	"runtime"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/invariant"
)

// acquire is Acquire, or With if own is not nil, when that takes more than a
// look. who is which.
func (s *Semaphore) acquire(ctx context.Context, who string, n int64, opts []Option, own *holding) error {
	o := merge(who, opts)
	if o.name != "" || o.class != nil || o.rank != 0 {
		panic("lock: " + who + " of a Semaphore takes Priority and no other option")
	}
	t, err := caller(ctx, "lock: acquire")
	if err != nil {
		return err
	}
	if size := s.size.Load(); n <= 0 || n > size {
		return s.invalid(n, size)
	}
	if own != nil {
		own.t = t
	}
	watched := graph.Watched.Load() != 0
	if watched {
		t.Point()
	}
	patient := o.level <= 0 && !watched // the urgent join the queue at once
	if s.take(n) || patient && s.spin(n) {
		s.own(own)
		return nil
	}
	return s.wait(ctx, t, &request{n: n, level: o.level, own: own})
}

// invalid is the error of a request that no semaphore of the size could serve.
func (s *Semaphore) invalid(n, size int64) error {
	e := &fault.Error{Op: "lock: acquire", Task: s.seen().Label().Name, Kind: fault.Invalid}
	switch {
	case n <= 0:
		e.Err = fmt.Errorf("%d units were asked for", n)
		e.Hint = "ask for at least 1"
	case size == 0:
		e.Err = errNoUnits
		e.Hint = "make it with NewSemaphore, or Resize it first"
	default:
		e.Err = fmt.Errorf("%d units were asked for, of %d", n, size)
		e.Hint = fmt.Sprintf("ask for at most %d, or Resize", size)
	}
	return e
}

// spin looks for units a little while longer before the caller joins the queue:
// whoever holds them may be about to give them back, and a wait costs a
// hundred times a short hold. Then it lets others run, once. Where a queue has
// formed because somebody lost the processor while he held units, all who come
// back join it, and it lasts because it is there; it empties while they yield.
// More looks than these were measured to gain nothing.
func (s *Semaphore) spin(n int64) bool {
	if !spins {
		return false
	}
	graph.Pause(semPauses)
	if s.take(n) {
		return true
	}
	runtime.Gosched()
	return s.take(n)
}

const semPauses = 20

// wait is acquire's way to sleep until r is served.
func (s *Semaphore) wait(ctx context.Context, t *graph.Task, r *request) error {
	start := clock(t)
	r.rank = rankOf(start, r.level)
	for w := &r.first; ; w = new(graph.Wait) {
		w.BeginAs(t, ctx, s.seen())
		s.mu.Lock()
		if !s.joinLocked(r, w) {
			s.unlock(nil)
			w.Abandon()
			return s.result(r)
		}
		w.Publish()
		s.unlock(nil)
		err := w.Park()
		if err != nil {
			s.leave(r)
			waited(s.seen(), t, start)
			return gaveUp(ctx, "lock: acquire", s.seen().Label(), err)
		}
		if !r.again {
			waited(s.seen(), t, start)
			return s.result(r)
		}
	}
}

// joinLocked puts r in the queue with the wait w, unless it can be served, or
// refused, at once. If it is false, outcome says which.
func (s *Semaphore) joinLocked(r *request, w *graph.Wait) bool {
	switch {
	case r.again:
		r.again = false
		if !r.queued {
			return false // served or refused on the way here
		}
	case r.n > s.size.Load():
		r.outcome = refused
		return false
	default:
		if s.queue.number(r); s.passLocked(r) {
			r.outcome = served
			s.ownLocked(r.own)
			return false
		}
		s.queue.push(r)
	}
	r.wait = w
	return true
}

// passLocked takes r's units if nobody is to be served before it and they are
// free; if it is false, queued is set: S1.
func (s *Semaphore) passLocked(r *request) bool {
	if head := s.queue.head(); head != nil && !r.before(head) {
		return false
	}
	for {
		w := s.word.Load()
		if w>>1 >= r.n {
			if s.word.CompareAndSwap(w, w-r.n<<1) {
				return true
			}
		} else if s.word.CompareAndSwap(w, w|queued) {
			return false
		}
	}
}

// result is what wait returns once it is known what became of r.
func (s *Semaphore) result(r *request) error {
	if r.outcome == refused {
		return s.invalid(r.n, s.size.Load())
	}
	return nil
}

// leave takes r, which has given up, out of the queue. It may have been the
// head: S2.
func (s *Semaphore) leave(r *request) {
	var out wakes
	s.mu.Lock()
	if r.queued {
		s.queue.remove(r)
		s.serveLocked(&out)
	}
	s.unlock(&out)
}

// release is Release when somebody waits, or something is wrong.
func (s *Semaphore) release(n int64) {
	if n <= 0 {
		panic(fmt.Sprintf("lock: Release of %d units of %v: give back at least 1", n, s))
	}
	var out wakes
	s.mu.Lock()
	for {
		w := s.word.Load()
		if held := s.anonymous(w); n > held {
			s.unlock(nil)
			panic(fmt.Sprintf("lock: Release of %d units of %v, of which %d are held: give back what Acquire took, once", n, s, held))
		}
		if s.word.CompareAndSwap(w, w+n<<1) {
			break
		}
	}
	s.serveLocked(&out)
	s.unlock(&out)
}

// giveBack ends h, and gives its units to whoever is to have them.
func (s *Semaphore) giveBack(h *holding) {
	var out wakes
	s.mu.Lock()
	s.disownLocked(h)
	s.word.Add(h.n << 1)
	s.serveLocked(&out)
	s.unlock(&out)
}

// serveLocked gives units to those who wait, in their order, as far as they go:
// S1, S2.
func (s *Semaphore) serveLocked(out *wakes) {
	if s.word.Load()&queued == 0 {
		return
	}
	for r := s.queue.head(); r != nil; r = s.queue.head() {
		if r.n > s.word.Load()>>1 {
			return
		}
		s.queue.remove(r)
		if r.decide(served, out) {
			s.word.Add(-r.n << 1)
			s.ownLocked(r.own)
		}
	}
	s.word.And(^queued)
}

// refuseLocked ends the waits of those who want more than there is: S3.
func (s *Semaphore) refuseLocked(out *wakes) {
	size := s.size.Load()
	s.queue.all(func(r *request) {
		if r.n > size {
			s.queue.remove(r)
			r.decide(refused, out)
		}
	})
}

// lookAgainLocked makes those who could be told that they wait for ever ask
// again whether they do. They keep their places.
func (s *Semaphore) lookAgainLocked(out *wakes) {
	s.queue.all(func(r *request) {
		if w := r.wait; w != nil && w.Task() != nil && !w.Soft() && w.Claim() {
			r.again, r.wait = true, nil
			out.add(w)
		}
	})
}

// decide ends r, which is queued no more, and reports whether its waiter hears
// of it: it may have left.
func (r *request) decide(o outcome, out *wakes) bool {
	if r.wait != nil {
		if !r.wait.Claim() {
			return false
		}
		out.add(r.wait)
	}
	r.outcome = o
	return true
}

// wakes are waits to be woken once mu is free.
type wakes struct {
	one  *graph.Wait
	more []*graph.Wait
}

func (o *wakes) add(w *graph.Wait) {
	if o.one == nil {
		o.one = w
	} else {
		o.more = append(o.more, w)
	}
}

// unlock checks what must hold, where that is asked for, releases mu, and wakes
// out, which may be nil.
func (s *Semaphore) unlock(out *wakes) {
	if invariant.Enabled {
		s.checkLocked()
	}
	s.mu.Unlock()
	if out == nil || out.one == nil {
		return
	}
	out.one.Wake()
	for _, w := range out.more {
		w.Wake()
	}
}
