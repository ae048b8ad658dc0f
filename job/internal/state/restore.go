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

	turns    map[string]int64    // of queues that may be known by their jobs alone
	passes   map[[2]string]int64 // of groups, by queue and name
	gates    map[[2]string]int64 // when the next claim would be on time, by limit and key
	children []uint32            // jobs that are linked to their parents
}

// NewRestore begins one.
func NewRestore() *Restore {
	return &Restore{
		s:     New(),
		turns: make(map[string]int64), passes: make(map[[2]string]int64), gates: make(map[[2]string]int64),
	}
}

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
		return r.readQueue(u)
	case unitGroup:
		key := [2]string{string(u.some(MaxName)), string(u.bytes(MaxName))}
		pass := u.int()
		if _, twice := r.passes[key]; u.bad || twice || pass <= 0 {
			return errSnapshot
		}
		r.passes[key] = pass
		return nil
	case unitWeight:
		name, weight := string(u.bytes(MaxName)), u.most(MaxWeight)
		if u.bad || weight <= 1 || r.s.weights[name] != 0 {
			return errSnapshot
		}
		r.s.weights[name] = uint16(weight)
		return nil
	case unitLimit:
		name, l := string(u.some(MaxName)), Limit{u.int(), u.rate()}
		if u.bad || l == (Limit{}) {
			return errSnapshot
		}
		return r.s.Apply(AppendLimit(nil, name, l), nil)
	case unitGate:
		key := [2]string{string(u.some(MaxName)), string(u.bytes(MaxKey))}
		tat := u.int()
		if _, twice := r.gates[key]; u.bad || twice || tat <= r.s.now || tat > 2*MaxTime {
			return errSnapshot
		}
		r.gates[key] = tat
		return nil
	case unitSchedule:
		return r.readSchedule(u)
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
	s.limits = Limits{u.int(), u.int(), u.int(), u.int(), u.int(), u.int()}
	s.nextJob, s.sessions.next, s.clients.next = u.uint(), u.uint(), u.uint()
	r.jobs, r.sessions, r.clients = u.uint(), u.uint(), u.uint()
	r.head = true
	if u.bad || !s.limits.sane() || s.nextJob == 0 || s.sessions.next == 0 || s.clients.next == 0 || s.now < 0 || s.now > MaxTime {
		return errSnapshot
	}
	return nil
}

func (r *Restore) readQueue(u *reader) error {
	name, set := u.some(MaxName), Queue{Depth: u.int(), Running: u.int(), Rate: u.rate()}
	paused, tat, turn := u.bool(), u.int(), u.int()
	if _, twice := r.turns[string(name)]; u.bad || twice || tat < 0 || tat > 2*MaxTime || turn < 0 || set.Depth < 0 || set.Running < 0 {
		return errSnapshot
	}
	r.turns[string(name)] = turn
	if !paused && set == (Queue{}) {
		return nil
	}
	return r.s.say(name, func(q *queue) { q.Queue, q.paused, q.tat = set, paused, tat })
}

func (r *Restore) readSchedule(u *reader) error {
	name := string(u.some(MaxName))
	c := &schedule{rule: string(u.bytes(MaxRule)), next: u.int(), last: u.int(), job: u.uint()}
	c.spec = clone(u.b)
	u.spec()
	if u.bad || r.s.schedules[name] != nil || c.next < 0 || c.last < 0 {
		return errSnapshot
	}
	r.s.schedules[name] = c
	r.s.tickAt(name, c)
	return nil
}

func (r *Restore) readSession(u *reader) error {
	n := session{id: u.uint(), name: string(u.bytes(MaxName)), remote: u.bool(), opened: u.int()}
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
	task, queueName, groupName := u.some(MaxName), u.some(MaxName), u.bytes(MaxName)
	kind, cause := jobKind(u.byte()), Cause(u.byte())
	cancel, linked, priority := u.bool(), u.bool(), u.int()
	j := jobRec{
		id: id, kind: kind, cause: cause, cancel: cancel, priority: int8(priority), saved: s.round,
		attempt: uint16(u.most(MaxAttempts)), attempts: uint16(u.most(MaxAttempts)), epoch: uint32(u.most(1<<32 - 1)),
		entered: u.int(), since: u.int(), due: u.int(), score: u.int(),
		first: u.int(), most: u.int(), keep: u.int(), bury: u.int(), timeout: u.int(), deadline: u.int(),
	}
	sessionID, scopeID := u.uint(), u.uint()
	j.parent, j.parentEpoch = u.uint(), uint32(u.most(1<<32-1))
	limit, limitKey := u.bytes(MaxName), u.bytes(MaxKey)
	key, input := u.bytes(MaxKey), u.bytes(MaxPayload)
	result, failures := u.bytes(MaxPayload), u.bytes(mostFailures*(MaxError+32))
	more := u.bytes(maxExtra)
	owner, held := s.sessions.byID[sessionID]
	scope, scoped := s.sessions.byID[scopeID]
	switch {
	case u.bad, id == 0 || id >= s.nextJob, priority < -MaxPriority || priority > MaxPriority,
		j.attempts == 0, kind > hasKind, cause >= causes, status < Scheduled || status > Cancelled,
		held != (status == Running), scoped != (linked && j.parent == 0), scopeID != 0 && !scoped, scoped && !status.Live(),
		!status.Live() && (j.due == 0) != (linked && status == Done), j.parent >= id,
		(status == Scheduled || status == Ready) && j.late(s.now),
		len(more) > 0 && !validExtra(more):
		return errSnapshot
	}
	var ok bool
	if j.lane, ok = s.joinLane(task, queueName, groupName); !ok {
		return errSnapshot
	}
	if len(limit) > 0 {
		if j.cell, ok = s.joinCell(j.lane, limit, limitKey); !ok {
			return errSnapshot
		}
	}
	put := s.jobs.arena.put
	j.key, j.input, j.result, j.failures, j.extra = put(key), put(input), put(result), put(failures), put(more)
	j.tagged = len(more) > 0 && more[0] > 0
	slot := s.jobs.take()
	j.session = owner
	*s.jobs.at(slot) = j
	return r.place(slot, status, scope, linked)
}

// place puts a job where its status belongs. What belongs to a parent is linked
// when all are there.
func (r *Restore) place(slot uint32, status Status, scope uint32, linked bool) error {
	s := r.s
	j := s.jobs.at(slot)
	if !s.byID.put(j.id, slot) {
		return errSnapshot // it is there twice
	}
	s.written += s.jobs.bytes(j)
	if j.key != 0 && j.kind.unique(status) {
		task, key := s.lanes.all[j.lane].task, s.jobs.arena.get(j.key)
		if _, taken := s.byKeyFind(task, j.parent, key); taken && !Mutant.KeyTwice {
			return errSnapshot
		}
		s.byKeyAdd(task, j.parent, key, slot)
	}
	j.status = status
	s.count(j, +1)
	if status.Live() {
		s.addDeadline(j)
	}
	switch {
	case linked && j.parent != 0:
		r.children = append(r.children, slot)
	case linked:
		s.linkSession(slot, scope)
	}
	switch status {
	case Scheduled:
		s.push(&s.due, j.due, slot)
	case Ready:
		s.enterLane(slot)
	case Running:
		s.enterSession(slot)
		if j.cell != 0 && !Mutant.LimitIgnored {
			s.limiting.gates[s.limiting.cells[j.cell].gate].running++
		}
	default:
		if j.due > 0 {
			s.bury(slot)
		}
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
	for _, slot := range r.children {
		if !r.linkChild(slot) {
			return nil, fmt.Errorf("%w: job %d belongs to no parent", errSnapshot, s.jobs.at(slot).id)
		}
	}
	if !r.shares() || !r.rates() {
		return nil, fmt.Errorf("%w: it tells of a queue, a group or a limit that there is not", errSnapshot)
	}
	return s, nil
}

// linkChild links a job to its parent. It is false if that cannot be (T5).
func (r *Restore) linkChild(slot uint32) bool {
	s := r.s
	j := s.jobs.at(slot)
	parent, err := s.find(j.parent)
	if err != nil || parent == slot {
		return false
	}
	p := s.jobs.at(parent)
	if !p.status.Live() || j.kind.attached() && (p.status != Running || p.epoch != j.parentEpoch) || !j.status.Live() && j.status != Done {
		return false
	}
	s.count(j, -1) // its bytes count if it is linked
	s.linkParent(slot, parent)
	s.count(j, +1)
	return true
}

// shares sets what queues and groups have had.
func (r *Restore) shares() bool {
	s := r.s
	for name, turn := range r.turns {
		if id, ok := s.names.find([]byte(name)); ok && int(id) < len(s.queues) {
			s.queues[id].turn = turn
		} else if turn > 0 {
			return false
		}
	}
	for key, pass := range r.passes {
		if !r.share(key, pass) {
			return false
		}
	}
	for i := range s.queues {
		for at := len(s.queues[i].groups) / 2; at >= 0; at-- {
			if at < len(s.queues[i].groups) {
				s.groupDown(&s.queues[i], at)
			}
		}
	}
	return true
}

// share sets what one group has had, of a queue with jobs.
func (r *Restore) share(key [2]string, pass int64) bool {
	s := r.s
	q, ok := s.names.find([]byte(key[0]))
	if !ok || int(q) >= len(s.queues) || s.queues[q].all == 0 {
		return false
	}
	g, ok := s.groupNames.use([]byte(key[1]))
	if !ok {
		return false
	}
	i, ok := s.groups.index[[2]uint32{q, g}]
	if !ok {
		i = s.makeGroup(q, g)
	}
	s.groupNames.drop(g)
	s.groups.all[i].pass = pass
	if s.groups.all[i].all == 0 {
		if pass <= s.queues[q].turn {
			return false
		}
		s.rememberGroup(i)
	}
	return true
}

// rates sets when limits let jobs be claimed, and lets their cells show what they
// may.
func (r *Restore) rates() bool {
	s := r.s
	for key, tat := range r.gates {
		g, ok := s.gateFor([]byte(key[0]), []byte(key[1]))
		if !ok || s.limiting.set[s.limiting.gates[g].limit].Rate.Interval == 0 {
			return false
		}
		s.limiting.gates[g].tat = tat
	}
	for i := range s.limiting.gates {
		s.review(uint32(i))
		s.forgetGate(uint32(i))
	}
	return true
}
