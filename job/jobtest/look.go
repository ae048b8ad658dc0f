package jobtest

import "fmt"

// SetCapacity makes the log refuse with ErrFull what would make its records
// take more than capacity bytes together, and Low warn while they take more
// than watermark. Zero is no limit.
func (m *Memory) SetCapacity(capacity, watermark int64) {
	if capacity < 0 || watermark < 0 || capacity == 0 && watermark > 0 || watermark > capacity {
		panic(fmt.Sprintf("jobtest: SetCapacity of %d bytes, with a watermark at %d", capacity, watermark))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store.capacity, m.store.watermark = capacity, watermark
}

// Low returns an error while little room is left: see [job.Log] and
// [Memory.SetCapacity].
func (m *Memory) Low() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.store.low(); err != nil {
		return fmt.Errorf("jobtest: %w", err)
	}
	return nil
}

// A Record is one that a Memory has stored.
type Record struct {
	Seq     uint64
	Rec     []byte // as it is on the disk; not to be changed
	Trimmed bool
}

// Records returns all records that were ever stored, also those that were
// trimmed or whose Append was answered ErrUnknown, as they are on the disk. It
// is no call of the log: nothing befalls it, and it makes sure of nothing.
func (m *Memory) Records() []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Record, len(m.store.slots))
	for i, at := range m.store.slots {
		seq := uint64(i) + 1
		all[i] = Record{seq, at.rec, seq < m.store.first}
	}
	return all
}

// Counts are of what a Memory has done.
type Counts struct {
	Appends, Reads, Bounds, Trims int // calls that found it open

	Stored       int // records, when they arrived
	Refused      int // records, when they arrived: ErrConflict, ErrFull, ErrDamaged
	Acknowledged int // Appends that returned nil
	Unknown      int // Appends that returned ErrUnknown
}

// Counts returns what the log and those it was reopened from have done.
func (m *Memory) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

// begin counts a call and returns how many there were of its kind.
func (c *Counts) begin(v Verb) int {
	var n *int
	switch v {
	case Append:
		n = &c.Appends
	case Read:
		n = &c.Reads
	case Bounds:
		n = &c.Bounds
	case Trim:
		n = &c.Trims
	}
	*n++
	return *n
}
