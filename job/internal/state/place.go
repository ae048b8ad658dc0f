package state

// A job is in the place that belongs to its status (T1). It is taken out of one,
// by unplace, before it is put into another; both keep the counts (T3).

func (s *State) count(j *jobRec, n int64) {
	q := &s.queues[s.lanes.all[j.lane].queue].counts
	for _, c := range [...]*Counts{&s.counts, q} {
		switch j.status {
		case Scheduled:
			c.Scheduled += n
		case Ready:
			c.Ready += n
		case Running:
			c.Running += n
		case Done:
			c.Done += n
		case Dead:
			c.Dead += n
		case Cancelled:
			c.Cancelled += n
		}
		if j.status.Live() {
			c.Bytes += n * s.liveBytes(j)
		}
	}
}

// liveBytes is what a live job counts for Limits.Bytes.
func (s *State) liveBytes(j *jobRec) int64 {
	return int64(len(s.jobs.arena.get(j.input)) + len(s.jobs.arena.get(j.key)))
}

// unplace takes a job out of its place. It has no status until it is put into
// another.
func (s *State) unplace(slot uint32) {
	j := s.jobs.at(slot)
	switch j.status {
	case Scheduled:
		s.remove(&s.due, j.pos)
	case Ready:
		s.leaveLane(slot)
	case Running:
		s.leaveSession(slot)
	case Done, Dead, Cancelled:
		s.remove(&s.ended, j.pos)
	}
	s.count(j, -1)
	j.status = 0
}

// schedule lets a job wait until at.
func (s *State) schedule(slot uint32, at int64) {
	j := s.jobs.at(slot)
	j.status, j.since, j.due = Scheduled, s.now, at
	s.count(j, +1)
	s.push(&s.due, at, slot)
}

// makeReady lets a job be claimed, as one that has been ready since at.
func (s *State) makeReady(slot uint32, at int64) {
	j := s.jobs.at(slot)
	j.score = s.score(j, at)
	s.ready(slot, at)
}

// ready puts a job where it stood before, or where makeReady says.
func (s *State) ready(slot uint32, since int64) {
	j := s.jobs.at(slot)
	j.status, j.since, j.due = Ready, since, 0
	s.count(j, +1)
	s.enterLane(slot)
}

// end gives a job, which is in no place, its last status. The key is free from
// then on, and the job is forgotten after a while.
func (s *State) end(slot uint32, status Status) {
	j := s.jobs.at(slot)
	s.freeKey(slot)
	keep := j.keep
	if status == Dead {
		keep = j.bury
	} else {
		s.dropInput(j)
	}
	if keep == 0 {
		s.forget(slot)
		return
	}
	j.status, j.since, j.due, j.cancel = status, s.now, s.now+keep, false
	s.count(j, +1)
	s.push(&s.ended, j.due, slot)
	if int64(len(s.ended)) > s.limits.Kept {
		s.forgetNext()
	}
}

func (s *State) dropInput(j *jobRec) {
	s.written -= int64(len(s.jobs.arena.get(j.input)))
	s.jobs.arena.drop(j.input)
	j.input = 0
}

// forgetNext forgets the ended job that is to be forgotten soonest.
func (s *State) forgetNext() {
	slot := s.ended[0].slot
	s.touch(slot)
	s.unplace(slot)
	s.forget(slot)
}

// forget removes a job that is in no place and has no key.
func (s *State) forget(slot uint32) {
	j := s.jobs.at(slot)
	s.byID.remove(j.id)
	s.written -= s.jobs.bytes(j)
	s.quitLane(j.lane)
	s.jobs.give(slot)
}

// freeKey lets another job have the key of this one, which ends.
func (s *State) freeKey(slot uint32) {
	j := s.jobs.at(slot)
	if j.key == 0 || Mutant.KeyTwice || Mutant.KeyNotFreed && j.keep > 0 {
		return
	}
	s.byKeyRemove(s.lanes.all[j.lane].task, s.jobs.arena.get(j.key), slot)
}

// find returns the slot of a job.
func (s *State) find(id uint64) (uint32, error) {
	slot, ok := s.byID.get(id)
	switch {
	case ok:
		return slot, nil
	case id == 0 || id >= s.nextJob:
		return 0, ErrNoJob
	}
	return 0, ErrForgotten
}
