package state

import (
	"math/bits"
	"slices"
)

// A Query says which jobs are looked for. What is not said is any.
type Query struct {
	Statuses []Status
	Tasks    []string
	Queues   []string
	Groups   []string
	Tag      string
	Key      string
	Schedule string
	Parent   uint64
	After    int64 // entered then or later
	Before   int64 // entered earlier
}

// Search returns the jobs that q finds whose ids are below a number, the newest
// first: most at most, of look at most that are looked at. next is the number for
// the next call; 0 says that there are no more.
//
// It looks at no job of another status, and at all of those otherwise.
func (s *State) Search(q *Query, below uint64, most, look int) (found []Info, next uint64) {
	if below == 0 {
		below = s.nextJob
	}
	page, _ := slices.BinarySearch(s.byID.order, (below-1)/indexPageLen+1)
	for page--; page >= 0; page-- {
		at := s.byID.order[page]
		p := s.byID.pages[at]
		todo := p.having(q.Statuses)
		if first := at * indexPageLen; below < first+indexPageLen {
			todo &= 1<<(below-first) - 1
		}
		for todo != 0 {
			bit := bits.Len64(todo) - 1
			todo &^= 1 << bit
			id := at*indexPageLen + uint64(bit)
			if look == 0 || len(found) == most {
				return found, id + 1
			}
			look--
			slot := p.slots[bit]
			if j := s.jobs.at(slot); q.After > 0 && j.entered < q.After {
				return found, 0 // and so are all before it
			}
			if s.finds(q, slot) {
				found = append(found, s.info(slot))
			}
		}
	}
	return found, 0
}

// having has a bit for each job of a page that has one of the statuses.
func (p *indexPage) having(statuses []Status) (set uint64) {
	for status := Scheduled; status <= Cancelled; status++ {
		if len(statuses) == 0 || slices.Contains(statuses, status) {
			set |= p.is[status]
		}
	}
	return set
}

func (s *State) finds(q *Query, slot uint32) bool {
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	oneOf := func(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	switch {
	case q.Before > 0 && j.entered >= q.Before,
		q.Parent > 0 && j.parent != q.Parent,
		!oneOf(q.Tasks, s.names.text(l.task)),
		!oneOf(q.Queues, s.names.text(l.queue)),
		!oneOf(q.Groups, s.groupNames.text(s.groups.all[l.group].name)),
		q.Key != "" && q.Key != string(s.jobs.arena.get(j.key)):
		return false
	}
	if q.Tag != "" {
		has := false
		s.eachTag(j, func(tag []byte) { has = has || string(tag) == q.Tag })
		if !has {
			return false
		}
	}
	return q.Schedule == "" || j.extra != 0 && readExtra(s.jobs.arena.get(j.extra)).schedule == q.Schedule
}

// CountOf counts the jobs of a task, a queue and a group; "" and, of groups, a nil
// are any. It looks at no job.
func (s *State) CountOf(task, queueName string, group *string) (c Counts) {
	for key, i := range s.lanes.index {
		if task != "" && s.names.text(key[0]) != task || queueName != "" && s.names.text(key[1]) != queueName ||
			group != nil && s.groupNames.text(key[2]) != *group {
			continue
		}
		c.plus(&s.lanes.all[i].counts)
	}
	return c
}

func (c *Counts) plus(d *Counts) {
	c.Scheduled += d.Scheduled
	c.Ready += d.Ready
	c.Running += d.Running
	c.Done += d.Done
	c.Dead += d.Dead
	c.Cancelled += d.Cancelled
	c.Bytes += d.Bytes
}

// CountTag counts the jobs that have a tag.
func (s *State) CountTag(tag string) Counts {
	if c := s.tags[tag]; c != nil {
		return *c
	}
	return Counts{}
}

// A QueueInfo is what there is to say of a queue.
type QueueInfo struct {
	Name string
	Queue
	Paused bool
	Open   int64 // when its Rate lets a job be claimed next, or 0: now
	Counts Counts
	Groups []GroupInfo // those that have jobs, by name
}

// A GroupInfo is what there is to say of a group in a queue.
type GroupInfo struct {
	Name   string
	Weight uint16
	Counts Counts
}

// QueueInfos are of the queues that have jobs, or something is said of, by name.
func (s *State) QueueInfos() []QueueInfo {
	byName := make(map[string]*QueueInfo)
	s.eachQueue(func(name string, q *queue) {
		if !q.said() && q.all == 0 {
			return
		}
		i := &QueueInfo{Name: name, Queue: q.Queue, Paused: q.paused, Counts: q.counts}
		if !q.Rate.allows(q.tat, s.now) {
			i.Open = q.tat - q.Rate.slack()
		}
		byName[name] = i
	})
	groups := make(map[[2]uint32]*Counts)
	for key, i := range s.lanes.index {
		c := groups[[2]uint32{key[1], key[2]}]
		if c == nil {
			c = new(Counts)
			groups[[2]uint32{key[1], key[2]}] = c
		}
		c.plus(&s.lanes.all[i].counts)
	}
	for key, c := range groups {
		i := byName[s.names.text(key[0])]
		i.Groups = append(i.Groups, GroupInfo{s.groupNames.text(key[1]), s.weight(key[1]), *c})
	}
	all := make([]QueueInfo, 0, len(byName))
	for _, name := range sortedKeys(byName) {
		i := byName[name]
		slices.SortFunc(i.Groups, func(a, b GroupInfo) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		})
		all = append(all, *i)
	}
	return all
}

// TaskCounts counts jobs by their task.
func (s *State) TaskCounts() map[string]Counts {
	all := make(map[string]Counts)
	for key, i := range s.lanes.index {
		c := all[s.names.text(key[0])]
		c.plus(&s.lanes.all[i].counts)
		all[s.names.text(key[0])] = c
	}
	return all
}
