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
	Ahead  int      // jobs that have their turn before it; mostAhead stands for that many or more
	Others int      // of these, those of other queues
}

const (
	whyMost     = 16
	mostRunning = 10_000
)

// Why says why nobody works on a job. What has its turn before it depends on who
// claims: claims are the filters of those who would claim it, and none is one that
// lets all through. It fails with ErrNoJob or ErrForgotten.
func (s *State) Why(id uint64, claims ...Filter) (w Why, err error) {
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
	if own, others := s.ahead(slot, claims); own+others > 0 {
		return Why{Reason: ReasonBehind, Ahead: own + others, Others: others}, nil
	}
	return Why{Reason: ReasonNext}, nil
}

// runningWhere returns the oldest that f says of the Running jobs. It looks at
// mostRunning of them, for nobody is served meanwhile: where more are running it may
// miss some, and all.
func (s *State) runningWhere(f func(*jobRec) bool) (ids []uint64) {
	looked := 0
	for _, session := range s.sessions.order {
		for _, slot := range s.sessions.all[s.sessions.byID[session]].jobs {
			if looked++; looked > mostRunning {
				return ids
			}
			j := s.jobs.at(slot)
			if !f(j) {
				continue
			}
			if i, _ := slices.BinarySearch(ids, j.id); i < whyMost {
				ids = slices.Insert(ids, i, j.id)
				ids = ids[:min(len(ids), whyMost)]
			}
		}
	}
	return ids
}
