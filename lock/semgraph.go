package lock

import (
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/invariant"
)

// seenSemaphore is a Semaphore as the graph sees it.
type seenSemaphore Semaphore

func (s *Semaphore) seen() *seenSemaphore { return (*seenSemaphore)(s) }

func (s *seenSemaphore) Label() graph.Label { return label("semaphore", s.name, s) }

// Blocked says of t, which waits, whether it waits for ever with those that
// stuck holds true for if they keep so many units that the others do not
// suffice for it, or for one of them that is served before it.
//
// Anonymous units, and those that callers outside every task hold, may come
// back at any time. So where no task that is stuck holds any, nobody is
// blocked: all who wait want no more than size (S3). Nor does it matter then
// who waits ahead, and nobody is asked, lest every wait in a long queue ask
// all the others.
func (seen *seenSemaphore) Blocked(t *graph.Task, stuck func(*graph.Task) bool) bool {
	s := (*Semaphore)(seen)
	kept := s.kept(stuck)
	if kept == 0 {
		return false
	}
	var room [few]*graph.Task
	blocked, ahead := s.shortOf(t, kept, room[:0])
	for _, a := range ahead {
		blocked = stuck(a) || blocked
	}
	return blocked
}

// few is for how many no memory is allocated.
const few = 8

// kept returns how many units are held by tasks that are stuck.
func (s *Semaphore) kept(stuck func(*graph.Task) bool) (kept int64) {
	if s.owned.Load() == 0 { // a hold is counted before its task can wait
		return 0
	}
	type hold struct {
		t *graph.Task
		n int64
	}
	var room [few]hold
	held := room[:0]
	s.mu.Lock()
	for h := s.holdings; h != nil; h = h.next {
		held = append(held, hold{h.t, h.n})
	}
	s.mu.Unlock()
	for _, h := range held {
		if stuck(h.t) {
			kept += h.n
		}
	}
	return kept
}

// shortOf reports whether what is left of size without kept does not suffice
// for t's request, and adds to ahead the tasks that are served before it for
// which it does not either. Neither if t's request is not queued.
func (s *Semaphore) shortOf(t *graph.Task, kept int64, ahead []*graph.Task) (short bool, _ []*graph.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.size.Load() - kept // what is over-held comes back, but for kept
	mine := s.requestLocked(t)
	if mine == nil {
		return false, nil
	}
	s.queue.all(func(r *request) {
		if r.n > left && r.wait != nil && r.wait.Task() != nil && r.before(mine) {
			ahead = append(ahead, r.wait.Task())
		}
	})
	return mine.n > left, ahead
}

// requestLocked returns the queued request that t waits for, nil if there is
// none.
func (s *Semaphore) requestLocked(t *graph.Task) (mine *request) {
	s.queue.all(func(r *request) {
		if r.wait != nil && r.wait.Task() == t {
			mine = r
		}
	})
	return mine
}

// HeldBy reports whether t holds units by With.
func (s *seenSemaphore) HeldBy(t *graph.Task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := s.holdings; h != nil; h = h.next {
		if h.t == t {
			return true
		}
	}
	return false
}

// own makes h, whose units have been taken, known; nil for anonymous ones.
func (s *Semaphore) own(h *holding) {
	if h == nil {
		return
	}
	s.mu.Lock()
	s.ownLocked(h)
	s.unlock(nil)
}

func (s *Semaphore) ownLocked(h *holding) {
	if h == nil {
		return
	}
	s.owned.Add(h.n)
	if h.t == nil {
		return
	}
	if h.next = s.holdings; h.next != nil {
		h.next.prev = h
	}
	s.holdings = h
}

func (s *Semaphore) disownLocked(h *holding) {
	s.owned.Add(-h.n)
	if h.t == nil {
		return
	}
	if h.prev == nil {
		s.holdings = h.next
	} else {
		h.prev.next = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.next, h.prev = nil, nil
}

// checkLocked checks S1 to S5 and R1.
func (s *Semaphore) checkLocked() {
	w, size, owned := s.word.Load(), s.size.Load(), s.owned.Load()
	head := s.queue.head()
	invariant.Checkf((w&queued != 0) == (head != nil), "S1: the queue's bit is %d, and %d wait", w&queued, s.queue.n)
	invariant.Checkf(head == nil || head.n > w>>1, "S2: %d units are free", w>>1)
	invariant.Checkf(w>>1+owned <= size, "S4: %d units are free and %d owned, of %d", w>>1, owned, size)
	n := 0
	s.queue.all(func(r *request) {
		n++
		invariant.Checkf(r.n <= size, "S3: %d units are waited for, of %d", r.n, size)
		invariant.Check(r.queued && (r.wait != nil) != r.again, "R1: who is queued waits, or looks again")
		invariant.Check(r.prev == nil || r.prev.before(r), "R1: requests of a level are in order")
	})
	invariant.Checkf(n == s.queue.n, "S1: %d are queued, said to be %d", n, s.queue.n)
	sum := int64(0)
	for h := s.holdings; h != nil; h = h.next {
		sum += h.n
	}
	invariant.Checkf(sum <= owned, "S5: tasks hold %d units of %d owned", sum, owned)
}
