package state

// A Note tells an owner what a transition has done beside what was asked for.
// Notes are no part of the state.
type Note struct {
	Kind    NoteKind
	Job     uint64
	Session uint64 // NoteCancelling
	Epoch   uint32 // NoteCancelling
	Info    Info   // NoteEnded: the job as it ended
}

// A NoteKind says what a Note is of.
type NoteKind uint8

// What notes are of.
const (
	NoteEnded      NoteKind = 1 + iota // a job that is watched has ended
	NoteCancelling                     // a job that is Running is to end
)

// Feed lets the state keep notes from now on, for [State.Notes].
func (s *State) Feed() { s.feed = true }

// Watch lets the end of a job be noted. It counts: there are as many Unwatch.
func (s *State) Watch(job uint64) {
	if s.watched == nil {
		s.watched = make(map[uint64]int)
	}
	s.watched[job]++
}

// Unwatch takes one Watch back.
func (s *State) Unwatch(job uint64) {
	if s.watched[job]--; s.watched[job] <= 0 {
		delete(s.watched, job)
	}
}

func (s *State) watching(job uint64) bool { return len(s.watched) > 0 && s.watched[job] > 0 }

// Notes returns those that were kept since the last call. They are good until the
// next transition.
func (s *State) Notes() []Note {
	notes := s.notes
	s.notes = s.notes[:0]
	return notes
}
