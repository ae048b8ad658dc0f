package jobtest

import (
	"fmt"
	"slices"
)

// Flip turns one bit of record seq, counted from the lowest of its first byte.
// Read finds out, unless the Memory is silent.
func (m *Memory) Flip(seq uint64, bit int) {
	m.damage("Flip", func(s *store) {
		rec := slices.Clone(s.slots[seq-1].rec)
		if bit < 0 || bit >= 8*len(rec) {
			panic(fmt.Sprintf("jobtest: Flip of bit %d of a record of %d bytes", bit, len(rec)))
		}
		rec[bit/8] ^= 1 << (bit % 8)
		s.slots[seq-1].rec = rec
	}, seq)
}

// Swap puts records a and b each in the other's place. Read finds out, unless
// the Memory is silent.
func (m *Memory) Swap(a, b uint64) {
	m.damage("Swap", func(s *store) {
		s.slots[a-1], s.slots[b-1] = s.slots[b-1], s.slots[a-1]
		s.recount()
	}, a, b)
}

// Duplicate puts a copy of record seq in the place of record at. Read finds
// out, unless the Memory is silent.
func (m *Memory) Duplicate(seq, at uint64) {
	m.damage("Duplicate", func(s *store) {
		s.slots[at-1] = s.slots[seq-1]
		s.recount()
	}, seq, at)
}

// Remove leaves a gap where record seq was. Read finds out.
func (m *Memory) Remove(seq uint64) {
	m.damage("Remove", func(s *store) {
		s.slots[seq-1].rec = nil
		s.recount()
	}, seq)
}

// Truncate loses the record seq and all that follow; 1 empties the store. The
// head of the log still tells of them, so Read and Append find out.
func (m *Memory) Truncate(seq uint64) {
	m.damage("Truncate", func(s *store) {
		s.slots = s.slots[:seq-1]
		s.recount()
	}, seq)
}

// SetSilent makes the log trust its disk, or not: flipped, swapped and doubled
// records are shown as they are, for their reader to find out. What is missing
// is still told.
func (m *Memory) SetSilent(silent bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store.silent = silent
}

// damage lets f change the disk, which must have the records seqs.
func (m *Memory) damage(what string, f func(*store), seqs ...uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, seq := range seqs {
		if seq < m.store.first || seq > uint64(len(m.store.slots)) {
			panic(fmt.Sprintf("jobtest: %s of record %d of a log that has %d to %d", what, seq, m.store.first, len(m.store.slots)))
		}
	}
	f(&m.store)
}

// recount is for when records have changed their places.
func (s *store) recount() {
	s.taken = 0
	for _, at := range s.slots[min(s.first-1, uint64(len(s.slots))):] {
		s.taken += int64(len(at.rec))
	}
}
