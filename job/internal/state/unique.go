package state

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// A unique finds jobs by task, parent and key: those that have their key. It has a hash for each and no key:
// that is with the job. Where two keys have the same hash, which by chance never
// happens, the later one goes to twins. The hash has a seed of its own in each
// process, so nobody can choose keys that collide; nothing depends on it (T4).
type unique struct {
	seed  maphash.Seed
	slots map[uint64]uint32
	twins map[twin]uint32
}

type twin struct {
	task   uint32
	parent uint64
	key    string
}

func newUnique() unique {
	return unique{seed: maphash.MakeSeed(), slots: make(map[uint64]uint32)}
}

func (u *unique) hash(task uint32, parent uint64, key []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(u.seed)
	var b [12]byte
	binary.LittleEndian.PutUint32(b[:], task)
	binary.LittleEndian.PutUint64(b[4:], parent)
	h.Write(b[:])
	h.Write(key)
	return h.Sum64()
}

// isKeyOf reports whether the job in slot has this task, parent and key.
func (s *State) isKeyOf(slot, task uint32, parent uint64, key []byte) bool {
	j := s.jobs.at(slot)
	return j.parent == parent && s.lanes.all[j.lane].task == task && bytes.Equal(s.jobs.arena.get(j.key), key)
}

// byKeyFind returns the job that has the key.
func (s *State) byKeyFind(task uint32, parent uint64, key []byte) (slot uint32, ok bool) {
	if slot, ok = s.byKey.slots[s.byKey.hash(task, parent, key)]; ok && s.isKeyOf(slot, task, parent, key) {
		return slot, true
	}
	slot, ok = s.byKey.twins[twin{task, parent, string(key)}]
	return slot, ok
}

func (s *State) byKeyAdd(task uint32, parent uint64, key []byte, slot uint32) {
	h := s.byKey.hash(task, parent, key)
	if _, taken := s.byKey.slots[h]; !taken {
		s.byKey.slots[h] = slot
		return
	}
	if s.byKey.twins == nil {
		s.byKey.twins = make(map[twin]uint32)
	}
	s.byKey.twins[twin{task, parent, string(key)}] = slot
}

func (s *State) byKeyRemove(task uint32, parent uint64, key []byte, slot uint32) {
	h := s.byKey.hash(task, parent, key)
	if s.byKey.slots[h] == slot {
		delete(s.byKey.slots, h)
		return
	}
	delete(s.byKey.twins, twin{task, parent, string(key)})
}
