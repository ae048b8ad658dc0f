package state

import "slices"

// A queue is where jobs wait together, with limits of their own. Its number is
// its name's.
type queue struct {
	Queue
	paused bool
	tat    int64 // when the next claim would be on time, by Rate
	counts Counts

	turn   int64    // the pass of the group that had the last turn
	groups []uint32 // those that have jobs to give, as a heap (G2)
	past   timers   // groups without jobs, by pass (G3); one that has some again is there in vain
	all    int      // groups
	at     uint32   // where it is in State.active, while any has jobs to give
}

// said reports whether there is something to be remembered of a queue although it
// has no jobs.
func (q *queue) said() bool { return q.paused || q.Queue != Queue{} }

// mayGive reports whether jobs of a queue may be claimed now.
func (s *State) mayGive(q *queue) bool {
	return (!q.paused || Mutant.PauseIgnored) && (q.Running == 0 || q.counts.Running < q.Running || Mutant.LimitIgnored) &&
		q.Rate.allows(q.tat, s.now)
}

func (s *State) growQueues(id uint32) {
	for int(id) >= len(s.queues) {
		s.queues = append(s.queues, queue{})
	}
}

// takeover ends the sessions that were in the process of the owner before.
func (s *State) takeover(r *reader) error {
	if !r.whole() {
		return ErrMalformed
	}
	for _, id := range slices.Clone(s.sessions.order) {
		if !s.sessions.all[s.sessions.byID[id]].remote || Mutant.TakeoverEndsAll {
			s.closeSession(id)
		}
	}
	return nil
}

// sane reports whether limits are such as can be.
func (l *Limits) sane() bool {
	return l.Jobs >= 0 && l.Bytes >= 0 && l.Kept >= 0 && l.Buried >= 0 && l.KeptBytes >= 0 && l.Ageing >= 0 && l.Ageing <= MaxDelay/MaxPriority
}

func (s *State) setLimits(r *reader) error {
	l := Limits{r.int(), r.int(), r.int(), r.int(), r.int(), r.int()}
	if !r.whole() || !l.sane() {
		return ErrMalformed
	}
	s.limits = l
	return nil
}

func (s *State) setQueue(r *reader) error {
	name, set := r.some(MaxName), Queue{Depth: r.int(), Running: r.int(), Rate: r.rate()}
	if !r.whole() || set.Depth < 0 || set.Running < 0 {
		return ErrMalformed
	}
	return s.say(name, func(q *queue) {
		q.Queue = set
		q.tat = set.Rate.owed(q.tat, s.now)
	})
}

func (s *State) pause(r *reader) error {
	name, paused := r.some(MaxName), r.bool()
	if !r.whole() {
		return ErrMalformed
	}
	return s.say(name, func(q *queue) { q.paused = paused })
}

// say changes what is to be remembered of a queue, whose name is in use as long
// as there is something.
func (s *State) say(name []byte, change func(*queue)) error {
	id, ok := s.names.use(name)
	if !ok {
		return ErrNames
	}
	s.growQueues(id)
	q := &s.queues[id]
	had := q.said()
	change(q)
	if had {
		s.names.drop(id)
	}
	if !q.said() {
		s.names.drop(id)
	}
	return nil
}

func (s *State) setWeight(r *reader) error {
	name, weight := r.bytes(MaxName), uint16(r.most(MaxWeight))
	if !r.whole() {
		return ErrMalformed
	}
	if weight <= 1 {
		delete(s.weights, string(name))
	} else if len(s.weights) < mostNames {
		s.weights[string(name)] = weight
	} else {
		return ErrNames
	}
	return nil
}

// Queues are what queues allow that allow less than the shard, by name.
func (s *State) Queues() map[string]Queue {
	all := make(map[string]Queue)
	s.eachQueue(func(name string, q *queue) {
		if q.Queue != (Queue{}) {
			all[name] = q.Queue
		}
	})
	return all
}

// Weights are those of groups that have not 1, by name. It is not to be changed.
func (s *State) Weights() map[string]uint16 { return s.weights }

// eachQueue calls f with everything that is known of as a queue, in no order.
func (s *State) eachQueue(f func(name string, q *queue)) {
	for text, id := range s.names.index {
		if int(id) < len(s.queues) {
			f(text, &s.queues[id])
		}
	}
}

// room says why a live job more, with so many bytes, does not fit in queue.
func (s *State) room(queueID uint32, known bool, jobs, bytes int64) *FullError {
	if Mutant.DepthOff {
		return nil
	}
	if known && int(queueID) < len(s.queues) {
		q := &s.queues[queueID]
		if q.Depth > 0 && q.counts.Live()+jobs > q.Depth {
			return &FullError{Queue: s.names.text(queueID), Have: q.counts.Live(), Limit: q.Depth}
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
