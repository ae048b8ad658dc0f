package state

// A specView is a Spec in a transition.
type specView struct {
	task, queue, key, input []byte
	runAt                   int64
	first, most, keep, bury int64
	attempts                uint16
	priority                int8
}

func (r *reader) spec() (v specView) {
	v.task, v.queue, v.key = r.bytes(MaxName), r.bytes(MaxName), r.bytes(MaxKey)
	priority := r.int()
	v.runAt = r.int()
	v.attempts = uint16(r.most(MaxAttempts))
	v.first, v.most, v.keep, v.bury = r.span(), r.span(), r.span(), r.span()
	v.input = r.bytes(MaxPayload)
	v.priority = int8(priority)
	if priority < -MaxPriority || priority > MaxPriority || v.runAt < -MaxDelay || v.runAt > MaxTime ||
		v.attempts == 0 || len(v.task) == 0 || len(v.queue) == 0 {
		r.fail()
	}
	return v
}

// span is a length of time.
func (r *reader) span() int64 {
	d := r.int()
	if d < 0 || d > MaxDelay {
		r.fail()
	}
	return d
}

func (s *State) enqueue(r *reader, out *Outcome) error {
	n := r.most(MaxBatch)
	check := *r
	for range n {
		if check.spec(); check.bad {
			return ErrMalformed
		}
	}
	if n == 0 || !check.whole() {
		return ErrMalformed
	}
	firstID, all := s.nextJob, *r
	s.entering = s.entering[:0]
	for range n {
		v := r.spec()
		if id, ok := s.holder(&v); ok {
			out.add(id, true)
			continue
		}
		if err := s.enter(&v); err != nil {
			s.undo(firstID)
			out.reset()
			if full, ok := err.(*FullError); ok {
				full.Never = s.needs(full, &all, n) > full.Limit
			}
			return err
		}
		out.add(s.nextJob-1, false)
	}
	return nil
}

func (o *Outcome) add(id uint64, existing bool) {
	o.IDs = append(o.IDs, id)
	o.Existing = append(o.Existing, existing)
}

// holder is the live job that has v's task and key.
func (s *State) holder(v *specView) (id uint64, ok bool) {
	if len(v.key) == 0 || Mutant.KeyTwice {
		return 0, false
	}
	task, ok := s.names.find(v.task)
	if !ok {
		return 0, false
	}
	slot, ok := s.byKeyFind(task, v.key)
	if !ok {
		return 0, false
	}
	return s.jobs.at(slot).id, true
}

// enter makes a job of v, which has the next id.
func (s *State) enter(v *specView) error {
	queueID, known := s.names.find(v.queue)
	if full := s.room(queueID, known, 1, int64(len(v.input)+len(v.key))); full != nil {
		return full
	}
	laneID, ok := s.joinLane(v.task, v.queue)
	if !ok {
		return ErrNames
	}
	slot := s.jobs.take()
	j := s.jobs.at(slot)
	*j = jobRec{
		id: s.nextJob, entered: s.now, since: s.now,
		first: v.first, most: v.most, keep: v.keep, bury: v.bury,
		lane: laneID, attempts: v.attempts, priority: v.priority, saved: s.round,
		input: s.jobs.arena.put(v.input), key: s.jobs.arena.put(v.key),
	}
	s.nextJob++
	s.byID.put(j.id, slot)
	if len(v.key) > 0 {
		s.byKeyAdd(s.lanes.all[laneID].task, v.key, slot)
	}
	s.written += s.jobs.bytes(j)
	at := v.runAt
	if at < 0 {
		at = s.now - v.runAt
	}
	if at > s.now && !Mutant.TimersEarly {
		s.schedule(slot, at)
	} else {
		s.makeReady(slot, s.now)
	}
	s.entering = append(s.entering, slot)
	return nil
}

// undo takes out the jobs of a transition that is refused.
func (s *State) undo(firstID uint64) {
	for _, slot := range s.entering {
		s.unplace(slot)
		s.freeKey(slot)
		s.forget(slot)
	}
	s.nextJob = firstID
}

// needs is how much of what full counts the n jobs that follow in r would take.
func (s *State) needs(full *FullError, r *reader, n uint64) (need int64) {
	var keys map[string]bool
	for range n {
		v := r.spec()
		if full.Queue != "" && full.Queue != string(v.queue) {
			continue
		}
		if len(v.key) > 0 {
			key := string(v.task) + "\x00" + string(v.key)
			if _, ok := s.holder(&v); ok || keys[key] {
				continue
			}
			if keys == nil {
				keys = make(map[string]bool)
			}
			keys[key] = true
		}
		if full.Bytes {
			need += int64(len(v.input) + len(v.key))
		} else {
			need++
		}
	}
	return need
}
