package state

import (
	"fmt"
	"slices"
)

// Check returns what is wrong with the state's own order: T1 to T5, G2, L1, L2.
func (s *State) Check() error {
	var counts Counts
	seen, held, kept := 0, 0, int64(0)
	running := make(map[uint32]int64)
	for _, id := range s.byID.ids() {
		slot, _ := s.byID.get(id)
		j := s.jobs.at(slot)
		if j.id != id {
			return fmt.Errorf("slot %d has job %d, not %d", slot, j.id, id)
		}
		counts.add(j.status, 1, 0)
		var at bool
		switch j.status {
		case Scheduled:
			at = s.due[j.pos].slot == slot && s.due[j.pos].at == j.due
		case Ready:
			h := s.lanes.all[j.lane].ready
			if j.cell != 0 && !j.shown {
				h = s.limiting.cells[j.cell].waiting
			}
			at = h[j.pos].slot == slot && h[j.pos].at == j.score
		case Running:
			at = s.sessions.all[j.session].jobs[j.pos] == slot
			if j.cell != 0 {
				running[s.limiting.cells[j.cell].gate]++
			}
		case Done, Dead, Cancelled:
			if at = j.linked; at {
				held++
				if j.status != Done || j.due != 0 || j.kind.attached() {
					return fmt.Errorf("job %d stays with its parent, and should not", id)
				}
			} else {
				h := *s.grave(j.status)
				at = h[j.pos].slot == slot && h[j.pos].at == j.due
				kept += s.keptSize(j)
			}
		default:
			return fmt.Errorf("job %d has status %d", id, j.status)
		}
		if j.status.Live() {
			counts.Bytes += s.liveBytes(j)
		} else if j.linked {
			counts.Bytes += s.keptSize(j)
		}
		if j.key != 0 && j.kind.unique(j.status) {
			if holder, ok := s.byKeyFind(s.lanes.all[j.lane].task, j.parent, s.jobs.arena.get(j.key)); !ok || holder != slot {
				return fmt.Errorf("job %d is not the one with its key", id)
			}
		}
		if !at {
			return fmt.Errorf("job %d, status %d, is not in its place", id, j.status)
		}
		if j.late(s.now) && (j.status == Scheduled || j.status == Ready) {
			return fmt.Errorf("job %d waits, and its deadline has passed", id)
		}
		if err := s.checkScope(slot, j); err != nil {
			return err
		}
		seen++
	}
	if kept != s.keptBytes {
		return fmt.Errorf("%d bytes are kept, not %d", kept, s.keptBytes)
	}
	if counts != s.counts {
		return fmt.Errorf("counts are %+v, should be %+v", s.counts, counts)
	}
	places := len(s.due) + len(s.ended) + len(s.buried) + held
	var inLanes Counts
	for i := range s.lanes.all {
		if l := &s.lanes.all[i]; l.jobs > 0 {
			places += len(l.ready)
			inLanes.plus(&l.counts)
			if (l.active != notActive) != (len(l.ready) > 0) {
				return fmt.Errorf("lane %d is active or not against its jobs", i)
			}
			if l.active != notActive && s.groups.all[l.group].lanes[l.active] != uint32(i) {
				return fmt.Errorf("lane %d is not listed", i)
			}
		}
	}
	if inLanes != counts {
		return fmt.Errorf("lanes count %+v, should be %+v", inLanes, counts)
	}
	for i := range s.sessions.all {
		places += len(s.sessions.all[i].jobs)
	}
	for i := range s.limiting.cells {
		places += len(s.limiting.cells[i].waiting)
	}
	if places != seen {
		return fmt.Errorf("%d places for %d jobs", places, seen)
	}
	if int(s.jobs.made)-1-len(s.jobs.free) != seen && s.jobs.made > 0 {
		return fmt.Errorf("%d slots in use for %d jobs", int(s.jobs.made)-1-len(s.jobs.free), seen)
	}
	if len(s.doomed) > 0 {
		return fmt.Errorf("%d jobs are yet to be cancelled", len(s.doomed))
	}
	if err := s.checkGroups(); err != nil {
		return err
	}
	return s.checkGates(running)
}

// checkScope looks at T5, from both ends.
func (s *State) checkScope(slot uint32, j *jobRec) error {
	if j.linked && j.parent != 0 {
		parent, err := s.find(j.parent)
		if err != nil {
			return fmt.Errorf("job %d is linked to job %d: %v", j.id, j.parent, err)
		}
		p := s.jobs.at(parent)
		if !p.status.Live() || j.kind.attached() && (p.status != Running || p.epoch != j.parentEpoch) {
			return fmt.Errorf("job %d is linked to job %d, which has status %d, epoch %d", j.id, p.id, p.status, p.epoch)
		}
	}
	if j.kind.attached() && j.status.Live() && !j.linked && !j.cancel {
		return fmt.Errorf("job %d is attached to nothing, and goes on", j.id)
	}
	n, last := uint32(0), uint32(0)
	for at := j.child; at != 0; at = s.jobs.at(at).next {
		c := s.jobs.at(at)
		if c.prev != last || !c.linked || c.parent != j.id {
			return fmt.Errorf("job %d is not a child of job %d as it should be", c.id, j.id)
		}
		n, last = n+1, at
	}
	if n != j.children {
		return fmt.Errorf("job %d has %d children, not %d", j.id, n, j.children)
	}
	return nil
}

func (s *State) checkGroups() error {
	for i := range s.queues {
		q := &s.queues[i]
		if (len(q.groups) > 0) != slices.Contains(s.active, uint32(i)) {
			return fmt.Errorf("queue %d is active or not against its groups", i)
		}
		for pos, g := range q.groups {
			if s.groups.all[g].pos != uint32(pos) || len(s.groups.all[g].lanes) == 0 {
				return fmt.Errorf("group %d is not where it says", g)
			}
			if pos > 0 && s.turnBefore(g, q.groups[(pos-1)/2]) {
				return fmt.Errorf("groups of queue %d are in disorder", i)
			}
		}
	}
	return nil
}

func (s *State) checkGates(running map[uint32]int64) error {
	m := &s.limiting
	for i := range m.gates {
		g := &m.gates[i]
		if !g.used {
			continue
		}
		set := m.set[g.limit]
		if g.running != running[uint32(i)] {
			return fmt.Errorf("gate %d counts %d running jobs, not %d", i, g.running, running[uint32(i)])
		}
		for _, at := range g.cells {
			c := &m.cells[at]
			if open := s.isOpen(g); open != (c.shown != 0) && (len(c.waiting) > 0 || c.shown != 0) {
				return fmt.Errorf("gate %d of %+v is open %v, and its cell shows %d, %d wait", i, set, open, c.shown, len(c.waiting))
			}
			for _, e := range c.waiting {
				if c.shown != 0 && s.before(e, entry{s.jobs.at(c.shown).score, c.shown}) {
					return fmt.Errorf("gate %d: a cell does not show its first job", i)
				}
			}
		}
	}
	return nil
}

// Blind takes the jobs away from the state, so that whatever looks at one panics.
func (s *State) Blind() { s.jobs, s.byID = slab{}, index{} }
