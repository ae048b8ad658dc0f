package state

import "slices"

// A schedule enters jobs: see [Schedule].
type schedule struct {
	rule string
	next int64
	wake int64  // when its owner is to look at it; no part of the state
	last int64  // the tick for which it entered the last job, or would have
	job  uint64 // that job
	spec []byte // as putSpec writes it
}

// setSchedule makes a schedule, or replaces one. One that is replaced keeps what
// is known of its last tick.
func (s *State) setSchedule(r *reader) error {
	name, rule, next := r.some(MaxName), r.bytes(MaxRule), r.int()
	spec := r.b
	v := r.spec()
	if !r.whole() || next < 0 || next > MaxTime || v.flags&(hasSession|hasParent|hasDeadline) != 0 || v.runAt != 0 {
		return ErrMalformed
	}
	if x := readExtra(v.extra); x.schedule != "" {
		return ErrMalformed
	}
	c := s.schedules[string(name)]
	if c == nil {
		if len(s.schedules) >= mostNames {
			return ErrNames
		}
		c = new(schedule)
		s.schedules[string(name)] = c
	}
	c.rule, c.next, c.spec = string(rule), next, slices.Clone(spec)
	s.tickAt(string(name), c)
	return nil
}

func (s *State) unschedule(r *reader) error {
	name := r.some(MaxName)
	if !r.whole() {
		return ErrMalformed
	}
	if s.schedules[string(name)] == nil {
		return ErrSchedule
	}
	delete(s.schedules, string(name))
	return nil
}

// tick moves a schedule on, and enters its job unless the tick is left out.
func (s *State) tick(r *reader, out *Outcome) error {
	name, due, tick, next := string(r.some(MaxName)), r.int(), r.int(), r.int()
	if !r.whole() || tick < 0 || next < 0 || next > MaxTime || next != 0 && next <= due || tick > MaxTime {
		return ErrMalformed
	}
	c := s.schedules[name]
	if c == nil || c.next != due || due == 0 || due > s.now && !Mutant.TimersEarly && !Mutant.TicksEarly {
		return ErrSchedule
	}
	again := Mutant.TickStays && tick != 0 && c.last != tick
	if tick != 0 {
		if err := s.enterTick(c, name, tick, out); err != nil {
			return err
		}
		c.last, c.job = tick, out.IDs[0]
	}
	if !again {
		c.next = next
	}
	s.tickAt(name, c)
	return nil
}

// enterTick enters the job of a tick. One whose key another has is that.
func (s *State) enterTick(c *schedule, name string, tick int64, out *Outcome) error {
	r := reader{b: c.spec}
	v := r.spec()
	x := readExtra(v.extra)
	v.extra = putExtra(nil, &Spec{Tags: x.tags, TraceParent: x.traceParent, TraceState: x.traceState, Schedule: name, Tick: tick})
	v.flags |= hasExtra
	s.entering = s.entering[:0]
	if id, ok := s.holder(&v); ok {
		s.joined(id)
		out.add(id, true)
		return nil
	}
	if err := s.enter(&v); err != nil {
		return err
	}
	out.add(s.nextJob-1, false)
	return nil
}

// tickAt remembers when a schedule is due, for [State.NextTick].
func (s *State) tickAt(name string, c *schedule) {
	if c.wake = c.next; c.wake > 0 {
		s.ticks.push(tick{c.wake, name})
	}
	if len(s.ticks) > 2*len(s.schedules)+64 {
		s.ticks.keep(s.isDue)
	}
}

func (s *State) isDue(t tick) bool {
	c := s.schedules[t.name]
	return c != nil && c.wake == t.at
}

// Postpone lets [State.NextTick] show a schedule no sooner than at. Nothing else
// depends on it.
func (s *State) Postpone(name string, at int64) {
	if c := s.schedules[name]; c != nil {
		c.wake = at
		s.ticks.push(tick{at, name})
	}
}

// NextTick is the schedule that is to be looked at next, and when: at its Next, if
// it was not postponed.
func (s *State) NextTick() (name string, at int64, ok bool) {
	for len(s.ticks) > 0 {
		if t := s.ticks[0]; s.isDue(t) {
			return t.name, t.at, true
		}
		s.ticks.pop()
	}
	return "", 0, false
}

// A ScheduleInfo is what there is to say of a schedule.
type ScheduleInfo struct {
	Schedule        // Spec.Input and others are copies
	Last     int64  // the last tick for which there is a job, or 0
	Job      uint64 // that job
}

// Schedules returns the schedules whose names come after one, in order, most at
// most.
func (s *State) Schedules(after string, most int) (all []ScheduleInfo) {
	for _, name := range sortedKeys(s.schedules) {
		if name > after && len(all) < most {
			i, _ := s.ScheduleNamed(name)
			all = append(all, i)
		}
	}
	return all
}

// ScheduleNamed returns what there is to say of one. ok is false if there is none.
func (s *State) ScheduleNamed(name string) (i ScheduleInfo, ok bool) {
	c := s.schedules[name]
	if c == nil {
		return i, false
	}
	r := reader{b: c.spec}
	v := r.spec()
	return ScheduleInfo{Schedule{Name: name, Rule: c.rule, Next: c.next, Spec: v.spec()}, c.last, c.job}, true
}

// RuleOf returns the rule of a schedule and when it is due.
func (s *State) RuleOf(name string) (rule string, next int64, ok bool) {
	c := s.schedules[name]
	if c == nil {
		return "", 0, false
	}
	return c.rule, c.next, true
}

// spec is v as a Spec of its own.
func (v *specView) spec() Spec {
	x := readExtra(v.extra)
	return Spec{
		Task: string(v.task), Queue: string(v.queue), Key: string(v.key), Priority: v.priority, RunAt: v.runAt,
		Attempts: v.attempts, First: v.first, Most: v.most, Keep: v.keep, Bury: v.bury, Input: clone(v.input),
		Group: string(v.group), Limit: string(v.limit), LimitKey: string(v.limitKey), Unique: uniqueOf(v.kind()),
		Timeout: v.timeout, Deadline: v.deadline, Session: v.session, Parent: v.parent, ParentEpoch: v.parentEpoch,
		Attached: v.kind().attached(), Called: v.kind().called(),
		Tags: x.tags, TraceParent: x.traceParent, TraceState: x.traceState, Schedule: x.schedule, Tick: x.tick,
	}
}

func uniqueOf(k jobKind) (u Unique) {
	if k&hasUniqueDone != 0 {
		u |= UniqueDone
	}
	if k&hasUniqueDead != 0 {
		u |= UniqueDead
	}
	if k&hasUniqueCancelled != 0 {
		u |= UniqueCancelled
	}
	return u
}

// A tick is when a schedule is due.
type tick struct {
	at   int64
	name string
}

// Before orders ticks by time, then by name.
func (t tick) Before(u tick) bool { return t.at < u.at || t.at == u.at && t.name < u.name }
