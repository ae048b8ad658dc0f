package state

// A job is in the place that belongs to its status (T1). It is taken out of one,
// by unplace, before it is put into another; both keep the counts (T3).

func (s *State) count(j *jobRec, n int64) {
	l := &s.lanes.all[j.lane]
	var bytes int64
	switch {
	case j.status.Live():
		bytes = n * s.liveBytes(j)
	case j.linked: // with its parent
		bytes = n * s.keptSize(j)
	}
	for _, c := range [...]*Counts{&s.counts, &s.queues[l.queue].counts, &l.counts} {
		c.add(j.status, n, bytes)
	}
	if j.tagged {
		s.eachTag(j, func(tag []byte) { s.countTag(tag, j.status, n, bytes) })
	}
	s.byID.mark(j.id, j.status, n > 0)
}

func (c *Counts) add(status Status, n, bytes int64) {
	switch status {
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
	c.Bytes += bytes
}

// countTag counts a job for one of its tags. A tag is there while a job has it.
func (s *State) countTag(tag []byte, status Status, n, bytes int64) {
	c := s.tags[string(tag)]
	if c == nil {
		c = new(Counts)
		s.tags[string(tag)] = c
	}
	if c.add(status, n, bytes); *c == (Counts{}) {
		delete(s.tags, string(tag))
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
		s.ends(j)
	case Done, Dead, Cancelled:
		if !j.linked {
			s.remove(s.grave(j.status), j.pos)
			s.keptBytes -= s.keptSize(j)
		}
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

// end gives a job, which is in no place, its last status, with what came of it.
// Its key is free from then on, unless it is unique longer than that. What it had
// begun is cancelled, and the job is forgotten after a while.
func (s *State) end(slot uint32, status Status, cause Cause, outcome []byte) {
	j := s.jobs.at(slot)
	s.closeJob(slot)
	s.dropDeadline(j)
	if !j.kind.unique(status) {
		s.freeKey(slot)
	}
	keep := j.keep
	if status == Dead {
		keep = j.bury
	} else {
		s.dropInput(j)
	}
	held := s.retained(slot, status)
	watched := s.watching(j.id)
	if (keep > 0 || held || watched) && (outcome != nil || status != Cancelled) {
		s.setResult(j, outcome) // else it has why it was cancelled
	}
	j.status, j.since, j.due, j.cancel, j.cause = status, s.now, 0, false, cause
	if watched {
		s.notes = append(s.notes, Note{Kind: NoteEnded, Job: j.id, Info: s.info(slot)})
	}
	if held {
		s.count(j, +1)
		return
	}
	s.unlink(slot)
	s.retire(slot, keep)
}

// retire lets a job that has ended be forgotten after a while.
func (s *State) retire(slot uint32, keep int64) {
	j := s.jobs.at(slot)
	if keep == 0 {
		if j.kind.unique(j.status) {
			s.freeKey(slot)
		}
		j.status = 0
		s.forget(slot)
		return
	}
	j.due = s.now + keep
	s.count(j, +1)
	s.bury(slot)
}

// trim forgets what is kept too much of, when a transition is through: so it does
// not matter in which order it has ended jobs.
func (s *State) trim() {
	for h := s.excess(); h != nil; h = s.excess() {
		s.forgetNext(h)
	}
}

// bury puts a job that has ended where those are that are to be forgotten.
func (s *State) bury(slot uint32) {
	j := s.jobs.at(slot)
	s.push(s.grave(j.status), j.due, slot)
	s.keptBytes += s.keptSize(j)
}

// grave has the jobs that ended with a status, by when they are forgotten.
func (s *State) grave(status Status) *heap {
	if status == Dead {
		return &s.buried
	}
	return &s.ended
}

// keptSize is what a job that has ended counts for Limits.KeptBytes.
func (s *State) keptSize(j *jobRec) int64 {
	return s.liveBytes(j) + int64(len(s.jobs.arena.get(j.result)))
}

// excess has a job that is to be forgotten because too many are kept, or too much.
func (s *State) excess() *heap {
	switch {
	case int64(len(s.ended)) > s.limits.Kept:
		return &s.ended
	case int64(len(s.buried)) > s.limits.Buried:
		return &s.buried
	case s.keptBytes <= s.limits.KeptBytes:
		return nil
	case len(s.ended) > 0:
		return &s.ended // somebody may want to do something about a dead letter
	case len(s.buried) > 0:
		return &s.buried
	}
	return nil
}

// setResult replaces what a job's result blob has: while it is live the cause of
// its cancelling, then what came of it.
func (s *State) setResult(j *jobRec, b []byte) {
	s.written += int64(len(b) - len(s.jobs.arena.get(j.result)))
	s.jobs.arena.drop(j.result)
	j.result = s.jobs.arena.put(b)
}

func (s *State) dropInput(j *jobRec) {
	s.written -= int64(len(s.jobs.arena.get(j.input)))
	s.jobs.arena.drop(j.input)
	j.input = 0
}

// forgetNext forgets the job of a grave that is to be forgotten soonest.
func (s *State) forgetNext(h *heap) {
	slot := (*h)[0].slot
	s.touch(slot)
	if j := s.jobs.at(slot); j.kind.unique(j.status) {
		s.freeKey(slot)
	}
	s.unplace(slot)
	s.forget(slot)
}

// forget removes a job that is in no place and has no key.
func (s *State) forget(slot uint32) {
	j := s.jobs.at(slot)
	s.byID.remove(j.id)
	s.written -= s.jobs.bytes(j)
	if j.cell != 0 {
		s.quitCell(j.cell)
	}
	s.quitLane(j.lane)
	s.jobs.give(slot)
}

// freeKey lets another job have the key that this one has.
func (s *State) freeKey(slot uint32) {
	j := s.jobs.at(slot)
	if j.key == 0 || Mutant.KeyTwice || Mutant.KeyNotFreed && j.keep > 0 {
		return
	}
	s.byKeyRemove(s.lanes.all[j.lane].task, j.parent, s.jobs.arena.get(j.key), slot)
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
