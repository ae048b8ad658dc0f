package state

// A Snapshot is the state as it was when [State.Snapshot] was called, written
// page by page while transitions go on. A page is units: a kind, a length and so
// many bytes; a job is one unit.
//
//	Snapshot()          Next()        Next()        Next()
//	   │ head, queues,    │ page        │ page        │ last page
//	   │ sessions,        │             │             │
//	   ▼ clients          ▼             ▼             ▼
//	ahead ──────────────▶ units of ahead first, then jobs by slot
//	   ▲
//	   └── touch: a job that changes and is not saved yet goes here as it was
//
//	N1. A job that there was has jobRec.saved == State.round if and only if its
//	    unit was written, to a page or to ahead.
//	N2. A job that came later has it from the start, and is not in the snapshot.
type Snapshot struct {
	s     *State
	ahead []byte // units
	taken int    // bytes of ahead that are in pages
	slot  uint32 // the next one to look at
	end   uint32
}

const (
	unitHead     = 1
	unitQueue    = 2
	unitSession  = 3
	unitClient   = 4
	unitAnswer   = 5
	unitJob      = 6
	unitWeight   = 7
	unitLimit    = 8
	unitGate     = 9
	unitGroup    = 10
	unitSchedule = 11
)

// MaxUnit is the most bytes of one unit: a job with the longest of everything,
// or an answer with the most jobs.
const MaxUnit = MaxPayload + MaxDetail + 32<<10

// Snapshot begins one. There can be only one at a time; it panics if another is
// not complete and was not stopped. Its cost is that of what is not a job.
func (s *State) Snapshot() *Snapshot {
	if s.snap != nil {
		panic("state: Snapshot while another is under way")
	}
	s.round++
	p := &Snapshot{s: s, slot: 1, end: s.jobs.made}
	p.ahead = s.appendRest(p.ahead)
	s.snap = p
	return p
}

// touch is called before a job is changed or forgotten.
func (s *State) touch(slot uint32) {
	if s.snap == nil {
		return
	}
	if j := s.jobs.at(slot); j.saved != s.round && !Mutant.SkipPreimage {
		s.snap.ahead = s.appendJob(s.snap.ahead, j)
		j.saved = s.round
	}
}

// Waiting is how many bytes there are that transitions have touched and that
// are in no page yet.
func (p *Snapshot) Waiting() int { return len(p.ahead) - p.taken }

// Next appends the next page to b: units of target bytes together, or a little
// more, by MaxUnit at most. When there is nothing left it appends nothing and
// more is false: the snapshot is complete.
func (p *Snapshot) Next(b []byte, target int) (page []byte, more bool) {
	if p.s == nil {
		return b, false
	}
	limit := len(b) + target
	for len(b) < limit && p.taken < len(p.ahead) {
		n := unitLen(p.ahead[p.taken:])
		b = append(b, p.ahead[p.taken:p.taken+n]...)
		p.taken += n
		more = true
	}
	if p.taken == len(p.ahead) {
		p.ahead, p.taken = p.ahead[:0], 0
		if cap(p.ahead) > 1<<20 {
			p.ahead = nil
		}
	}
	for ; len(b) < limit && p.slot < p.end; p.slot++ {
		j := p.s.jobs.at(p.slot)
		if j.id == 0 || j.saved == p.s.round || Mutant.SnapshotDropsJob && p.slot == p.end-1 {
			continue
		}
		b = p.s.appendJob(b, j)
		j.saved = p.s.round
		more = true
	}
	if !more {
		p.s.snap, p.s = nil, nil
	}
	return b, more
}

// Stop ends a snapshot that is not complete. It looks at every job.
func (p *Snapshot) Stop() {
	if p.s == nil {
		return
	}
	for slot := p.slot; slot < p.end; slot++ {
		p.s.jobs.at(slot).saved = p.s.round
	}
	p.s.snap, p.s = nil, nil
}

func unitLen(b []byte) int {
	r := reader{b: b}
	r.byte()
	r.bytes(MaxUnit)
	return len(b) - len(r.b)
}

// putUnit appends what fill appends as one unit.
func (s *State) putUnit(b []byte, kind byte, fill func([]byte) []byte) []byte {
	s.unit = fill(s.unit[:0])
	return putBytes(append(b, kind), s.unit)
}

// appendRest writes all that is not a job.
func (s *State) appendRest(b []byte) []byte {
	b = s.appendHead(b)
	b = s.appendQueues(b)
	b = s.appendShares(b)
	b = s.appendLimits(b)
	b = s.appendSchedules(b)
	b = s.appendSessions(b)
	return s.appendClients(b)
}

func (s *State) appendHead(b []byte) []byte {
	return s.putUnit(b, unitHead, func(u []byte) []byte {
		for _, v := range [...]int64{s.now, s.limits.Jobs, s.limits.Bytes, s.limits.Kept, s.limits.Ageing, s.limits.Buried, s.limits.KeptBytes} {
			u = putInt(u, v)
		}
		u = putUint(u, s.nextJob)
		u = putUint(u, s.sessions.next)
		u = putUint(u, s.clients.next)
		u = putUint(u, uint64(s.byID.n))
		u = putUint(u, uint64(len(s.sessions.order)))
		return putUint(u, uint64(len(s.clients.byID)))
	})
}

// appendQueues writes what is to be known of queues, and then of their groups,
// beside their jobs.
func (s *State) appendQueues(b []byte) []byte {
	named := make(map[string]*queue)
	s.eachQueue(func(name string, q *queue) { named[name] = q })
	for _, name := range sortedKeys(named) {
		q := named[name]
		tat := q.tat
		if tat <= s.now {
			tat = 0
		}
		if !q.said() && q.turn == 0 {
			continue
		}
		b = s.putUnit(b, unitQueue, func(u []byte) []byte {
			u = putInt(putInt(putBytes(u, name), q.Depth), q.Queue.Running)
			u = putBool(putRate(u, q.Rate), q.paused)
			return putInt(putInt(u, tat), q.turn)
		})
	}
	return b
}

// appendShares writes what groups have had, and what their weights are.
func (s *State) appendShares(b []byte) []byte {
	passes := make(map[string]*group)
	for i := range s.groups.all {
		g := &s.groups.all[i]
		if g.used && g.pass > 0 {
			name := string(putBytes(putBytes(nil, s.names.text(g.queue)), s.groupNames.text(g.name)))
			passes[name] = g
		}
	}
	for _, name := range sortedKeys(passes) {
		b = s.putUnit(b, unitGroup, func(u []byte) []byte { return putInt(append(u, name...), passes[name].pass) })
	}
	for _, name := range sortedKeys(s.weights) {
		b = s.putUnit(b, unitWeight, func(u []byte) []byte {
			return putUint(putBytes(u, name), uint64(s.weights[name]))
		})
	}
	return b
}

func (s *State) appendLimits(b []byte) []byte {
	set := s.SetLimits()
	for _, name := range sortedKeys(set) {
		b = s.putUnit(b, unitLimit, func(u []byte) []byte {
			return putRate(putInt(putBytes(u, name), set[name].Running), set[name].Rate)
		})
	}
	gates := make(map[string]int64)
	for i := range s.limiting.gates {
		if g := &s.limiting.gates[i]; g.used && g.tat > s.now {
			gates[string(putBytes(putBytes(nil, s.limiting.names.text(g.limit)), g.key))] = g.tat
		}
	}
	for _, name := range sortedKeys(gates) {
		b = s.putUnit(b, unitGate, func(u []byte) []byte { return putInt(append(u, name...), gates[name]) })
	}
	return b
}

func (s *State) appendSchedules(b []byte) []byte {
	for _, name := range sortedKeys(s.schedules) {
		c := s.schedules[name]
		b = s.putUnit(b, unitSchedule, func(u []byte) []byte {
			u = putBytes(putBytes(u, name), c.rule)
			u = putInt(putInt(u, c.next), c.last)
			return append(putUint(u, c.job), c.spec...)
		})
	}
	return b
}

func (s *State) appendSessions(b []byte) []byte {
	for _, id := range s.sessions.order {
		n := &s.sessions.all[s.sessions.byID[id]]
		b = s.putUnit(b, unitSession, func(u []byte) []byte {
			return putInt(putBool(putBytes(putUint(u, id), n.name), n.remote), n.opened)
		})
	}
	return b
}

// appendClients writes them from the oldest on, each followed by its answers.
func (s *State) appendClients(b []byte) []byte {
	for slot := s.clients.oldest; slot != 0; slot = s.clients.all[slot].newer {
		c := &s.clients.all[slot]
		b = s.putUnit(b, unitClient, func(u []byte) []byte {
			u = putUint(u, c.id)
			u = putUint(u, c.low)
			u = putInt(u, c.seen)
			return putUint(u, uint64(len(c.answers)))
		})
		for i := range c.answers {
			b = s.putUnit(b, unitAnswer, c.answers[i].append)
		}
	}
	return b
}

func (a *answer) append(u []byte) []byte {
	u = putUint(u, a.n)
	u = putUint(u, uint64(a.sum))
	u = putUint(u, uint64(a.epoch))
	u = append(u, byte(a.status))
	u = putUint(u, uint64(len(a.ids)))
	for _, id := range a.ids {
		u = putUint(u, id)
	}
	u = putUint(u, uint64(len(a.existing)))
	for _, e := range a.existing {
		u = putBool(u, e)
	}
	return u
}

func (s *State) appendJob(b []byte, j *jobRec) []byte {
	l := &s.lanes.all[j.lane]
	u := s.unit[:0]
	u = putUint(u, j.id)
	u = append(u, byte(j.status))
	u = putBytes(u, s.names.text(l.task))
	u = putBytes(u, s.names.text(l.queue))
	u = putBytes(u, s.groupNames.text(s.groups.all[l.group].name))
	u = append(u, byte(j.kind), byte(j.cause))
	u = putBool(u, j.cancel)
	u = putBool(u, j.linked)
	u = putInt(u, int64(j.priority))
	u = putUint(u, uint64(j.attempt))
	u = putUint(u, uint64(j.attempts))
	u = putUint(u, uint64(j.epoch))
	for _, v := range [...]int64{j.entered, j.since, j.due, j.score, j.first, j.most, j.keep, j.bury, j.timeout, j.deadline} {
		u = putInt(u, v)
	}
	var session, scope uint64
	if j.status == Running {
		session = s.sessions.all[j.session].id
	}
	if j.linked && j.parent == 0 {
		scope = s.sessions.all[j.scope].id
	}
	u = putUint(u, session)
	u = putUint(u, scope)
	u = putUint(u, j.parent)
	u = putUint(u, uint64(j.parentEpoch))
	var limit, limitKey string
	if j.cell != 0 {
		g := &s.limiting.gates[s.limiting.cells[j.cell].gate]
		limit, limitKey = s.limiting.names.text(g.limit), g.key
	}
	u = putBytes(putBytes(u, limit), limitKey)
	for _, v := range [...]blob{j.key, j.input, j.result, j.failures, j.extra} {
		u = putBytes(u, s.jobs.arena.get(v))
	}
	s.unit = u
	return putBytes(append(b, unitJob), u)
}
