package state

import "fmt"

// A State is all that a shard of jobs is, at one point of its log. It is not
// safe for concurrent use.
type State struct {
	now    int64
	limits Limits

	jobs     slab
	byID     index // slots in jobs
	byKey    unique
	nextJob  uint64 // from 1
	names    names
	queues   []queue // by the number of their name
	lanes    lanes
	due      heap // Scheduled jobs, by when they are ready
	ended    heap // ended jobs, by when they are forgotten
	sessions sessions
	clients  clients

	counts  Counts
	written int64 // bytes that the jobs take in a snapshot, about

	snap  *Snapshot // under way; nil if none is
	round uint8     // of snapshots; jobs that are saved have this one

	entering []uint32 // of the Enqueue that is being applied
	scratch  []byte
	unit     []byte // of a snapshot, as it is written
	ignored  Outcome

	// Always, between two calls:
	//   T1. Every job is in exactly one place: due if Scheduled, its lane's heap
	//       if Ready, its session's list if Running, ended otherwise.
	//   T2. A live job with a key is the one that byKey has for its task and key.
	//   T3. counts are of the jobs there are, the queues' as well.
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
	s := &State{nextJob: 1, byID: newIndex(), byKey: newUnique()}
	s.names.index = make(map[string]uint32)
	s.lanes.index = make(map[[2]uint32]uint32)
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
	left := MaxTimers
	for ; left > 0 && len(s.due) > 0 && s.due[0].at <= now; left-- {
		slot, at := s.due[0].slot, s.due[0].at
		s.touch(slot)
		s.unplace(slot)
		s.makeReady(slot, at)
	}
	for ; left > 0 && len(s.ended) > 0 && (s.ended[0].at <= now || int64(len(s.ended)) > s.limits.Kept); left-- {
		s.forgetNext()
	}
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
	return q.counts, q.depth, q.depth > 0 || q.counts != Counts{}
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
	if len(s.ended) > 0 && (!ok || s.ended[0].at < at) {
		at, ok = s.ended[0].at, true
	}
	if s.clients.oldest != 0 {
		if gone := s.clients.all[s.clients.oldest].seen + clientSpan; !ok || gone < at {
			at, ok = gone, true
		}
	}
	if int64(len(s.ended)) > s.limits.Kept {
		at, ok = s.now, true
	}
	return at, ok
}

// Job says what there is to say of one. It fails with ErrNoJob or ErrForgotten.
func (s *State) Job(id uint64) (Info, error) {
	slot, err := s.find(id)
	if err != nil {
		return Info{}, err
	}
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	i := Info{
		ID: id, Task: s.names.text(l.task), Queue: s.names.text(l.queue), Key: string(s.jobs.arena.get(j.key)),
		Status: j.status, Cancel: j.cancel, Priority: j.priority,
		Attempt: int(j.attempt), Attempts: int(j.attempts), Epoch: j.epoch,
		Entered: j.entered, Since: j.since, Due: j.due,
		Input: clone(s.jobs.arena.get(j.input)), Result: clone(s.jobs.arena.get(j.result)),
	}
	if j.status == Running {
		i.Session = s.sessions.all[j.session].id
	}
	r := reader{b: s.jobs.arena.get(j.failures)}
	for len(r.b) > 0 {
		i.Failures = append(i.Failures, r.failure())
	}
	return i, nil
}

func clone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// Size is how many bytes a snapshot takes, about.
func (s *State) Size() int64 { return s.written }
