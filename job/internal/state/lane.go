package state

import "slices"

// A queue is where jobs wait together, with a limit of their own. Its number is
// its name's.
type queue struct {
	depth  int64 // most live jobs; 0: the shard's limit alone
	counts Counts
}

// A lane has the jobs of one task in one queue. It is there while a job is.
type lane struct {
	task, queue uint32
	jobs        int // of any status
	ready       heap
	active      uint32 // where it is in lanes.active, or notActive
}

// lanes are found by task and queue. Those with ready jobs are listed, so that a
// claim looks at no others.
type lanes struct {
	all    []lane
	free   []uint32
	index  map[[2]uint32]uint32
	active []uint32
}

const notActive = ^uint32(0)

// joinLane returns the lane for a task and a queue, with one job more. It fails
// if there are too many names.
func (s *State) joinLane(task, queueName []byte) (uint32, bool) {
	if t, ok := s.names.find(task); ok {
		if q, ok := s.names.find(queueName); ok {
			if i, ok := s.lanes.index[[2]uint32{t, q}]; ok {
				s.lanes.all[i].jobs++
				return i, true
			}
		}
	}
	t, ok := s.names.use(task)
	if !ok {
		return 0, false
	}
	q, ok := s.names.use(queueName)
	if !ok {
		s.names.drop(t)
		return 0, false
	}
	var i uint32
	if last := len(s.lanes.free) - 1; last >= 0 {
		i = s.lanes.free[last]
		s.lanes.free = s.lanes.free[:last]
	} else {
		i = uint32(len(s.lanes.all))
		s.lanes.all = append(s.lanes.all, lane{})
	}
	s.lanes.all[i] = lane{task: t, queue: q, jobs: 1, active: notActive, ready: s.lanes.all[i].ready[:0]}
	s.lanes.index[[2]uint32{t, q}] = i
	s.growQueues(q)
	return i, true
}

// quitLane takes one job from the lane.
func (s *State) quitLane(i uint32) {
	l := &s.lanes.all[i]
	if l.jobs--; l.jobs > 0 {
		return
	}
	delete(s.lanes.index, [2]uint32{l.task, l.queue})
	s.names.drop(l.task)
	s.names.drop(l.queue)
	s.lanes.free = append(s.lanes.free, i)
}

func (s *State) growQueues(id uint32) {
	for int(id) >= len(s.queues) {
		s.queues = append(s.queues, queue{})
	}
}

// score is where a job stands that became ready at a time: lower is sooner.
func (s *State) score(j *jobRec, at int64) int64 {
	if Mutant.PriorityIgnored {
		return at
	}
	return at - int64(j.priority)*s.limits.Ageing
}

func (s *State) enterLane(slot uint32) {
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	s.push(&l.ready, j.score, slot)
	if l.active == notActive {
		l.active = uint32(len(s.lanes.active))
		s.lanes.active = append(s.lanes.active, j.lane)
	}
}

func (s *State) leaveLane(slot uint32) {
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	s.remove(&l.ready, j.pos)
	if len(l.ready) > 0 {
		return
	}
	last := len(s.lanes.active) - 1
	moved := s.lanes.active[last]
	s.lanes.active[l.active] = moved
	s.lanes.all[moved].active = l.active
	s.lanes.active = s.lanes.active[:last]
	l.active = notActive
}

// Pick returns the job that a claim by f gets next. It looks at the first job of
// each lane that has any.
func (s *State) Pick(f Filter) (job uint64, ok bool) {
	var best entry
	for _, i := range s.lanes.active {
		l := &s.lanes.all[i]
		if !s.matches(f, l) {
			continue
		}
		if first := l.ready[0]; !ok || s.before(first, best) {
			best, ok = first, true
		}
	}
	if !ok {
		return 0, false
	}
	return s.jobs.at(best.slot).id, true
}

func (s *State) matches(f Filter, l *lane) bool {
	return (f.Tasks == nil || slices.Contains(f.Tasks, s.names.text(l.task))) &&
		(f.Queues == nil || slices.Contains(f.Queues, s.names.text(l.queue)))
}
