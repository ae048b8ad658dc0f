package job

import (
	"context"
	"sync"
)

// slots say how many jobs a worker may claim. Their zero value with free set is
// ready for use.
//
//	S1. free is the size, less the handlers that run, and more those that wait for
//	    jobs; it is below zero when these come back and others have begun.
//	S2. open is the attempts whose outcome is not in the log yet: so many as the
//	    size may be so beside the handlers that run.
type slots struct {
	mu   sync.Mutex
	free int
	open int
	size int
	bell chan struct{} // of who waits for a change; nil is nobody
}

// change tells who waits. mu is held.
func (s *slots) changeLocked() {
	if s.bell != nil {
		close(s.bell)
		s.bell = nil
	}
}

// claimable is how many jobs may be claimed, and what tells of a change. mu is
// held.
func (s *slots) claimableLocked() int {
	s.size = max(s.size, s.free)
	return min(s.free, 2*s.size-s.open)
}

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

// add changes free and open.
func (s *slots) add(free, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += free
	s.open += open
	if free > 0 && s.free > 0 || open < 0 && (s.open == 0 || s.free > 0) {
		s.changeLocked()
	}
}

func (s *slots) take(n int) { s.add(-n, n) } // so many handlers begin
func (s *slots) returned()  { s.add(1, 0) }  // a handler has
func (s *slots) told()      { s.add(0, -1) } // its outcome is in the log
func (s *slots) lend()      { s.add(1, 0) }
func (s *slots) repay()     { s.add(-1, 0) }
