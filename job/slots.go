package job

import (
	"context"
	"sync"

	"github.com/hemgo/hem/internal/graph"
)

// slots say how many jobs a worker may claim. Their zero value with free and size
// set is ready for use.
//
//	S1. free is the size, less the handlers that run, and more those of them that
//	    wait for jobs; it is below zero when these come back and others have begun.
//	S2. telling is the handlers that have ended, and whose outcome is not in the
//	    log yet: no more than the size, so that a log which takes nothing stops the
//	    worker.
//	S3. open is all attempts.
type slots struct {
	mu      sync.Mutex
	size    int
	free    int
	telling int
	open    int
	name    string
	waiter  *graph.Wait // of who waits for a change; nil is nobody
}

// claimableLocked is how many jobs may be claimed.
func (s *slots) claimableLocked() int { return min(s.free, s.size-s.telling) }

// wait returns how many jobs may be claimed, when there are any; 0 when ctx has
// ended.
func (s *slots) wait(ctx context.Context) int {
	for ctx.Err() == nil {
		w := s.begin(ctx)
		if n := s.claimableLocked(); n > 0 {
			s.mu.Unlock()
			w.Abandon()
			return n
		}
		s.park(w)
	}
	return 0
}

// drain waits until no attempt is open.
func (s *slots) drain(ctx context.Context) {
	for {
		w := s.begin(ctx)
		if s.open == 0 {
			s.mu.Unlock()
			w.Abandon()
			return
		}
		s.park(w)
	}
}

// begin begins a wait, with mu held. There is one at a time: a stint claims, and
// then drains.
func (s *slots) begin(ctx context.Context) *graph.Wait {
	w := new(graph.Wait)
	w.Begin(ctx, s)
	s.mu.Lock()
	return w
}

// park lets go of mu, and waits.
func (s *slots) park(w *graph.Wait) {
	s.waiter = w
	w.Publish()
	s.mu.Unlock()
	if w.Park() != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiter = nil
	}
}

// Blocked is false: a handler may end whatever others do.
func (s *slots) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the worker.
func (s *slots) Label() graph.Label { return graph.Label{Kind: "handlers of worker", Name: s.name} }

// add changes the numbers.
func (s *slots) add(free, telling, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += free
	s.telling += telling
	s.open += open
	if s.waiter != nil && (s.open == 0 || s.claimableLocked() > 0) {
		if s.waiter.Claim() {
			s.waiter.Wake()
		}
		s.waiter = nil
	}
}

func (s *slots) take(n int) { s.add(-n, 0, n) } // so many handlers begin

// returned is for a handler that has; lent tells that its slot is, and so is free
// already.
func (s *slots) returned(lent bool) {
	if lent {
		s.add(0, 1, 0)
	} else {
		s.add(1, 1, 0)
	}
}

func (s *slots) told()  { s.add(0, -1, -1) } // its outcome is in the log
func (s *slots) lend()  { s.add(1, 0, 0) }
func (s *slots) repay() { s.add(-1, 0, 0) }
