package state

import "fmt"

// A State is all that a shard of jobs is, at one point of its log. It is not
// safe for concurrent use.
type State struct {
	now    int64
	limits Limits

	jobs       slab
	byID       index // slots in jobs
	byKey      unique
	nextJob    uint64 // from 1
	names      names  // of tasks and queues
	groupNames names
	queues     []queue // by the number of their name
	active     []uint32
	lanes      lanes
	groups     groups
	weights    map[string]uint16 // of groups that have not 1
	limiting   limiting
	due        heap   // Scheduled jobs, by when they are ready
	ended      heap   // jobs that are Done or Cancelled, by when they are forgotten
	buried     heap   // jobs that are Dead, likewise
	keptBytes  int64  // of both
	deadlines  timers // of jobs
	timed      int    // live jobs that have a deadline
	sessions   sessions
	clients    clients
	schedules  map[string]*schedule
	ticks      wakes[tick]
	tags       map[string]*Counts

	counts  Counts
	written int64 // bytes that the jobs take in a snapshot, about

	snap  *Snapshot // under way; nil if none is
	round uint8     // of snapshots; jobs that are saved have this one

	feed    bool // somebody takes the notes
	notes   []Note
	watched map[uint64]int

	entering []uint32 // of the Enqueue that is being applied
	joining  []uint64 // likewise, jobs that were there
	doomed   []uint32 // slots of jobs that are yet to be cancelled, by the same
	scratch  []byte
	unit     []byte // of a snapshot, as it is written
	ignored  Outcome

	// Always, between two calls:
	//   T1. Every job is in exactly one place: due if Scheduled, its lane's heap
	//       or its cell's if Ready, its session's list if Running, ended otherwise,
	//       unless it stays with its parent (T5).
	//   T2. A job that has a key, by its status, is the one that byKey has for its
	//       task, parent and key.
	//   T3. counts are of the jobs there are; the queues', lanes' and tags' as well.
	//   T4. Nothing depends on slots and numbers of names, on the order of a map,
	//       or on how the state came about: two that AppendCanonical writes alike
	//       act alike.
}

// MaxTimers is how many jobs become ready or are forgotten when a record begins,
// at most; the rest follows with the next ones. It is part of the log's format.
const MaxTimers = 4096

// New returns the state before the first record. It has room for nothing until
// a record sets its Limits.
func New() *State {
	s := &State{
		nextJob: 1, byID: newIndex(), byKey: newUnique(),
		names: newNames(mostNames), groupNames: newNames(mostGroups),
		weights: make(map[string]uint16), schedules: make(map[string]*schedule), tags: make(map[string]*Counts),
	}
	s.lanes.index = make(map[[3]uint32]uint32)
	s.groups.index = make(map[[2]uint32]uint32)
	s.limiting.names = newNames(mostNames)
	s.limiting.byKey = make(map[gateKey]uint32)
	s.limiting.cellIndex = make(map[[2]uint32]uint32)
	s.sessions.byID = make(map[uint64]uint32)
	s.sessions.next = 1
	s.clients.byID = make(map[uint64]uint32)
	s.clients.next = 1
	return s
}

// Begin begins a record: the time is now, what is due becomes ready, and what
// has been kept long enough is forgotten, of all that together MaxTimers at most.
// It panics if now is before [State.Now].
func (s *State) Begin(now int64) {
	if now < s.now {
		panic(fmt.Sprintf("state: Begin at %d, which is before %d", now, s.now))
	}
	s.now = now
	s.openGates() // first: what comes to be ready stands behind those that wait
	s.passDeadlines()
	left := MaxTimers
	for ; left > 0 && len(s.due) > 0 && s.due[0].at <= now; left-- {
		slot, at := s.due[0].slot, s.due[0].at
		s.touch(slot)
		s.unplace(slot)
		s.makeReady(slot, at)
	}
	for ; left > 0; left-- {
		h := &s.ended
		if len(*h) == 0 || (*h)[0].at > now {
			h = &s.buried
		}
		if len(*h) == 0 || (*h)[0].at > now {
			break
		}
		s.forgetNext(h)
	}
	s.trim()
	s.forgetClients(left)
}

// Now is the time of the record that was begun last, in microseconds.
func (s *State) Now() int64 { return s.now }

// Limits are those that were set last.
func (s *State) Limits() Limits { return s.limits }

// Counts are of all jobs.
func (s *State) Counts() Counts { return s.counts }

// QueueCounts are of the jobs in a queue. depth is its own limit, or 0. ok is
// false if it has neither.
func (s *State) QueueCounts(name string) (c Counts, depth int64, ok bool) {
	id, ok := s.names.find([]byte(name))
	if !ok || int(id) >= len(s.queues) {
		return c, 0, false
	}
	q := &s.queues[id]
	return q.counts, q.Depth, q.Depth > 0 || q.counts != Counts{}
}

// NextReady is when the next Scheduled job is due.
func (s *State) NextReady() (at int64, ok bool) {
	if len(s.due) == 0 {
		return 0, false
	}
	return s.due[0].at, true
}

// NextDue is when Begin has something to do next, which may be past.
func (s *State) NextDue() (at int64, ok bool) {
	at, ok = s.NextReady()
	for _, h := range []timers{s.deadlines, s.limiting.times} {
		if len(h) > 0 && (!ok || h[0].at < at) {
			at, ok = h[0].at, true
		}
	}
	for _, h := range []heap{s.ended, s.buried} {
		if len(h) > 0 && (!ok || h[0].at < at) {
			at, ok = h[0].at, true
		}
	}
	if s.clients.oldest != 0 {
		if gone := s.clients.all[s.clients.oldest].seen + clientSpan; !ok || gone < at {
			at, ok = gone, true
		}
	}
	return at, ok
}

// NextOpen is when a claim may be given a job next that it is not given now: when
// a queue's rate or that of a limit allows it. What becomes ready is not counted.
func (s *State) NextOpen() (at int64, ok bool) {
	if h := s.limiting.times; len(h) > 0 {
		at, ok = h[0].at, true
	}
	for _, i := range s.active {
		q := &s.queues[i]
		if q.paused || q.Rate.allows(q.tat, s.now) {
			continue
		}
		if open := q.tat - q.Rate.slack(); !ok || open < at {
			at, ok = open, true
		}
	}
	return at, ok
}

// Job says what there is to say of one. It fails with ErrNoJob or ErrForgotten.
func (s *State) Job(id uint64) (Info, error) {
	slot, err := s.find(id)
	if err != nil {
		return Info{}, err
	}
	return s.info(slot), nil
}

// Brief is Job without Input and Result, which may be large.
func (s *State) Brief(id uint64) (Info, error) {
	slot, err := s.find(id)
	if err != nil {
		return Info{}, err
	}
	return s.brief(slot), nil
}

func (s *State) info(slot uint32) Info {
	i := s.brief(slot)
	j := s.jobs.at(slot)
	i.Input = clone(s.jobs.arena.get(j.input))
	if j.status == Done {
		i.Result = clone(s.jobs.arena.get(j.result))
	}
	return i
}

func (s *State) brief(slot uint32) Info {
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	i := Info{
		ID: j.id, Task: s.names.text(l.task), Queue: s.names.text(l.queue), Key: string(s.jobs.arena.get(j.key)),
		Status: j.status, Cancel: j.cancel, Priority: j.priority, Cause: j.cause,
		Attempt: int(j.attempt), Attempts: int(j.attempts), Epoch: j.epoch,
		Entered: j.entered, Since: j.since, Due: j.due,
		Group: s.groupNames.text(s.groups.all[l.group].name), Unique: uniqueOf(j.kind),
		Timeout: j.timeout, Deadline: j.deadline, Parent: j.parent, ParentEpoch: j.parentEpoch,
		Attached: j.kind.attached(), Called: j.kind.called(),
	}
	if j.status != Done {
		i.Detail = clone(s.jobs.arena.get(j.result))
	}
	if j.status == Running {
		n := &s.sessions.all[j.session]
		i.Session, i.SessionName = n.id, n.name
	}
	if j.linked && j.parent == 0 {
		i.Scope = s.sessions.all[j.scope].id
	}
	if j.cell != 0 {
		g := &s.limiting.gates[s.limiting.cells[j.cell].gate]
		i.Limit, i.LimitKey = s.limiting.names.text(g.limit), g.key
	}
	if j.extra != 0 {
		x := readExtra(s.jobs.arena.get(j.extra))
		i.Tags, i.TraceParent, i.TraceState, i.Schedule, i.Tick = x.tags, x.traceParent, x.traceState, x.schedule, x.tick
	}
	r := reader{b: s.jobs.arena.get(j.failures)}
	for len(r.b) > 0 {
		i.Failures = append(i.Failures, r.failure())
	}
	return i
}

func clone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// Size is how many bytes a snapshot takes, about.
func (s *State) Size() int64 { return s.written }
