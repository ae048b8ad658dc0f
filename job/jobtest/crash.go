package jobtest

import (
	"math/rand/v2"

	"github.com/hemgo/hem/job"
)

// Crash cuts the power. It returns a log with what the disk has then: every
// record whose Append returned nil or that a Read has shown; of the others a
// beginning, as long as r wants; and if that is all of them, of the pending
// ones what r lets arrive. Nothing of either if r is nil. Faults, capacity and
// counts go on in the new log.
//
// The old one is closed, without waiting for the calls that are under way: an
// Append of them is ErrUnknown, the others are ErrClosed.
func (m *Memory) Crash(r *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mustNotBeClosedLocked("Crash")
	m.closed = true
	close(m.crashed)
	next := m.successorLocked()
	next.store.lose(r)
	return next
}

// Reopen closes the log and returns another with all that it had stored, and
// with what is pending.
func (m *Memory) Reopen() *Memory {
	_ = m.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hasCrashedLocked() {
		panic("jobtest: Reopen of a Memory that has crashed: Crash returned what is left of it")
	}
	return m.successorLocked()
}

func (m *Memory) successorLocked() *Memory {
	next := remember(m.store.clone())
	next.faults, next.counts = m.faults, m.counts
	return next
}

// lose is what a power cut does.
func (s *store) lose(r *rand.Rand) {
	kept := s.sure
	if r != nil {
		kept += r.Uint64N(s.head - s.sure + 1)
	}
	all := kept == s.head
	for ; s.head > kept; s.head-- {
		if uint64(len(s.slots)) >= s.head {
			s.taken -= int64(len(s.slots[s.head-1].rec))
			s.slots = s.slots[:s.head-1]
		}
	}
	if r != nil && all {
		for _, i := range r.Perm(len(s.pending)) {
			if p := s.pending[i]; r.IntN(2) == 0 {
				_ = s.append(p.After, p.Rec) // in vain is possible too
			}
		}
	}
	s.pending = nil
	s.sure = s.head
}

func (m *Memory) hasCrashed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hasCrashedLocked()
}

func (m *Memory) hasCrashedLocked() bool {
	select {
	case <-m.crashed:
		return true
	default:
		return false
	}
}

func (m *Memory) mustNotBeClosedLocked(what string) {
	if m.closed {
		panic("jobtest: " + what + " of a Memory that is closed: " + job.ErrClosed.Error())
	}
}
