package lock

import "github.com/hemgo/hem/internal/graph"

// What tests outside the package may reach of a semaphore's inside.

// Free is how many units are free; less than none after a Resize below what is
// held.
func (s *Semaphore) Free() int64 { return s.word.Load() >> 1 }

// Owned is how many units are held by With, and by how many tasks.
func (s *Semaphore) Owned() (units int64, tasks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := s.holdings; h != nil; h = h.next {
		tasks++
	}
	return s.owned.Load(), tasks
}

// Seen is s as the graph sees it.
func Seen(s *Semaphore) graph.Resource { return s.seen() }
