package state

import "slices"

// A lane has the jobs of one task, queue and group. It is there while a job is.
type lane struct {
	task, queue, group uint32
	jobs               int // of any status
	counts             Counts
	ready              heap
	active             uint32 // where it is in its group's active lanes, or notActive
}

// lanes are found by the numbers of their task, queue and group.
type lanes struct {
	all   []lane
	free  []uint32
	index map[[3]uint32]uint32
}

const notActive = ^uint32(0)

// joinLane returns the lane for a task, a queue and a group, with one job more.
// It fails if there are too many names.
func (s *State) joinLane(task, queueName, groupName []byte) (uint32, bool) {
	t, knowsTask := s.names.find(task)
	q, knowsQueue := s.names.find(queueName)
	g, knowsGroup := s.groupNames.find(groupName)
	if knowsTask && knowsQueue && knowsGroup {
		if i, ok := s.lanes.index[[3]uint32{t, q, g}]; ok {
			s.lanes.all[i].jobs++
			return i, true
		}
	}
	t, ok := s.names.use(task)
	if !ok {
		return 0, false
	}
	if q, ok = s.names.use(queueName); !ok {
		s.names.drop(t)
		return 0, false
	}
	if g, ok = s.groupNames.use(groupName); !ok {
		s.names.drop(t)
		s.names.drop(q)
		return 0, false
	}
	s.growQueues(q)
	i := vacant(&s.lanes.all, &s.lanes.free)
	s.lanes.all[i] = lane{
		task: t, queue: q, group: s.joinGroup(q, g),
		jobs: 1, active: notActive, ready: s.lanes.all[i].ready[:0],
	}
	s.lanes.index[[3]uint32{t, q, g}] = i
	return i, true
}

// quitLane takes one job from the lane.
func (s *State) quitLane(i uint32) {
	l := &s.lanes.all[i]
	if l.jobs--; l.jobs > 0 {
		return
	}
	g := s.groups.all[l.group].name
	delete(s.lanes.index, [3]uint32{l.task, l.queue, g})
	s.quitGroup(l.group)
	s.names.drop(l.task)
	s.names.drop(l.queue)
	s.groupNames.drop(g)
	s.lanes.free = append(s.lanes.free, i)
}

// score is where a job stands that became ready at a time: lower is sooner.
func (s *State) score(j *jobRec, at int64) int64 {
	if Mutant.PriorityIgnored {
		return at
	}
	return at - int64(j.priority)*s.limits.Ageing
}

// enterLane puts a job where those that are ready wait: in its lane, or in its
// cell if it has one.
func (s *State) enterLane(slot uint32) {
	if s.jobs.at(slot).cell != 0 {
		s.enterCell(slot)
	} else {
		s.show(slot)
	}
}

func (s *State) leaveLane(slot uint32) {
	if s.jobs.at(slot).cell != 0 {
		s.leaveCell(slot)
	} else {
		s.hide(slot)
	}
}

// show lets a job be picked.
func (s *State) show(slot uint32) {
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	s.push(&l.ready, j.score, slot)
	if l.active == notActive {
		g := &s.groups.all[l.group]
		l.active = uint32(len(g.lanes))
		g.lanes = append(g.lanes, j.lane)
		if len(g.lanes) == 1 {
			s.activate(l.group)
		}
	}
}

func (s *State) hide(slot uint32) {
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	s.remove(&l.ready, j.pos)
	if len(l.ready) > 0 {
		return
	}
	g := &s.groups.all[l.group]
	s.lanes.all[dropAt(&g.lanes, l.active)].active = l.active
	l.active = notActive
	if len(g.lanes) == 0 {
		s.deactivate(l.group)
	}
}

// dropAt takes out what is at i by putting the last there, which it returns.
func dropAt(list *[]uint32, i uint32) (moved uint32) {
	last := len(*list) - 1
	moved = (*list)[last]
	(*list)[i] = moved
	*list = (*list)[:last]
	return moved
}

// Pick returns the job that a claim by f gets next. Of the queues that let jobs
// be claimed, each offers the first job of the group that is to have its turn;
// the one of these goes that has been ready longest.
func (s *State) Pick(f Filter) (job uint64, ok bool) {
	var best entry
	for _, q := range s.active {
		if !s.mayGive(&s.queues[q]) || f.Queues != nil && !slices.Contains(f.Queues, s.names.text(q)) {
			continue
		}
		if first, any := s.offer(&s.queues[q], f.Tasks); any && (!ok || s.before(first, best)) {
			best, ok = first, true
		}
	}
	if !ok {
		return 0, false
	}
	return s.jobs.at(best.slot).id, true
}

// offer is the first job of a queue, of these tasks.
func (s *State) offer(q *queue, tasks []string) (first entry, ok bool) {
	if Mutant.FairOff {
		for _, g := range q.groups {
			if e, any := s.firstOf(g, tasks); any && (!ok || s.before(e, first)) {
				first, ok = e, true
			}
		}
		return first, ok
	}
	if first, ok = s.firstOf(q.groups[0], tasks); ok {
		return first, ok
	}
	turn := notActive
	for _, g := range q.groups[1:] {
		if turn != notActive && !s.turnBefore(g, turn) {
			continue
		}
		if e, any := s.firstOf(g, tasks); any {
			first, ok, turn = e, true, g
		}
	}
	return first, ok
}

// firstOf is the first job of a group, of these tasks.
func (s *State) firstOf(group uint32, tasks []string) (first entry, ok bool) {
	for _, i := range s.groups.all[group].lanes {
		l := &s.lanes.all[i]
		if tasks != nil && !slices.Contains(tasks, s.names.text(l.task)) {
			continue
		}
		if e := l.ready[0]; !ok || s.before(e, first) {
			first, ok = e, true
		}
	}
	return first, ok
}
