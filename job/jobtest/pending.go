package jobtest

import "slices"

// A Pending record was sent and has not arrived: its Append was answered
// ErrUnknown, with Soon or Later.
type Pending struct {
	ID    int // of this Memory, for ever; a later one is higher
	After uint64
	Rec   []byte // not to be changed

	soon bool
}

// Pending returns the records that may yet arrive, oldest first.
func (m *Memory) Pending() []Pending {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.store.pending)
}

// Land lets pending records arrive, in the order of ids, or all of them, oldest
// first. One arrives in vain, never to be seen again, unless what it should
// follow is the last record at that moment. It returns how many were stored.
func (m *Memory) Land(ids ...int) (stored int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hasCrashedLocked() {
		return 0
	}
	if len(ids) == 0 {
		return m.landLocked(func(Pending) bool { return true })
	}
	for _, id := range ids {
		stored += m.landLocked(func(p Pending) bool { return p.ID == id })
	}
	return stored
}

// postponeLocked sends rec, to arrive at another time.
func (m *Memory) postponeLocked(after uint64, rec []byte, when Lose) {
	m.store.sent++
	m.store.pending = append(m.store.pending, Pending{m.store.sent, after, rec, when == Soon})
}

// landSoonLocked lets arrive what is to be there before an Append.
func (m *Memory) landSoonLocked() {
	m.landLocked(func(p Pending) bool { return p.soon })
}

// landLocked lets those arrive of which which is true, oldest first.
func (m *Memory) landLocked(which func(Pending) bool) (stored int) {
	m.store.pending = slices.DeleteFunc(m.store.pending, func(p Pending) bool {
		if !which(p) {
			return false
		}
		if m.storeLocked(p.After, p.Rec) == nil {
			stored++
		}
		return true
	})
	return stored
}
