package state

import "strconv"

// A specView is a Spec in a transition.
type specView struct {
	task, queue, key, input []byte
	runAt                   int64
	first, most, keep, bury int64
	attempts                uint16
	priority                int8

	flags                  uint64
	group, limit, limitKey []byte
	timeout, deadline      int64
	session, parent        uint64
	parentEpoch            uint32
	extra                  []byte // as putExtra writes it
}

const (
	hasKind = hasAttached | hasCalled | hasUniqueDone | hasUniqueDead | hasUniqueCancelled
	hasAll  = 2*hasExtra - 1
)

// kind is what of the flags a job keeps. A child that is done has its key.
func (v *specView) kind() jobKind {
	k := jobKind(v.flags & hasKind)
	if v.parent != 0 && len(v.key) > 0 {
		k |= hasUniqueDone
	}
	return k
}

func (r *reader) spec() (v specView) {
	v.task, v.queue, v.key = r.bytes(MaxName), r.bytes(MaxName), r.bytes(MaxKey)
	priority := r.int()
	v.runAt = r.int()
	v.attempts = uint16(r.most(MaxAttempts))
	v.first, v.most, v.keep, v.bury = r.span(), r.span(), r.span(), r.span()
	v.input = r.bytes(MaxPayload)
	v.priority = int8(priority)
	if priority < -MaxPriority || priority > MaxPriority || v.runAt < -MaxDelay || v.runAt > MaxTime ||
		v.attempts == 0 || len(v.task) == 0 || len(v.queue) == 0 {
		r.fail()
	}
	if v.flags = r.most(hasAll); v.flags != 0 {
		r.specRest(&v)
	}
	return v
}

// specRest reads what most jobs have not. What is there is never zero: a job has
// one form.
func (r *reader) specRest(v *specView) {
	has := func(f uint64) bool { return v.flags&f != 0 }
	if has(hasGroup) {
		v.group = r.some(MaxName)
	}
	if has(hasLimit) {
		v.limit, v.limitKey = r.some(MaxName), r.bytes(MaxKey)
	}
	if has(hasTimeout) {
		v.timeout = r.span()
		r.demand(v.timeout > 0)
	}
	if has(hasDeadline) {
		v.deadline = r.int()
		r.demand(v.deadline > 0 && v.deadline <= MaxTime)
	}
	if has(hasSession) {
		v.session = r.uint()
		r.demand(v.session > 0 && has(hasAttached) && !has(hasParent))
	}
	if has(hasParent) {
		v.parent, v.parentEpoch = r.uint(), uint32(r.most(1<<32-1))
		r.demand(v.parent > 0 && has(hasAttached) != (len(v.key) > 0))
	}
	if has(hasExtra) {
		v.extra = r.bytes(maxExtra)
		r.demand(validExtra(v.extra))
	}
	if has(hasAttached) {
		r.demand(len(v.key) == 0 && (has(hasSession) || has(hasParent)))
	}
	if v.flags&(hasKind&^hasAttached) != 0 {
		r.demand(len(v.key) > 0)
	}
}

// demand fails unless ok.
func (r *reader) demand(ok bool) {
	if !ok {
		r.fail()
	}
}

// some is bytes, at least one.
func (r *reader) some(most int) []byte {
	b := r.bytes(most)
	r.demand(len(b) > 0)
	return b
}

const maxExtra = 2 + MaxTags*(MaxTag+1) + 2*(MaxTrace+2) + MaxName + 2 + 10

// An extra is what putExtra has written.
type extra struct {
	tags                    []string
	traceParent, traceState string
	schedule                string
	tick                    int64
}

func readExtra(b []byte) (x extra) {
	r := reader{b: b}
	for range r.most(MaxTags) {
		x.tags = append(x.tags, string(r.bytes(MaxTag)))
	}
	x.traceParent, x.traceState = string(r.bytes(MaxTrace)), string(r.bytes(MaxTrace))
	x.schedule, x.tick = string(r.bytes(MaxName)), r.int()
	return x
}

// validExtra reports whether b says anything, and says it as putExtra would: tags
// in order, each once.
func validExtra(b []byte) bool {
	r := reader{b: b}
	n := r.most(MaxTags)
	var last []byte
	for i := range n {
		t := r.some(MaxTag)
		if i > 0 && string(t) <= string(last) {
			return false
		}
		last = t
	}
	parent, state := r.bytes(MaxTrace), r.bytes(MaxTrace)
	schedule, tick := r.bytes(MaxName), r.int()
	return r.whole() && (n > 0 || len(parent) > 0 || len(schedule) > 0) &&
		(len(state) == 0 || len(parent) > 0) && (tick == 0 || len(schedule) > 0) && tick >= 0
}

// eachTag calls f with every tag of a job.
func (s *State) eachTag(j *jobRec, f func(tag []byte)) {
	r := reader{b: s.jobs.arena.get(j.extra)}
	for range r.most(MaxTags) {
		f(r.bytes(MaxTag))
	}
}

// span is a length of time.
func (r *reader) span() int64 {
	d := r.int()
	if d < 0 || d > MaxDelay {
		r.fail()
	}
	return d
}

func (s *State) enqueue(r *reader, out *Outcome) error {
	n := r.most(MaxBatch)
	check := *r
	for range n {
		if check.spec(); check.bad {
			return ErrMalformed
		}
	}
	if n == 0 || !check.whole() {
		return ErrMalformed
	}
	firstID, all := s.nextJob, *r
	s.entering, s.joining = s.entering[:0], s.joining[:0]
	for range n {
		v := r.spec()
		err := s.scopeOpen(&v)
		if id, ok := s.holder(&v); ok && err == nil {
			if !v.kind().called() {
				s.joining = append(s.joining, id)
			}
			out.add(id, true)
			continue
		}
		if err == nil {
			err = s.enter(&v)
		}
		if err != nil {
			s.undo(firstID)
			out.reset()
			if full, ok := err.(*FullError); ok {
				full.Never = s.needs(full, &all, n) > full.Limit
			}
			return err
		}
		out.add(s.nextJob-1, false)
	}
	for _, id := range s.joining {
		s.joined(id)
	}
	return nil
}

func (o *Outcome) add(id uint64, existing bool) {
	o.IDs = append(o.IDs, id)
	o.Existing = append(o.Existing, existing)
}

// holder is the job that has v's task and key, in v's scope.
func (s *State) holder(v *specView) (id uint64, ok bool) {
	if len(v.key) == 0 || Mutant.KeyTwice {
		return 0, false
	}
	task, ok := s.names.find(v.task)
	if !ok {
		return 0, false
	}
	slot, ok := s.byKeyFind(task, v.parent, v.key)
	if !ok {
		return 0, false
	}
	return s.jobs.at(slot).id, true
}

// enter makes a job of v, which has the next id.
func (s *State) enter(v *specView) error {
	if knot := s.knot(v); knot != nil {
		return knot // first: room will never be
	}
	queueID, known := s.names.find(v.queue)
	if full := s.room(queueID, known, 1, int64(len(v.input)+len(v.key))); full != nil {
		return full
	}
	if s.tooMany(v) {
		return ErrChildren
	}
	laneID, ok := s.joinLane(v.task, v.queue, v.group)
	if !ok {
		return ErrNames
	}
	var cell uint32
	if len(v.limit) > 0 {
		if cell, ok = s.joinCell(laneID, v.limit, v.limitKey); !ok {
			s.quitLane(laneID)
			return ErrNames
		}
	}
	slot := s.jobs.take()
	j := s.jobs.at(slot)
	*j = jobRec{
		id: s.nextJob, entered: s.now, since: s.now,
		first: v.first, most: v.most, keep: v.keep, bury: v.bury,
		timeout: v.timeout, deadline: v.deadline, parent: v.parent, parentEpoch: v.parentEpoch,
		lane: laneID, cell: cell, attempts: v.attempts, priority: v.priority, kind: v.kind(), saved: s.round,
		input: s.jobs.arena.put(v.input), key: s.jobs.arena.put(v.key), extra: s.jobs.arena.put(v.extra),
	}
	j.tagged = len(v.extra) > 0 && v.extra[0] > 0
	s.nextJob++
	s.byID.put(j.id, slot)
	if len(v.key) > 0 {
		s.byKeyAdd(s.lanes.all[laneID].task, v.parent, v.key, slot)
	}
	s.addDeadline(j)
	s.written += s.jobs.bytes(j)
	s.linkNew(slot, v)
	at := v.runAt
	if at < 0 {
		at = s.now - v.runAt
	}
	if at > s.now && !Mutant.TimersEarly {
		s.schedule(slot, at)
	} else {
		s.makeReady(slot, s.now)
	}
	s.entering = append(s.entering, slot)
	return nil
}

// joined is for a job that was there when it was to be enqueued: it is not its
// callers' alone any more.
func (s *State) joined(id uint64) {
	slot, _ := s.byID.get(id)
	if j := s.jobs.at(slot); j.kind.called() {
		s.touch(slot)
		j.kind &^= hasCalled
	}
}

// Holder returns the job that has the key of a spec, in its scope, if there is one.
func (s *State) Holder(p *Spec) (id uint64, ok bool) {
	return s.holder(&specView{task: []byte(p.Task), parent: p.Parent, key: []byte(p.Key)})
}

// Ending returns the job that has the key of a spec, if it is Running and about to be
// cancelled.
func (s *State) Ending(p *Spec) (id uint64, ok bool) {
	id, ok = s.Holder(p)
	if !ok {
		return 0, false
	}
	slot, err := s.find(id)
	return id, err == nil && s.jobs.at(slot).status == Running && s.jobs.at(slot).cancel
}

// undo takes out the jobs of a transition that is refused.
func (s *State) undo(firstID uint64) {
	for _, slot := range s.entering {
		s.unplace(slot)
		s.unlink(slot)
		s.dropDeadline(s.jobs.at(slot))
		s.freeKey(slot)
		s.forget(slot)
	}
	s.nextJob = firstID
}

// needs is how much of what full counts the n jobs that follow in r would take.
func (s *State) needs(full *FullError, r *reader, n uint64) (need int64) {
	var keys map[string]bool
	for range n {
		v := r.spec()
		if full.Queue != "" && full.Queue != string(v.queue) {
			continue
		}
		if len(v.key) > 0 {
			key := string(v.task) + "\x00" + strconv.FormatUint(v.parent, 10) + "\x00" + string(v.key)
			if _, ok := s.holder(&v); ok || keys[key] {
				continue
			}
			if keys == nil {
				keys = make(map[string]bool)
			}
			keys[key] = true
		}
		if full.Bytes {
			need += int64(len(v.input) + len(v.key))
		} else {
			need++
		}
	}
	return need
}
