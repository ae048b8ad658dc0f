package state

import (
	"math"
	"slices"
)

const (
	mostAhead   = 10_000
	mostLooked  = 4 * mostAhead // of a heap it takes so many to count mostAhead
	mostFilters = 4
)

// ahead counts the jobs that have their turn before one that is Ready, in its own
// queue and in others. That depends on what else a claim is for, so it is told for the
// one of these filters for which the fewest are; of many, mostFilters are tried.
func (s *State) ahead(slot uint32, claims []Filter) (own, others int) {
	if len(claims) == 0 {
		return s.aheadFor(slot, Filter{})
	}
	own = math.MaxInt
	for _, f := range claims[:min(len(claims), mostFilters)] {
		if a, b := s.aheadFor(slot, f); own == math.MaxInt || a+b < own+others {
			own, others = a, b
		}
	}
	return own, others
}

// aheadFor is ahead for one filter. Both are 0 exactly if Pick gives the job. Else
// they are about what Pick gives before it: of its own group all that stand before it;
// of each other group of its queue so many as have a turn meanwhile; and of each other
// queue that gives one of its jobs first those that have been ready longer, as far as
// the queue may give them now. After mostLooked it stops, and has then counted too few
// if that went to groups and lanes, of which there must be thousands.
func (s *State) aheadFor(slot uint32, f Filter) (own, others int) {
	j := s.jobs.at(slot)
	mine := s.lanes.all[j.lane].group
	g := &s.groups.all[mine]
	q := &s.queues[g.queue]
	c := counter{s, f.Tasks, entry{j.score, slot}, j.cell, mostLooked}
	own = c.group(g)
	pass := g.pass
	if own > 0 {
		pass = max(pass, q.turn) + int64(own)*(stride/int64(s.weight(g.name)))
	}
	for _, i := range q.groups {
		o := &s.groups.all[i]
		if c.left--; c.left < 0 {
			break
		}
		if i != mine && (o.pass < pass || o.pass == pass && s.turnBefore(i, mine)) {
			since := max(pass-max(o.pass, q.turn), 0)
			own += min(c.waiting(o), int(since*int64(s.weight(o.name))/stride)+1)
		}
	}
	for _, i := range s.active {
		o := &s.queues[i]
		if i == g.queue || !s.mayGive(o) || f.Queues != nil && !slices.Contains(f.Queues, s.names.text(i)) {
			continue
		}
		if first, ok := s.offer(o, f.Tasks); !ok || !s.before(first, c.me) {
			continue
		}
		n := 0
		for _, of := range o.groups {
			n += c.group(&s.groups.all[of])
		}
		others += min(max(n, 1), o.Rate.left(o.tat, s.now), left(o.Running, o.counts.Running))
	}
	own = min(own, mostAhead)
	return own, min(others, mostAhead-own)
}

// left is how many more may be claimed.
func left(most, running int64) int {
	if most == 0 {
		return math.MaxInt
	}
	return int(max(most-running, 0))
}

// left is how many claims are on time now, by what tat says.
func (r Rate) left(tat, now int64) int {
	switch {
	case r.Interval == 0:
		return math.MaxInt
	case !r.allows(tat, now):
		return 0
	}
	return 1 + int(max(now+r.slack()-max(tat, now), 0)/r.Interval)
}

// A counter counts jobs of some tasks that have been ready longer than one is.
type counter struct {
	*State
	tasks []string
	me    entry
	cell  uint32 // of the one
	left  int    // how much more it looks at
}

func (c *counter) claims(l *lane) bool {
	return c.tasks == nil || slices.Contains(c.tasks, c.names.text(l.task))
}

// waiting is how many jobs a group has to give, whenever they became ready.
func (c *counter) waiting(g *group) (n int) {
	for _, i := range g.lanes {
		if l := &c.lanes.all[i]; c.claims(l) {
			n += len(l.ready)
		}
		if c.left--; c.left < 0 {
			break
		}
	}
	return n
}

func (c *counter) group(g *group) (n int) {
	for _, i := range g.lanes {
		if c.left--; c.left < 0 {
			break
		}
		if l := &c.lanes.all[i]; c.claims(l) {
			n += c.heap(l.ready, 0)
		}
	}
	return n
}

// heap counts those at i and below.
func (c *counter) heap(h heap, i int) (n int) {
	if c.left--; c.left < 0 || i >= len(h) || !c.before(h[i], c.me) {
		return 0 // nor is what is below it
	}
	n = 1 + c.behind(h[i].slot)
	for k := 4*i + 1; k < min(4*i+5, len(h)); k++ {
		n += c.heap(h, k)
	}
	return n
}

// behind counts those that wait in a cell until the job which it shows is claimed.
func (c *counter) behind(slot uint32) (n int) {
	if len(c.limiting.cells) == 0 {
		return 0
	}
	j := c.jobs.at(slot)
	if !j.shown {
		return 0
	}
	cell := &c.limiting.cells[j.cell]
	n = c.heap(cell.waiting, 0)
	if c.cell != 0 && c.limiting.cells[c.cell].gate == cell.gate {
		return n // all of them are let through before it
	}
	g := &c.limiting.gates[cell.gate]
	set := c.limiting.set[g.limit]
	return min(n, max(min(left(set.Running, g.running), set.Rate.left(g.tat, c.now))-1, 0))
}
