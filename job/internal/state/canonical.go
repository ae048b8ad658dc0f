package state

import (
	"cmp"
	"maps"
	"slices"
)

// AppendCanonical writes the state so that two which act alike are the same
// bytes: a snapshot's units, jobs in the order of their ids. It is for tests; it
// sorts.
func (s *State) AppendCanonical(b []byte) []byte {
	b = s.appendRest(b)
	for _, id := range s.byID.ids() {
		slot, _ := s.byID.get(id)
		b = s.appendJob(b, s.jobs.at(slot))
	}
	return b
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
