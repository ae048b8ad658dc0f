package state

import "slices"

// A session is somebody who claims jobs.
type session struct {
	id     uint64
	name   string
	remote bool // it is not in the process of the owner
	opened int64
	jobs   []uint32 // slots of those it has claimed; a job knows its place (pos)

	child    uint32 // the first of those that are attached to it
	children uint32
}

type sessions struct {
	all   []session // by slot
	free  []uint32
	order []uint64 // ids, ascending
	byID  map[uint64]uint32
	next  uint64
}

func (s *State) openSession(r *reader, out *Outcome) error {
	name, remote := r.bytes(MaxName), r.bool()
	if !r.whole() {
		return ErrMalformed
	}
	id := s.sessions.next
	s.sessions.next++
	s.addSession(session{id: id, name: string(name), remote: remote, opened: s.now})
	out.IDs = append(out.IDs, id)
	return nil
}

// addSession enters one with a higher id than all there are.
func (s *State) addSession(n session) {
	slot := vacant(&s.sessions.all, &s.sessions.free)
	s.sessions.all[slot] = n
	s.sessions.order = append(s.sessions.order, n.id)
	s.sessions.byID[n.id] = slot
}

func (s *State) endSession(r *reader) error {
	id := r.uint()
	if !r.whole() {
		return ErrMalformed
	}
	if _, ok := s.sessions.byID[id]; !ok {
		return ErrNoSession
	}
	s.closeSession(id)
	return nil
}

// lostText is the failure of an attempt whose session ended.
const lostText = "lost: the session that had claimed the job ended"

// closeSession ends a session. Its jobs go back in the order of their ids.
func (s *State) closeSession(id uint64) {
	slot := s.sessions.byID[id]
	if !Mutant.SessionKeepsJobs {
		jobs := s.sessions.all[slot].jobs
		slices.SortFunc(jobs, func(a, b uint32) int {
			if s.jobs.at(a).id < s.jobs.at(b).id {
				return -1
			}
			return 1
		})
		for i, at := range jobs {
			s.jobs.at(at).pos = uint32(i)
		}
		for _, at := range slices.Clone(jobs) {
			s.lose(at)
		}
	}
	s.closeScope(slot)
	s.sessions.all[slot] = session{}
	s.sessions.free = append(s.sessions.free, slot)
	delete(s.sessions.byID, id)
	i, _ := slices.BinarySearch(s.sessions.order, id)
	s.sessions.order = slices.Delete(s.sessions.order, i, i+1)
	s.cascade()
}

// lose ends the attempt of a job whose session has ended.
func (s *State) lose(slot uint32) {
	j := s.stop(slot)
	s.note(j, []byte(lostText))
	switch {
	case j.cancel:
		s.end(slot, Cancelled, j.cause, nil)
	case j.attempt >= j.attempts || j.late(s.now):
		s.end(slot, Dead, CauseLost, nil)
	default:
		s.makeReady(slot, s.now)
	}
}

func (s *State) enterSession(slot uint32) {
	j := s.jobs.at(slot)
	n := &s.sessions.all[j.session]
	j.pos = uint32(len(n.jobs))
	n.jobs = append(n.jobs, slot)
}

func (s *State) leaveSession(slot uint32) {
	j := s.jobs.at(slot)
	n := &s.sessions.all[j.session]
	last := len(n.jobs) - 1
	moved := n.jobs[last]
	n.jobs[j.pos] = moved
	s.jobs.at(moved).pos = j.pos
	n.jobs = n.jobs[:last]
	j.session = 0
}

// A SessionInfo is what there is to say of a session.
type SessionInfo struct {
	ID       uint64
	Name     string
	Remote   bool
	Opened   int64
	Running  int // jobs that it has claimed
	Attached int // jobs that end with it
}

// Sessions returns the open ones, in the order of their ids.
func (s *State) Sessions() []SessionInfo {
	all := make([]SessionInfo, 0, len(s.sessions.order))
	for _, id := range s.sessions.order {
		n := &s.sessions.all[s.sessions.byID[id]]
		all = append(all, SessionInfo{id, n.name, n.remote, n.opened, len(n.jobs), int(n.children)})
	}
	return all
}

// HasSession reports whether a session is open.
func (s *State) HasSession(id uint64) bool {
	_, ok := s.sessions.byID[id]
	return ok
}

// EachRunning calls f with every attempt.
func (s *State) EachRunning(f func(session, job uint64, epoch uint32, queue string)) {
	for _, id := range s.sessions.order {
		for _, slot := range s.sessions.all[s.sessions.byID[id]].jobs {
			j := s.jobs.at(slot)
			f(id, j.id, j.epoch, s.names.text(s.lanes.all[j.lane].queue))
		}
	}
}

// Running returns the jobs that a session has claimed, in the order of their ids.
func (s *State) Running(session uint64) []uint64 {
	slot, ok := s.sessions.byID[session]
	if !ok {
		return nil
	}
	var ids []uint64
	for _, at := range s.sessions.all[slot].jobs {
		ids = append(ids, s.jobs.at(at).id)
	}
	slices.Sort(ids)
	return ids
}
