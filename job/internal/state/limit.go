package state

// A gate is one key of a limit: the jobs that count for it, of all lanes, share
// what it lets through.
//
//	L1. running is how many jobs that count for it are Running.
//	L2. A gate that is open shows, of each of its cells, the first job in the
//	    cell's lane; one that is closed shows none.
//	L3. A gate without cells is there until its rate is as if it had never been
//	    used.
type gate struct {
	limit   uint32 // number of its name
	key     string
	running int64
	tat     int64 // when the next claim would be on time, by its rate
	cells   []uint32
	used    bool  // it is one
	wake    int64 // the time for which it was put in times last
}

type gateKey struct {
	limit uint32
	key   string
}

// A cell has the jobs of one lane that count for one gate. Of those that are
// Ready one at most is shown, in the lane; the others wait here.
type cell struct {
	lane, gate uint32
	jobs       int // of any status
	waiting    heap
	shown      uint32 // slot; 0 is none
}

// limiting is all of that. Cells have slots from 1.
type limiting struct {
	names     names // of limits that are set or have gates
	set       []Limit
	gates     []gate
	gateFree  []uint32
	byKey     map[gateKey]uint32
	cells     []cell
	cellFree  []uint32
	cellIndex map[[2]uint32]uint32 // by lane and gate
	times     timers               // gates that may open, or be forgotten
}

// allows reports whether a claim is on time at now, by what tat says.
func (r Rate) allows(tat, now int64) bool { return tat <= now+r.slack() || Mutant.RateIgnored }

// slack is by how much a claim may be before its time.
func (r Rate) slack() int64 { return max(r.Burst-1, 0) * r.Interval }

// after is tat after a claim at now.
func (r Rate) after(tat, now int64) int64 {
	if r.Interval == 0 {
		return 0
	}
	return max(tat, now) + r.Interval
}

// owed is what tat is at most under a rate that is new: nobody pays for an older one.
func (r Rate) owed(tat, now int64) int64 {
	if r.Interval == 0 {
		return 0
	}
	return min(tat, now+r.Interval*r.Burst)
}

// joinCell returns the cell for a lane and a limit's key, with one job more. It
// fails if there are too many names.
func (s *State) joinCell(laneID uint32, limit, key []byte) (uint32, bool) {
	m := &s.limiting
	g, ok := s.gateFor(limit, key)
	if !ok {
		return 0, false
	}
	i, ok := m.cellIndex[[2]uint32{laneID, g}]
	if !ok {
		if len(m.cells) == 0 {
			m.cells = append(m.cells, cell{})
		}
		i = vacant(&m.cells, &m.cellFree)
		m.cells[i] = cell{lane: laneID, gate: g, waiting: m.cells[i].waiting[:0]}
		m.cellIndex[[2]uint32{laneID, g}] = i
		m.gates[g].cells = append(m.gates[g].cells, i)
	}
	m.cells[i].jobs++
	return i, true
}

// gateFor returns the gate of a limit's key, which it makes if there is none.
func (s *State) gateFor(limit, key []byte) (uint32, bool) {
	m := &s.limiting
	if l, ok := m.names.find(limit); ok {
		if g, ok := m.byKey[gateKey{l, string(key)}]; ok {
			return g, true
		}
	}
	l, ok := m.names.use(limit)
	if !ok {
		return 0, false
	}
	m.grow(l)
	g := vacant(&m.gates, &m.gateFree)
	m.gates[g] = gate{limit: l, key: string(key), cells: m.gates[g].cells[:0], used: true}
	m.byKey[gateKey{l, m.gates[g].key}] = g
	return g, true
}

func (m *limiting) grow(limit uint32) {
	for int(limit) >= len(m.set) {
		m.set = append(m.set, Limit{})
	}
}

// quitCell takes one job from a cell.
func (s *State) quitCell(i uint32) {
	m := &s.limiting
	c := &m.cells[i]
	if c.jobs--; c.jobs > 0 {
		return
	}
	delete(m.cellIndex, [2]uint32{c.lane, c.gate})
	g := &m.gates[c.gate]
	for at, other := range g.cells {
		if other == i {
			dropAt(&g.cells, uint32(at))
			break
		}
	}
	s.forgetGate(c.gate)
	m.cellFree = append(m.cellFree, i)
}

// forgetGate forgets a gate that nothing is to be known of (L3).
func (s *State) forgetGate(i uint32) {
	m := &s.limiting
	g := &m.gates[i]
	switch {
	case len(g.cells) > 0:
	case g.tat > s.now && m.set[g.limit].Rate.Interval > 0:
		s.wakeGate(i, g.tat)
	default:
		delete(m.byKey, gateKey{g.limit, g.key})
		m.names.drop(g.limit)
		*g = gate{cells: g.cells[:0]}
		m.gateFree = append(m.gateFree, i)
	}
}

func (s *State) isOpen(g *gate) bool {
	l := &s.limiting.set[g.limit]
	return (l.Running == 0 || g.running < l.Running) && l.Rate.allows(g.tat, s.now)
}

// enterCell lets a job that is ready wait in its cell, or in its lane.
func (s *State) enterCell(slot uint32) {
	j := s.jobs.at(slot)
	c := &s.limiting.cells[j.cell]
	switch {
	case c.shown != 0 && s.before(entry{j.score, slot}, entry{s.jobs.at(c.shown).score, c.shown}):
		s.cover(c)
		s.uncover(c, slot)
	case c.shown != 0 || !s.isOpen(&s.limiting.gates[c.gate]):
		s.push(&c.waiting, j.score, slot)
		s.awaitRate(c.gate)
	default:
		s.uncover(c, slot)
	}
}

func (s *State) leaveCell(slot uint32) {
	j := s.jobs.at(slot)
	c := &s.limiting.cells[j.cell]
	if !j.shown {
		s.remove(&c.waiting, j.pos)
		return
	}
	s.hide(slot)
	j.shown, c.shown = false, 0
	s.showNext(c)
}

// uncover shows a job of a cell that shows none.
func (s *State) uncover(c *cell, slot uint32) {
	s.jobs.at(slot).shown, c.shown = true, slot
	s.show(slot)
}

// cover lets the job that a cell shows wait again.
func (s *State) cover(c *cell) {
	slot := c.shown
	j := s.jobs.at(slot)
	s.hide(slot)
	j.shown, c.shown = false, 0
	s.push(&c.waiting, j.score, slot)
}

// showNext shows the first job of a cell that shows none, if its gate is open.
func (s *State) showNext(c *cell) {
	if len(c.waiting) == 0 || !s.isOpen(&s.limiting.gates[c.gate]) {
		return
	}
	slot := c.waiting[0].slot
	s.remove(&c.waiting, 0)
	s.uncover(c, slot)
}

// review makes a gate's cells show what they may (L2).
func (s *State) review(i uint32) {
	m := &s.limiting
	g := &m.gates[i]
	open, waits := s.isOpen(g), false
	for _, at := range g.cells {
		switch c := &m.cells[at]; {
		case open && c.shown == 0:
			s.showNext(c)
		case !open && c.shown != 0:
			s.cover(c)
			waits = true
		default:
			waits = waits || len(c.waiting) > 0
		}
	}
	if waits {
		s.awaitRate(i)
	}
}

// awaitRate sees to it that a gate which its rate has closed is looked at in time.
func (s *State) awaitRate(i uint32) {
	g := &s.limiting.gates[i]
	if r := s.limiting.set[g.limit].Rate; !r.allows(g.tat, s.now) {
		s.wakeGate(i, g.tat-r.slack())
	}
}

func (s *State) wakeGate(i uint32, at int64) {
	if g := &s.limiting.gates[i]; g.wake != at {
		m := &s.limiting
		g.wake = at
		m.times.push(timer{at, uint64(i)})
		if len(m.times) > 2*len(m.gates)+64 {
			m.times.keep(func(t timer) bool { return m.gates[t.id].used && m.gates[t.id].wake == t.at })
		}
	}
}

// begins counts a job that is now Running for its gate, ends one that is not any
// more.
func (s *State) begins(j *jobRec) {
	if j.cell == 0 || Mutant.LimitIgnored {
		return
	}
	i := s.limiting.cells[j.cell].gate
	g := &s.limiting.gates[i]
	was := s.isOpen(g)
	g.running++
	g.tat = s.limiting.set[g.limit].Rate.after(g.tat, s.now)
	if s.isOpen(g) != was {
		s.review(i)
	}
}

func (s *State) ends(j *jobRec) {
	if j.cell == 0 || Mutant.LimitIgnored {
		return
	}
	i := s.limiting.cells[j.cell].gate
	g := &s.limiting.gates[i]
	was := s.isOpen(g)
	g.running--
	if s.isOpen(g) != was {
		s.review(i)
	}
}

// openGates lets those gates show jobs whose time has come.
func (s *State) openGates() {
	m := &s.limiting
	for len(m.times) > 0 && m.times[0].at <= s.now {
		i := uint32(m.times.pop().id)
		if !m.gates[i].used {
			continue
		}
		m.gates[i].wake = 0
		s.review(i)
		s.forgetGate(i)
	}
}

// setLimitOf sets a limit by name.
func (s *State) setLimitOf(r *reader) error {
	name, l := r.some(MaxName), Limit{Running: r.int(), Rate: r.rate()}
	if !r.whole() || l.Running < 0 {
		return ErrMalformed
	}
	m := &s.limiting
	id, known := m.names.find(name)
	had := known && m.set[id] != Limit{}
	switch {
	case l != Limit{} && !had:
		var ok bool
		if id, ok = m.names.use(name); !ok {
			return ErrNames
		}
		m.grow(id)
	case l == Limit{} && !had:
		return nil
	}
	m.set[id] = l
	for i := range m.gates {
		if g := &m.gates[i]; g.used && g.limit == id {
			g.tat = l.Rate.owed(g.tat, s.now)
			s.review(uint32(i))
			s.forgetGate(uint32(i))
		}
	}
	if l == (Limit{}) {
		m.names.drop(id)
	}
	return nil
}

func (r *reader) rate() Rate {
	v := Rate{r.span(), r.int()}
	r.demand(v.Burst >= 0 && v.Burst < 1<<20 && (v.Interval > 0) == (v.Burst > 0) && v.Interval <= MaxDelay/max(v.Burst, 1))
	return v
}

// SetLimits are the limits that are set, by name.
func (s *State) SetLimits() map[string]Limit {
	all := make(map[string]Limit)
	for text, id := range s.limiting.names.index {
		if l := s.limiting.set[id]; l != (Limit{}) {
			all[text] = l
		}
	}
	return all
}
