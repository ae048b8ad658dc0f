package state

import "slices"

// A Reason is why nobody works on a job.
type Reason uint8

// The reasons. Of several that hold, the first of this list is given.
const (
	ReasonNone    Reason = iota // somebody does, or it has ended
	ReasonNotDue                // it waits until Until
	ReasonPaused                // its queue is paused
	ReasonQueue                 // as many of its queue are claimed as may be; By has some
	ReasonRate                  // the rate of its queue allows the next at Until
	ReasonLimit                 // as many of its limit's key are claimed as may be; By has some
	ReasonKeyRate               // the rate of its limit allows the next at Until
	ReasonBehind                // Ahead others have their turn before it
	ReasonNext                  // nothing: it goes to who claims next
)

// A Why says why nobody works on a job.
type Why struct {
	Reason Reason
	Until  int64    // microseconds, or 0
	By     []uint64 // jobs, the oldest first, whyMost at most
	Ahead  int      // jobs of the same queue that have their turn before it; mostAhead stands for that many or more
}

const (
	whyMost   = 16
	mostAhead = 10_000
)

// Why says why nobody works on a job. It fails with ErrNoJob or ErrForgotten.
func (s *State) Why(id uint64) (w Why, err error) {
	slot, err := s.find(id)
	if err != nil {
		return w, err
	}
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	q := &s.queues[l.queue]
	switch {
	case j.status == Scheduled:
		return Why{Reason: ReasonNotDue, Until: j.due}, nil
	case j.status != Ready:
		return w, nil
	case q.paused:
		return Why{Reason: ReasonPaused}, nil
	case q.Running > 0 && q.counts.Running >= q.Running:
		by := s.runningWhere(func(o *jobRec) bool { return s.lanes.all[o.lane].queue == l.queue })
		return Why{Reason: ReasonQueue, By: by}, nil
	case !q.Rate.allows(q.tat, s.now):
		return Why{Reason: ReasonRate, Until: q.tat - q.Rate.slack()}, nil
	}
	if j.cell != 0 {
		i := s.limiting.cells[j.cell].gate
		g := &s.limiting.gates[i]
		set := s.limiting.set[g.limit]
		if set.Running > 0 && g.running >= set.Running {
			by := s.runningWhere(func(o *jobRec) bool { return o.cell != 0 && s.limiting.cells[o.cell].gate == i })
			return Why{Reason: ReasonLimit, By: by}, nil
		}
		if !set.Rate.allows(g.tat, s.now) {
			return Why{Reason: ReasonKeyRate, Until: g.tat - set.Rate.slack()}, nil
		}
	}
	if n := s.ahead(slot); n > 0 {
		return Why{Reason: ReasonBehind, Ahead: n}, nil
	}
	return Why{Reason: ReasonNext}, nil
}

// runningWhere returns some Running jobs that f says.
func (s *State) runningWhere(f func(*jobRec) bool) (ids []uint64) {
	for _, session := range s.sessions.order {
		for _, slot := range s.sessions.all[s.sessions.byID[session]].jobs {
			if j := s.jobs.at(slot); f(j) {
				ids = append(ids, j.id)
			}
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), whyMost)]
}

// ahead counts the jobs that have their turn before one that is Ready: those of
// its group that stand before it, and so many of each other group as have a turn
// meanwhile. It looks at mostAhead jobs at most.
func (s *State) ahead(slot uint32) (n int) {
	j := s.jobs.at(slot)
	own := s.lanes.all[j.lane].group
	g := &s.groups.all[own]
	me := entry{j.score, slot}
	looked := 0
	for _, i := range g.lanes {
		for _, e := range s.lanes.all[i].ready {
			if looked++; looked > mostAhead {
				return mostAhead
			}
			if e.slot != slot && s.before(e, me) {
				n++
			}
		}
	}
	if j.cell != 0 && !j.shown {
		for _, e := range s.limiting.cells[j.cell].waiting {
			if looked++; looked > mostAhead {
				return mostAhead
			}
			if e.slot != slot && s.before(e, me) {
				n++
			}
		}
	}
	pass := g.pass + int64(n)*(stride/int64(s.weight(g.name)))
	for _, i := range s.queues[g.queue].groups {
		if o := &s.groups.all[i]; i != own && (o.pass < pass || o.pass == pass && s.turnBefore(i, own)) {
			waiting := 0
			for _, l := range o.lanes {
				waiting += len(s.lanes.all[l].ready)
			}
			n += min(waiting, int((pass-o.pass)*int64(s.weight(o.name))/stride)+1)
		}
	}
	return min(n, mostAhead)
}
