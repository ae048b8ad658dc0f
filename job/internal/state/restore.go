package state

import (
	"errors"
	"fmt"
)

// A Restore builds a state from the pages of a snapshot, in their order.
type Restore struct {
	s                       *State
	head                    bool
	jobs, sessions, clients uint64 // that the head tells of
	answers                 uint64 // that the last client has yet to get
}

// NewRestore begins one.
func NewRestore() *Restore { return &Restore{s: New()} }

var errSnapshot = errors.New("state: snapshot is malformed")

// Page takes the next page.
func (r *Restore) Page(content []byte) error {
	in := reader{b: content}
	for len(in.b) > 0 {
		kind := in.byte()
		unit := reader{b: in.bytes(MaxUnit)}
		if in.bad || r.head == (kind == unitHead) {
			return errSnapshot
		}
		if err := r.unit(kind, &unit); err != nil {
			return err
		}
		if !unit.whole() {
			return fmt.Errorf("%w: a unit of kind %d", errSnapshot, kind)
		}
	}
	if in.bad || len(content) == 0 {
		return errSnapshot
	}
	return nil
}

func (r *Restore) unit(kind byte, u *reader) error {
	if r.answers > 0 != (kind == unitAnswer) {
		return errSnapshot
	}
	switch kind {
	case unitHead:
		return r.readHead(u)
	case unitQueue:
		name, depth := u.bytes(MaxName), u.int()
		if u.bad || len(name) == 0 || depth <= 0 {
			return errSnapshot
		}
		return r.s.Apply(AppendQueue(nil, string(name), depth), nil)
	case unitSession:
		return r.readSession(u)
	case unitClient:
		return r.readClient(u)
	case unitAnswer:
		return r.readAnswer(u)
	case unitJob:
		return r.readJob(u)
	}
	return fmt.Errorf("%w: a unit of kind %d is not known", errSnapshot, kind)
}

func (r *Restore) readHead(u *reader) error {
	s := r.s
	s.now = u.int()
	s.limits = Limits{u.int(), u.int(), u.int(), u.int()}
	s.nextJob, s.sessions.next, s.clients.next = u.uint(), u.uint(), u.uint()
	r.jobs, r.sessions, r.clients = u.uint(), u.uint(), u.uint()
	r.head = true
	if u.bad || s.nextJob == 0 || s.sessions.next == 0 || s.clients.next == 0 || s.now < 0 || s.now > MaxTime {
		return errSnapshot
	}
	return nil
}

func (r *Restore) readSession(u *reader) error {
	n := session{id: u.uint(), name: string(u.bytes(MaxName)), opened: u.int()}
	if order := r.s.sessions.order; u.bad || n.id == 0 || n.id >= r.s.sessions.next ||
		len(order) > 0 && order[len(order)-1] >= n.id {
		return errSnapshot
	}
	r.s.addSession(n)
	return nil
}

func (r *Restore) readClient(u *reader) error {
	l := &r.s.clients
	c := client{id: u.uint(), low: u.uint(), seen: u.int()}
	r.answers = u.uint()
	if _, twice := l.byID[c.id]; u.bad || twice || c.id == 0 || c.id >= l.next {
		return errSnapshot
	}
	slot := l.take()
	l.all[slot] = c
	l.byID[c.id] = slot
	l.append(slot)
	return nil
}

func (r *Restore) readAnswer(u *reader) error {
	a := answer{n: u.uint(), sum: uint32(u.most(1<<32 - 1)), epoch: uint32(u.most(1<<32 - 1)), status: Status(u.byte())}
	for range u.most(MaxBatch) {
		a.ids = append(a.ids, u.uint())
	}
	for range u.most(MaxBatch) {
		a.existing = append(a.existing, u.bool())
	}
	c := &r.s.clients.all[r.s.clients.newest]
	if n := len(c.answers); u.bad || n > 0 && c.answers[n-1].n >= a.n {
		return errSnapshot
	}
	c.answers = append(c.answers, a)
	r.answers--
	return nil
}

func (r *Restore) readJob(u *reader) error {
	s := r.s
	id, status := u.uint(), Status(u.byte())
	task, queueName := u.bytes(MaxName), u.bytes(MaxName)
	cancel, priority := u.bool(), u.int()
	j := jobRec{
		id: id, cancel: cancel, priority: int8(priority), saved: s.round,
		attempt: uint16(u.most(MaxAttempts)), attempts: uint16(u.most(MaxAttempts)), epoch: uint32(u.most(1<<32 - 1)),
		entered: u.int(), since: u.int(), due: u.int(), score: u.int(),
		first: u.int(), most: u.int(), keep: u.int(), bury: u.int(),
	}
	sessionID := u.uint()
	key, input := u.bytes(MaxKey), u.bytes(MaxPayload)
	result, failures := u.bytes(MaxPayload), u.bytes(mostFailures*(MaxError+32))
	if u.bad || id == 0 || id >= s.nextJob || len(task) == 0 || len(queueName) == 0 ||
		priority < -MaxPriority || priority > MaxPriority || j.attempts == 0 {
		return errSnapshot
	}
	owner, held := s.sessions.byID[sessionID]
	if status < Scheduled || status > Cancelled || held != (status == Running) {
		return errSnapshot
	}
	var ok bool
	if j.lane, ok = s.joinLane(task, queueName); !ok {
		return errSnapshot
	}
	put := s.jobs.arena.put
	j.key, j.input, j.result, j.failures = put(key), put(input), put(result), put(failures)
	slot := s.jobs.take()
	j.session = owner
	*s.jobs.at(slot) = j
	return r.place(slot, status)
}

// place puts a job where its status belongs.
func (r *Restore) place(slot uint32, status Status) error {
	s := r.s
	j := s.jobs.at(slot)
	if !s.byID.put(j.id, slot) {
		return errSnapshot // it is there twice
	}
	s.written += s.jobs.bytes(j)
	if status.Live() && j.key != 0 {
		task, key := s.lanes.all[j.lane].task, s.jobs.arena.get(j.key)
		if _, taken := s.byKeyFind(task, key); taken && !Mutant.KeyTwice {
			return errSnapshot
		}
		s.byKeyAdd(task, key, slot)
	}
	j.status = status
	s.count(j, +1)
	switch status {
	case Scheduled:
		s.push(&s.due, j.due, slot)
	case Ready:
		s.enterLane(slot)
	case Running:
		s.enterSession(slot)
	default:
		s.push(&s.ended, j.due, slot)
	}
	return nil
}

// State returns what was restored, after the last page.
func (r *Restore) State() (*State, error) {
	s := r.s
	if !r.head || r.answers > 0 || uint64(s.byID.n) != r.jobs ||
		uint64(len(s.sessions.order)) != r.sessions || uint64(len(s.clients.byID)) != r.clients {
		return nil, fmt.Errorf("%w: it is not whole", errSnapshot)
	}
	return s, nil
}
