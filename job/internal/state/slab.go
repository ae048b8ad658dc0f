package state

// A jobRec is a job. It has no pointers: byte strings are in the arena, and
// where it stands in a heap or a list is a number.
type jobRec struct {
	id      uint64
	entered int64
	since   int64 // when it came to its status
	due     int64 // Scheduled: when it is ready. Ended: when it is forgotten
	score   int64 // its order in its lane, from when it is Ready until it is so anew

	first, most int64 // back-off
	keep, bury  int64

	lane    uint32
	pos     uint32 // in the heap or list that its status puts it in (T1)
	epoch   uint32
	session uint32 // its slot in sessions, while Running

	input    blob
	key      blob
	result   blob
	failures blob

	attempt  uint16
	attempts uint16
	priority int8
	status   Status
	cancel   bool
	saved    uint8 // the round of the last snapshot that has it
}

// A slab keeps jobs in pages, so that growing never copies them. Slot 0 is no
// job.
type slab struct {
	arena arena
	pages []*[slabPage]jobRec
	made  uint32 // slots that were ever used, slot 0 included
	free  []uint32
}

const slabPage = 1 << 8

func (s *slab) at(slot uint32) *jobRec {
	return &s.pages[slot/slabPage][slot%slabPage]
}

func (s *slab) take() uint32 {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	s.made = max(s.made, 1)
	if int(s.made/slabPage) == len(s.pages) {
		s.pages = append(s.pages, new([slabPage]jobRec))
	}
	s.made++
	return s.made - 1
}

// give frees a slot and the bytes of its job.
func (s *slab) give(slot uint32) {
	j := s.at(slot)
	for _, b := range []blob{j.input, j.key, j.result, j.failures} {
		s.arena.drop(b)
	}
	*j = jobRec{}
	s.free = append(s.free, slot)
}

// bytes is what the job takes in a snapshot, about.
func (s *slab) bytes(j *jobRec) int64 {
	return int64(64 + len(s.arena.get(j.input)) + len(s.arena.get(j.key)) + len(s.arena.get(j.result)) + len(s.arena.get(j.failures)))
}
