package state

// A scope is what a job belongs to: a session, or another job. Those that are
// linked to it end with it.
//
//	T5. A job is linked to the session that it is attached to, while both live;
//	    to its parent, if it is attached, while it lives and the parent's attempt
//	    lasts that it belongs to; and if it is not attached, but has a key, while
//	    the parent lives, unless it is Dead or Cancelled. So whoever runs the
//	    parent again finds what of it is done.
//
// To cancel is a decision, and travels down at once. To lose an attempt is not:
// it ends what is attached to the attempt, and leaves the others.

// scopeOpen says why a job of v cannot be begun any more, be it entered or
// joined.
func (s *State) scopeOpen(v *specView) error {
	switch {
	case v.deadline > 0 && v.deadline <= s.now:
		return ErrLate
	case Mutant.ScopeStaysOpen:
		return nil
	case v.session != 0:
		if _, ok := s.sessions.byID[v.session]; !ok {
			return ErrScope
		}
	case v.parent != 0:
		slot, err := s.find(v.parent)
		if err != nil {
			return ErrScope
		}
		if p := s.jobs.at(slot); p.status != Running || p.epoch != v.parentEpoch || p.cancel {
			return ErrScope
		}
	}
	return nil
}

// mayLiveAgain reports whether what a dead job belonged to, if to anything, is
// there for it. One that was attached had a caller, who has been told.
func (s *State) mayLiveAgain(j *jobRec) (parent uint32, ok bool) {
	if Mutant.ReviveAttached && j.kind.attached() {
		return 0, true
	}
	if j.kind.attached() || j.parent == 0 {
		return 0, !j.kind.attached()
	}
	parent, err := s.find(j.parent)
	return parent, err == nil && s.jobs.at(parent).status.Live()
}

// knot says why v, a child, would wait for those who wait for it. Nobody else can
// give way to it: what they hold they hold until they have ended.
func (s *State) knot(v *specView) *KnotError {
	if v.parent == 0 {
		return nil
	}
	return s.knotAbove(v.parent, v)
}

// knotAbove says why v would wait for by and those above it, which wait for it.
func (s *State) knotAbove(by uint64, v *specView) *KnotError {
	var live, inQueue, runs, inLimit int64
	queueID, _ := s.names.find(v.queue)
	q := s.allowed(v.queue)
	set, gateID, limited := s.gateOf(v)
	for id := by; id != 0; {
		slot, err := s.find(id)
		if err != nil {
			break
		}
		p := s.jobs.at(slot)
		if p.status.Live() {
			live++
		}
		if s.lanes.all[p.lane].queue == queueID && p.status.Live() {
			inQueue++
			if p.status == Running {
				runs++
			}
		}
		if p.status == Running && limited && p.cell != 0 && s.limiting.cells[p.cell].gate == gateID {
			inLimit++
		}
		switch {
		case q.Running > 0 && runs >= q.Running:
			return &KnotError{Queue: string(v.queue), Most: q.Running, By: by}
		case q.Depth > 0 && inQueue >= q.Depth:
			return &KnotError{Queue: string(v.queue), Most: q.Depth, By: by, Depth: true}
		case live >= s.limits.Jobs:
			return &KnotError{Most: s.limits.Jobs, By: by, Depth: true}
		case set.Running > 0 && inLimit >= set.Running:
			return &KnotError{Queue: string(v.queue), Limit: string(v.limit), Key: string(v.limitKey), Most: set.Running, By: by}
		}
		id = p.parent
	}
	return nil
}

// allowed is what is said of a queue.
func (s *State) allowed(name []byte) Queue {
	if id, ok := s.names.find(name); ok && int(id) < len(s.queues) {
		return s.queues[id].Queue
	}
	return Queue{}
}

// gateOf is the gate that v counts for, if there is one yet, and its limit.
func (s *State) gateOf(v *specView) (set Limit, gate uint32, ok bool) {
	m := &s.limiting
	id, ok := m.names.find(v.limit)
	if !ok || len(v.limit) == 0 {
		return Limit{}, 0, false
	}
	gate, ok = m.byKey[gateKey{id, string(v.limitKey)}]
	return m.set[id], gate, ok
}

// tooMany reports whether the parent of v, which there is, has no room for
// another child.
func (s *State) tooMany(v *specView) bool {
	if v.parent == 0 {
		return false
	}
	slot, err := s.find(v.parent)
	return err == nil && s.jobs.at(slot).children >= MaxChildren
}

// linkNew links a job that is being entered.
func (s *State) linkNew(slot uint32, v *specView) {
	if v.session != 0 {
		if session, ok := s.sessions.byID[v.session]; ok {
			s.linkSession(slot, session)
		}
	} else if v.parent != 0 {
		if parent, err := s.find(v.parent); err == nil {
			s.linkParent(slot, parent)
		}
	}
}

func (s *State) linkSession(slot, session uint32) {
	n := &s.sessions.all[session]
	s.jobs.at(slot).scope = session
	s.link(slot, &n.child)
	n.children++
}

func (s *State) linkParent(slot, parent uint32) {
	p := s.jobs.at(parent)
	s.link(slot, &p.child)
	p.children++
}

func (s *State) link(slot uint32, head *uint32) {
	j := s.jobs.at(slot)
	j.linked, j.prev, j.next = true, 0, *head
	if *head != 0 {
		s.jobs.at(*head).prev = slot
	}
	*head = slot
}

// unlink takes a job out of its scope's list, if it is in one.
func (s *State) unlink(slot uint32) {
	j := s.jobs.at(slot)
	if !j.linked {
		return
	}
	s.touch(slot)
	var head, count *uint32
	if j.parent == 0 {
		n := &s.sessions.all[j.scope]
		head, count = &n.child, &n.children
	} else {
		parent, _ := s.byID.get(j.parent)
		p := s.jobs.at(parent)
		head, count = &p.child, &p.children
	}
	if j.prev != 0 {
		s.jobs.at(j.prev).next = j.next
	} else {
		*head = j.next
	}
	if j.next != 0 {
		s.jobs.at(j.next).prev = j.prev
	}
	*count--
	j.linked, j.prev, j.next, j.scope = false, 0, 0, 0
}

// retained reports whether a job that comes to a status stays with its parent,
// until that ends.
func (s *State) retained(slot uint32, status Status) bool {
	j := s.jobs.at(slot)
	return status == Done && j.linked && !j.kind.attached() && !Mutant.ChildForgotten
}

// closeAttempt cancels what is attached to a job's attempt, which has ended.
func (s *State) closeAttempt(slot uint32) {
	for at := s.jobs.at(slot).child; at != 0; {
		j := s.jobs.at(at)
		next := j.next
		if j.kind.attached() {
			s.unlink(at)
			s.doomed = append(s.doomed, at)
		}
		at = next
	}
}

// closeJob cancels what a job, which ends, has begun, and lets be forgotten what
// of that is done.
func (s *State) closeJob(slot uint32) {
	for at := s.jobs.at(slot).child; at != 0; at = s.jobs.at(slot).child {
		j := s.jobs.at(at)
		if j.status.Live() {
			s.unlink(at)
			s.doomed = append(s.doomed, at)
			continue
		}
		s.touch(at)
		status := j.status
		s.unplace(at)
		s.unlink(at)
		j.status = status
		s.retire(at, j.keep)
	}
}

// doomChildren cancels what a job, which goes on, has begun.
func (s *State) doomChildren(slot uint32) {
	for at := s.jobs.at(slot).child; at != 0; at = s.jobs.at(at).next {
		s.doomed = append(s.doomed, at)
	}
}

// closeScope cancels what is attached to a session, which ends.
func (s *State) closeScope(session uint32) {
	for n := &s.sessions.all[session]; n.child != 0; {
		s.doomed = append(s.doomed, n.child)
		s.unlink(n.child)
	}
}

// Root is, of a job that is cancelled with its scope, the nearest of those above it that
// somebody has cancelled, and what he gave as the cause, which is good until the next
// transition. ok is false if nobody has.
func (s *State) Root(job uint64) (root uint64, cause []byte, ok bool) {
	for job != 0 {
		slot, err := s.find(job)
		if err != nil {
			return 0, nil, false
		}
		switch j := s.jobs.at(slot); j.cause {
		case CauseScope:
			job = j.parent
		case CauseAsked:
			return job, s.jobs.arena.get(j.result), true
		default:
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// cascade cancels those that are doomed, and what these have begun. Every
// transition ends with it. In which order does not matter: places are kept by
// numbers that do not depend on it.
func (s *State) cascade() {
	for len(s.doomed) > 0 {
		last := len(s.doomed) - 1
		slot := s.doomed[last]
		s.doomed = s.doomed[:last]
		switch j := s.jobs.at(slot); {
		case !j.status.Live() || j.cancel || Mutant.AttachedLives:
		case j.status == Running:
			s.cancelRunning(slot, CauseScope, nil)
		default:
			s.touch(slot)
			s.unplace(slot)
			s.end(slot, Cancelled, CauseScope, nil)
		}
	}
}
