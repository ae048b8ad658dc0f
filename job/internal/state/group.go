package state

// A group is those of a queue who share it with others: a tenant, most often. Of
// the groups that have a job to give, the one with the lowest pass has its turn,
// and its pass is then a stride above that of the turn: the less, the more weight
// it has. This is stride scheduling (Waldspurger and Weihl, 1995).
//
//	G1. A turn is counted from where the last one was, if that is further on, so
//	    nobody saves up turns. Of two groups that both have jobs for certain
//	    claims, these give one never more than a turn of each beside what their
//	    weights say.
//	G2. q.groups has, as a heap by pass and name, those with lanes to give from.
//	G3. A group without jobs is remembered while others have some and its pass is
//	    ahead of the turn: nobody is served first for having come anew.
type group struct {
	queue, name uint32
	pass        int64
	lanes       []uint32 // those with jobs to give
	all         int      // lanes
	pos         uint32   // in its queue's heap, while it has lanes to give from
	used        bool     // it is one
	noted       int64    // the pass with which it is in its queue's past
}

type groups struct {
	all   []group
	free  []uint32
	index map[[2]uint32]uint32 // by the numbers of queue and name
}

// stride is what the pass of a group with weight 1 grows by. It is part of the
// log's format.
const stride = 1 << 20

// joinGroup returns the group for one lane more.
func (s *State) joinGroup(queueID, name uint32) uint32 {
	i, ok := s.groups.index[[2]uint32{queueID, name}]
	if !ok {
		i = s.makeGroup(queueID, name)
	}
	g := &s.groups.all[i]
	if g.all == 0 {
		s.queues[queueID].all++
	}
	g.all++
	return i
}

// makeGroup makes one without lanes. It uses its names.
func (s *State) makeGroup(queueID, name uint32) (i uint32) {
	i = vacant(&s.groups.all, &s.groups.free)
	s.groups.all[i] = group{queue: queueID, name: name, lanes: s.groups.all[i].lanes[:0], used: true}
	s.groups.index[[2]uint32{queueID, name}] = i
	s.names.again(queueID)
	s.groupNames.again(name)
	return i
}

func (s *State) quitGroup(i uint32) {
	g := &s.groups.all[i]
	if g.all--; g.all > 0 {
		return
	}
	q := &s.queues[g.queue]
	q.all--
	s.rememberGroup(i)
	if q.all == 0 {
		q.turn = 0
		for len(q.past) > 0 {
			s.forgetPast(q)
		}
	}
}

// rememberGroup is for a group without lanes (G3).
func (s *State) rememberGroup(i uint32) {
	g := &s.groups.all[i]
	switch q := &s.queues[g.queue]; {
	case g.pass <= q.turn || Mutant.TurnForgotten:
		s.forgetGroup(i)
	case g.noted != g.pass:
		g.noted = g.pass
		q.past.push(timer{g.pass, uint64(i)})
	}
}

// forgetPast forgets the first group of those in q.past, if it has not come again.
func (s *State) forgetPast(q *queue) {
	t := q.past.pop()
	g := &s.groups.all[t.id]
	if !g.used || g.noted != t.at || &s.queues[g.queue] != q {
		return
	}
	g.noted = 0
	if g.all == 0 && g.pass == t.at {
		s.forgetGroup(uint32(t.id))
	}
}

func (s *State) forgetGroup(i uint32) {
	g := &s.groups.all[i]
	delete(s.groups.index, [2]uint32{g.queue, g.name})
	s.names.drop(g.queue)
	s.groupNames.drop(g.name)
	*g = group{lanes: g.lanes[:0]}
	s.groups.free = append(s.groups.free, i)
}

// activate is for a group that has jobs to give again.
func (s *State) activate(i uint32) {
	g := &s.groups.all[i]
	q := &s.queues[g.queue]
	q.groups = append(q.groups, i)
	s.groupUp(q, len(q.groups)-1)
	if len(q.groups) == 1 {
		q.at = uint32(len(s.active))
		s.active = append(s.active, g.queue)
	}
}

func (s *State) deactivate(i uint32) {
	g := &s.groups.all[i]
	q := &s.queues[g.queue]
	pos := g.pos
	moved := dropAt(&q.groups, pos)
	if moved != i {
		s.groups.all[moved].pos = pos
		s.groupUp(q, int(pos))
		s.groupDown(q, int(s.groups.all[moved].pos))
	}
	if len(q.groups) == 0 {
		s.queues[dropAt(&s.active, q.at)].at = q.at
	}
}

// charge counts a turn of the group that a lane is of (G1).
func (s *State) charge(l *lane) {
	g := &s.groups.all[l.group]
	q := &s.queues[l.queue]
	q.turn = max(q.turn, g.pass)
	if Mutant.TurnSaved {
		g.pass += stride / int64(s.weight(g.name))
	} else {
		g.pass = q.turn + stride/int64(s.weight(g.name))
	}
	if len(g.lanes) > 0 {
		s.groupDown(q, int(g.pos))
	}
	for len(q.past) > 0 && q.past[0].at <= q.turn {
		s.forgetPast(q)
	}
}

func (s *State) weight(name uint32) uint16 {
	if len(s.weights) == 0 {
		return 1
	}
	return max(s.weights[s.groupNames.text(name)], 1)
}

// turnBefore reports whether a has its turn before b.
func (s *State) turnBefore(a, b uint32) bool {
	x, y := &s.groups.all[a], &s.groups.all[b]
	if x.pass != y.pass {
		return x.pass < y.pass
	}
	return s.groupNames.text(x.name) < s.groupNames.text(y.name)
}

func (s *State) groupUp(q *queue, i int) {
	g := q.groups[i]
	for i > 0 && s.turnBefore(g, q.groups[(i-1)/2]) {
		s.setGroup(q, i, q.groups[(i-1)/2])
		i = (i - 1) / 2
	}
	s.setGroup(q, i, g)
}

func (s *State) groupDown(q *queue, i int) {
	g := q.groups[i]
	for {
		least := 2*i + 1
		if least >= len(q.groups) {
			break
		}
		if least+1 < len(q.groups) && s.turnBefore(q.groups[least+1], q.groups[least]) {
			least++
		}
		if !s.turnBefore(q.groups[least], g) {
			break
		}
		s.setGroup(q, i, q.groups[least])
		i = least
	}
	s.setGroup(q, i, g)
}

func (s *State) setGroup(q *queue, i int, g uint32) {
	q.groups[i] = g
	s.groups.all[g].pos = uint32(i)
}
