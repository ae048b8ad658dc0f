package job

import (
	"context"
	"sync"
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
	bell    chan struct{} // of who waits for a change; nil is nobody
}

// claimable is how many jobs may be claimed. mu is held.
func (s *slots) claimableLocked() int { return min(s.free, s.size-s.telling) }

// wait returns how many jobs may be claimed, when there are any; 0 when ctx has
// ended.
func (s *slots) wait(ctx context.Context) int {
	for ctx.Err() == nil {
		s.mu.Lock()
		n := s.claimableLocked()
		bell := s.ringLocked()
		s.mu.Unlock()
		if n > 0 {
			return n
		}
		select {
		case <-bell:
		case <-ctx.Done():
		}
	}
	return 0
}

func (s *slots) ringLocked() chan struct{} {
	if s.bell == nil {
		s.bell = make(chan struct{})
	}
	return s.bell
}

// drain waits until no attempt is open.
func (s *slots) drain() {
	for {
		s.mu.Lock()
		open, bell := s.open, s.ringLocked()
		s.mu.Unlock()
		if open == 0 {
			return
		}
		<-bell
	}
}

// add changes the numbers.
func (s *slots) add(free, telling, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += free
	s.telling += telling
	s.open += open
	if s.bell != nil && (s.open == 0 || s.claimableLocked() > 0) {
		close(s.bell)
		s.bell = nil
	}
}

func (s *slots) take(n int) { s.add(-n, 0, n) }  // so many handlers begin
func (s *slots) returned()  { s.add(1, 1, 0) }   // a handler has
func (s *slots) told()      { s.add(0, -1, -1) } // its outcome is in the log
func (s *slots) lend()      { s.add(1, 0, 0) }
func (s *slots) repay()     { s.add(-1, 0, 0) }
