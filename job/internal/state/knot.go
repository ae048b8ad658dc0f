package state

// An asker is the attempt in whose handler somebody waits. What it waits for must
// not need its end, nor that of a job above it: those end no sooner, and it ends
// with them.

// asks returns the slot of the job whose attempt by is. An attempt that is over
// keeps nobody waiting, and one that is being cancelled is told so.
func (s *State) asks(by uint64, epoch uint32) (slot uint32, ok bool) {
	slot, err := s.find(by)
	if err != nil {
		return 0, false
	}
	j := s.jobs.at(slot)
	return slot, j.status == Running && j.epoch == epoch && !j.cancel
}

// Asks reports whether an attempt may keep somebody waiting: see asks.
func (s *State) Asks(by uint64, epoch uint32) bool {
	_, ok := s.asks(by, epoch)
	return ok
}

// Runs reports whether a job is running.
func (s *State) Runs(job uint64) bool {
	slot, err := s.find(job)
	return err == nil && s.jobs.at(slot).status == Running
}

// RunsIn reports whether a job is running in a queue.
func (s *State) RunsIn(job uint64, queue string) bool {
	id, known := s.names.find([]byte(queue))
	slot, err := s.find(job)
	return known && err == nil && s.jobs.at(slot).status == Running && s.lanes.all[s.jobs.at(slot).lane].queue == id
}

// RunsAll reports whether as many jobs of a queue run as it lets.
func (s *State) RunsAll(queue string) bool {
	id, known := s.names.find([]byte(queue))
	if !known || int(id) >= len(s.queues) {
		return false
	}
	q := &s.queues[id]
	return q.Running > 0 && q.counts.Running >= q.Running
}

// above returns the first of a job and those above it that is so.
func (s *State) above(id uint64, is func(*jobRec) bool) (found uint64, ok bool) {
	for id != 0 {
		slot, err := s.find(id)
		if err != nil {
			break
		}
		j := s.jobs.at(slot)
		if is(j) {
			return id, true
		}
		id = j.parent
	}
	return 0, false
}

// KnotOfWait says why an attempt would wait for itself if it waited for the end of a
// job, or nil.
func (s *State) KnotOfWait(by uint64, epoch uint32, job uint64) *KnotError {
	if _, ok := s.asks(by, epoch); !ok {
		return nil
	}
	slot, err := s.find(job)
	if err != nil || !s.jobs.at(slot).status.Live() {
		return nil
	}
	if _, ok := s.above(by, func(j *jobRec) bool { return j.id == job }); ok {
		return &KnotError{By: by, Of: job}
	}
	j := s.jobs.at(slot)
	if j.status == Running {
		return nil
	}
	v := specView{queue: []byte(s.names.text(s.lanes.all[j.lane].queue))}
	if j.cell != 0 {
		g := &s.limiting.gates[s.limiting.cells[j.cell].gate]
		v.limit, v.limitKey = []byte(s.limiting.names.text(g.limit)), []byte(g.key)
	}
	if knot := s.knotAbove(by, &v); knot != nil && !knot.Depth { // it has its room
		return knot
	}
	return nil
}

// KnotOfCall is KnotOfWait of the job that p would enter, or join.
func (s *State) KnotOfCall(by uint64, epoch uint32, p *Spec) *KnotError {
	if _, ok := s.asks(by, epoch); !ok {
		return nil
	}
	if job, ok := s.Holder(p); ok {
		return s.KnotOfWait(by, epoch, job)
	}
	v := specView{queue: []byte(p.Queue), limit: []byte(p.Limit), limitKey: []byte(p.LimitKey)}
	return s.knotAbove(by, &v)
}

// KnotOfRoom says why an attempt would wait for itself if it waited for room for specs:
// its job and those above it leave too little of it, whoever else ends.
func (s *State) KnotOfRoom(by uint64, epoch uint32, specs []Spec) *KnotError {
	if _, ok := s.asks(by, epoch); !ok {
		return nil
	}
	type name struct {
		task, key string
		parent    uint64
	}
	need, twice := make(map[string]int64, 1), make(map[name]bool)
	for i := range specs {
		p := &specs[i]
		n := name{p.Task, p.Key, p.Parent}
		if _, there := s.Holder(p); there || p.Key != "" && twice[n] {
			continue
		}
		if p.Key != "" {
			twice[n] = true
		}
		need[p.Queue]++
	}
	for i := range specs {
		queue := specs[i].Queue
		n := need[queue]
		most := s.allowed([]byte(queue)).Depth
		if most <= 0 || n > most { // which is Never
			continue
		}
		id, _ := s.names.find([]byte(queue))
		for job := by; job != 0 && n <= most; {
			slot, err := s.find(job)
			if err != nil {
				break
			}
			j := s.jobs.at(slot)
			if j.status.Live() && s.lanes.all[j.lane].queue == id {
				n++
			}
			job = j.parent
		}
		if n > most {
			return &KnotError{Queue: queue, Most: most, By: by, Depth: true}
		}
	}
	return nil
}

// KnotOfDrain is KnotOfWait of all that is running in a queue.
func (s *State) KnotOfDrain(by uint64, epoch uint32, queue string) *KnotError {
	id, known := s.names.find([]byte(queue))
	if _, ok := s.asks(by, epoch); !ok || !known {
		return nil
	}
	of, ok := s.above(by, func(j *jobRec) bool { return j.status == Running && s.lanes.all[j.lane].queue == id })
	if !ok {
		return nil
	}
	return &KnotError{Queue: queue, By: by, Of: of}
}
