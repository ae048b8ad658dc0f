package state

import (
	"fmt"
	"slices"
)

// Check returns what is wrong with the state's own order: T1 to T3.
func (s *State) Check() error {
	var counts Counts
	seen := 0
	for _, id := range s.byID.ids() {
		slot, _ := s.byID.get(id)
		j := s.jobs.at(slot)
		if j.id != id {
			return fmt.Errorf("slot %d has job %d, not %d", slot, j.id, id)
		}
		var at bool
		switch j.status {
		case Scheduled:
			counts.Scheduled++
			at = s.due[j.pos].slot == slot && s.due[j.pos].at == j.due
		case Ready:
			counts.Ready++
			l := &s.lanes.all[j.lane]
			at = l.ready[j.pos].slot == slot && l.ready[j.pos].at == j.score
		case Running:
			counts.Running++
			at = s.sessions.all[j.session].jobs[j.pos] == slot
		case Done:
			counts.Done++
		case Dead:
			counts.Dead++
		case Cancelled:
			counts.Cancelled++
		default:
			return fmt.Errorf("job %d has status %d", id, j.status)
		}
		if j.status.Live() {
			counts.Bytes += s.liveBytes(j)
			if j.key != 0 {
				if holder, ok := s.byKeyFind(s.lanes.all[j.lane].task, s.jobs.arena.get(j.key)); !ok || holder != slot {
					return fmt.Errorf("job %d is not the one with its key", id)
				}
			}
		} else {
			at = s.ended[j.pos].slot == slot && s.ended[j.pos].at == j.due
		}
		if !at {
			return fmt.Errorf("job %d, status %d, is not in its place", id, j.status)
		}
		seen++
	}
	if counts != s.counts {
		return fmt.Errorf("counts are %+v, should be %+v", s.counts, counts)
	}
	places := len(s.due) + len(s.ended)
	for i := range s.lanes.all {
		if l := &s.lanes.all[i]; l.jobs > 0 {
			places += len(l.ready)
			if (l.active != notActive) != (len(l.ready) > 0) {
				return fmt.Errorf("lane %d is active or not against its jobs", i)
			}
			if l.active != notActive && !slices.Contains(s.lanes.active, uint32(i)) {
				return fmt.Errorf("lane %d is not listed", i)
			}
		}
	}
	for i := range s.sessions.all {
		places += len(s.sessions.all[i].jobs)
	}
	if places != seen {
		return fmt.Errorf("%d places for %d jobs", places, seen)
	}
	if int(s.jobs.made)-1-len(s.jobs.free) != seen && s.jobs.made > 0 {
		return fmt.Errorf("%d slots in use for %d jobs", int(s.jobs.made)-1-len(s.jobs.free), seen)
	}
	return nil
}
