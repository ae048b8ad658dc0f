package state

func (s *State) takeover(r *reader) error {
	if !r.whole() {
		return ErrMalformed
	}
	for len(s.sessions.order) > 0 {
		s.closeSession(s.sessions.order[0])
	}
	return nil
}

func (s *State) setLimits(r *reader) error {
	l := Limits{Jobs: r.int(), Bytes: r.int(), Kept: r.int(), Ageing: r.int()}
	if !r.whole() || l.Jobs < 0 || l.Bytes < 0 || l.Kept < 0 || l.Ageing < 0 || l.Ageing > MaxDelay/MaxPriority {
		return ErrMalformed
	}
	s.limits = l
	return nil
}

func (s *State) setQueue(r *reader) error {
	name, depth := r.bytes(MaxName), r.int()
	if !r.whole() || len(name) == 0 || depth < 0 {
		return ErrMalformed
	}
	id, known := s.names.find(name)
	had := known && int(id) < len(s.queues) && s.queues[id].depth > 0
	switch {
	case depth > 0 && !had:
		var ok bool
		if id, ok = s.names.use(name); !ok {
			return ErrNames
		}
		s.growQueues(id)
		s.queues[id].depth = depth
	case depth > 0:
		s.queues[id].depth = depth
	case had:
		s.queues[id].depth = 0
		s.names.drop(id)
	}
	return nil
}

// Depths are the limits of single queues, by name.
func (s *State) Depths() map[string]int64 {
	d := make(map[string]int64)
	for text, id := range s.names.index {
		if int(id) < len(s.queues) && s.queues[id].depth > 0 {
			d[text] = s.queues[id].depth
		}
	}
	return d
}

// room says why a live job more, with so many bytes, does not fit in queue.
func (s *State) room(queueID uint32, known bool, jobs, bytes int64) *FullError {
	if Mutant.DepthOff {
		return nil
	}
	if known && int(queueID) < len(s.queues) {
		q := &s.queues[queueID]
		if q.depth > 0 && q.counts.Live()+jobs > q.depth {
			return &FullError{Queue: s.names.text(queueID), Have: q.counts.Live(), Limit: q.depth}
		}
	}
	if have := s.counts.Live(); have+jobs > s.limits.Jobs {
		return &FullError{Have: have, Limit: s.limits.Jobs}
	}
	if have := s.counts.Bytes; have+bytes > s.limits.Bytes {
		return &FullError{Bytes: true, Have: have, Limit: s.limits.Bytes}
	}
	return nil
}

// Room returns nil if so many live jobs more, with so many bytes of inputs and
// keys, fit in the queue, and otherwise the *FullError that an Enqueue would get.
func (s *State) Room(queueName string, jobs, bytes int64) error {
	id, known := s.names.find([]byte(queueName))
	if err := s.room(id, known, jobs, bytes); err != nil {
		return err
	}
	return nil
}
