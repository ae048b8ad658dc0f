package state

import (
	"bytes"
	"hash/maphash"
)

// A unique finds live jobs by task and key. It has a hash for each and no key:
// that is with the job. Where two keys have the same hash, which by chance never
// happens, the later one goes to twins. The hash has a seed of its own in each
// process, so nobody can choose keys that collide; nothing depends on it (T4).
type unique struct {
	seed  maphash.Seed
	slots map[uint64]uint32
	twins map[twin]uint32
}

type twin struct {
	task uint32
	key  string
}

func newUnique() unique {
	return unique{seed: maphash.MakeSeed(), slots: make(map[uint64]uint32)}
}

func (u *unique) hash(task uint32, key []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(u.seed)
	h.Write([]byte{byte(task), byte(task >> 8), byte(task >> 16), byte(task >> 24)})
	h.Write(key)
	return h.Sum64()
}

// isKeyOf reports whether the job in slot has this task and key.
func (s *State) isKeyOf(slot, task uint32, key []byte) bool {
	j := s.jobs.at(slot)
	return s.lanes.all[j.lane].task == task && bytes.Equal(s.jobs.arena.get(j.key), key)
}

// byKeyFind returns the live job that has the key.
func (s *State) byKeyFind(task uint32, key []byte) (slot uint32, ok bool) {
	if slot, ok = s.byKey.slots[s.byKey.hash(task, key)]; ok && s.isKeyOf(slot, task, key) {
		return slot, true
	}
	slot, ok = s.byKey.twins[twin{task, string(key)}]
	return slot, ok
}

func (s *State) byKeyAdd(task uint32, key []byte, slot uint32) {
	h := s.byKey.hash(task, key)
	if _, taken := s.byKey.slots[h]; !taken {
		s.byKey.slots[h] = slot
		return
	}
	if s.byKey.twins == nil {
		s.byKey.twins = make(map[twin]uint32)
	}
	s.byKey.twins[twin{task, string(key)}] = slot
}

func (s *State) byKeyRemove(task uint32, key []byte, slot uint32) {
	h := s.byKey.hash(task, key)
	if s.byKey.slots[h] == slot {
		delete(s.byKey.slots, h)
		return
	}
	delete(s.byKey.twins, twin{task, string(key)})
}
