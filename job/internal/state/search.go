package state

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
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
// first, as Brief does: most at most, of look at most that are looked at. next is
// the number for the next call; 0 says that there are no more.
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
		left := p.having(q.Statuses)
		if first := at * indexPageLen; below < first+indexPageLen {
			left &= 1<<(below-first) - 1
		}
		for left != 0 {
			bit := bits.Len64(left) - 1
			left &^= 1 << bit
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
				found = append(found, s.brief(slot))
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

// CountIn counts the jobs of some tasks, some queues and some groups; none named is
// all. It looks at no job.
func (s *State) CountIn(tasks, queues, groups []string) (c Counts) {
	if len(tasks)+len(queues)+len(groups) == 0 {
		return s.counts
	}
	isTask, isQueue, isGroup := s.names.among(tasks), s.names.among(queues), s.groupNames.among(groups)
	if len(tasks)+len(groups) == 0 {
		for id := range isQueue {
			if int(id) < len(s.queues) {
				c.plus(&s.queues[id].counts)
			}
		}
		return c
	}
	for key, i := range s.lanes.index {
		if isTask.has(key[0]) && isQueue.has(key[1]) && isGroup.has(key[2]) {
			c.plus(&s.lanes.all[i].counts)
		}
	}
	return c
}

// A choice is some of what names have numbers for; nil is all.
type choice map[uint32]bool

func (c choice) has(id uint32) bool { return c == nil || c[id] }

// among are those of the texts that are in use.
func (n *names) among(texts []string) choice {
	if len(texts) == 0 {
		return nil
	}
	c := make(choice, len(texts))
	for _, text := range texts {
		if id, ok := n.index[text]; ok {
			c[id] = true
		}
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
	Groups int // that have jobs
}

// QueueInfos are of the queues that have jobs, or something is said of, whose names
// come after one, in order, most at most.
func (s *State) QueueInfos(after string, most int) (all []QueueInfo) {
	s.eachQueue(func(name string, q *queue) {
		if !q.said() && q.all == 0 || name <= after {
			return
		}
		i := QueueInfo{Name: name, Queue: q.Queue, Paused: q.paused, Counts: q.counts, Groups: q.all}
		if !q.Rate.allows(q.tat, s.now) {
			i.Open = q.tat - q.Rate.slack()
		}
		all = append(all, i)
	})
	slices.SortFunc(all, func(a, b QueueInfo) int { return strings.Compare(a.Name, b.Name) })
	return all[:min(len(all), most)]
}

// A GroupInfo is what there is to say of a group in a queue.
type GroupInfo struct {
	Name   string
	Weight uint16
	Counts Counts
}

// GroupInfos are of the groups of a queue that have jobs: most at most, those with
// the most live ones first. It looks at no job.
func (s *State) GroupInfos(queueName string, most int) []GroupInfo {
	id, ok := s.names.find([]byte(queueName))
	if !ok {
		return nil
	}
	byGroup := make(map[uint32]*Counts)
	for key, i := range s.lanes.index {
		if key[1] != id {
			continue
		}
		c := byGroup[key[2]]
		if c == nil {
			c = new(Counts)
			byGroup[key[2]] = c
		}
		c.plus(&s.lanes.all[i].counts)
	}
	all := make([]GroupInfo, 0, len(byGroup))
	for group, c := range byGroup {
		all = append(all, GroupInfo{s.groupNames.text(group), s.weight(group), *c})
	}
	slices.SortFunc(all, func(a, b GroupInfo) int {
		return cmp.Or(cmp.Compare(b.Counts.Live(), a.Counts.Live()), strings.Compare(a.Name, b.Name))
	})
	return all[:min(len(all), most)]
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
