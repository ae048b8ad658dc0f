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
	timeout     int64
	deadline    int64
	parent      uint64 // its id, which may be that of a job that is gone

	lane    uint32
	cell    uint32 // where it waits while its limit is reached; 0 if it has none
	pos     uint32 // in the heap or list that its status puts it in (T1)
	epoch   uint32
	session uint32 // its slot in sessions, while Running

	parentEpoch uint32
	scope       uint32 // slot of the session that it is attached to; only while link is set
	next, prev  uint32 // its siblings, while link is set
	child       uint32 // its first child, of those that are linked
	children    uint32 // how many these are

	input    blob
	key      blob
	result   blob
	failures blob
	extra    blob // see putExtra

	attempt  uint16
	attempts uint16
	priority int8
	status   Status
	cause    Cause
	kind     jobKind
	cancel   bool
	tagged   bool  // extra has tags
	linked   bool  // it is in its scope's list (T5)
	shown    bool  // Ready and of a cell: in its lane's heap, and not in the cell's
	saved    uint8 // the round of the last snapshot that has it
}

// A jobKind is what of its Spec a job needs all its life: as the first bits of a
// spec's flags, hasAttached to hasUniqueCancelled.
type jobKind uint8

func (k jobKind) attached() bool { return k&hasAttached != 0 }
func (k jobKind) called() bool   { return k&hasCalled != 0 }

// unique reports whether a job that has come to a status has its key.
func (k jobKind) unique(s Status) bool {
	switch s {
	case Done:
		return k&hasUniqueDone != 0
	case Dead:
		return k&hasUniqueDead != 0
	case Cancelled:
		return k&hasUniqueCancelled != 0
	}
	return true
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
	for _, b := range []blob{j.input, j.key, j.result, j.failures, j.extra} {
		s.arena.drop(b)
	}
	*j = jobRec{}
	s.free = append(s.free, slot)
}

// bytes is what the job takes in a snapshot, about.
func (s *slab) bytes(j *jobRec) int64 {
	n := 80
	for _, b := range [...]blob{j.input, j.key, j.result, j.failures, j.extra} {
		n += len(s.arena.get(b))
	}
	return int64(n)
}
