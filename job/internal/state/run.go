package state

func (s *State) claim(r *reader, out *Outcome) error {
	session, id := r.uint(), r.uint()
	if !r.whole() {
		return ErrMalformed
	}
	owner, ok := s.sessions.byID[session]
	if !ok {
		return ErrNoSession
	}
	slot, err := s.find(id)
	if err != nil {
		return err
	}
	j := s.jobs.at(slot)
	l := &s.lanes.all[j.lane]
	q := &s.queues[l.queue]
	switch {
	case j.status != Ready:
		return ErrNotReady
	case !s.mayGive(q) || j.cell != 0 && !j.shown:
		return ErrLimited
	}
	s.touch(slot)
	s.unplace(slot)
	s.charge(l)
	q.tat = q.Rate.after(q.tat, s.now)
	j.status, j.since, j.session = Running, s.now, owner
	j.epoch++
	j.attempt++
	s.count(j, +1)
	s.enterSession(slot)
	s.begins(j)
	out.IDs = append(out.IDs, id)
	out.Epoch, out.Status = j.epoch, Running
	return nil
}

// A lease is a claimed job as its session names it.
type lease struct {
	session, job uint64
	epoch        uint32
}

func (r *reader) lease() lease {
	return lease{r.uint(), r.uint(), uint32(r.most(1<<32 - 1))}
}

// held returns the job of a lease that still counts.
func (s *State) held(l lease) (uint32, error) {
	slot, err := s.find(l.job)
	if err != nil {
		return 0, err
	}
	j := s.jobs.at(slot)
	switch {
	case Mutant.TwiceDone && j.status == Done:
		return slot, nil
	case !j.status.Live():
		return 0, ErrEnded
	case Mutant.AnyEpoch && j.status == Running:
		return slot, nil
	case j.status != Running || j.epoch != l.epoch || s.sessions.all[j.session].id != l.session:
		return 0, ErrFenced
	}
	return slot, nil
}

// Holds returns nil if a job is a session's, under an epoch, and else why not.
func (s *State) Holds(session, job uint64, epoch uint32) error {
	_, err := s.held(lease{session, job, epoch})
	return err
}

// stop ends the attempt of a job, which then is in no place. What is attached to
// the attempt is cancelled.
func (s *State) stop(slot uint32) *jobRec {
	s.touch(slot)
	s.unplace(slot)
	s.closeAttempt(slot)
	return s.jobs.at(slot)
}

func (s *State) giveBack(r *reader, out *Outcome) error {
	l := r.lease()
	if !r.whole() {
		return ErrMalformed
	}
	slot, err := s.held(l)
	if err != nil {
		return err
	}
	j := s.stop(slot)
	j.attempt--
	switch {
	case j.cancel:
		out.Status = Cancelled
		s.end(slot, Cancelled, j.cause, nil)
	case j.late(s.now):
		out.Status = Dead
		s.expire(slot)
	default:
		out.Status = Ready
		s.ready(slot, s.now)
	}
	return nil
}

func (s *State) complete(r *reader, out *Outcome) error {
	l, result := r.lease(), r.bytes(MaxPayload)
	if !r.whole() {
		return ErrMalformed
	}
	slot, err := s.held(l)
	if err != nil {
		return err
	}
	s.stop(slot)
	s.end(slot, Done, CauseNone, result)
	out.Status = Done
	return nil
}

func (s *State) failed(r *reader, out *Outcome) error {
	l, permanent, after := r.lease(), r.bool(), r.int()
	text, detail := r.bytes(MaxError), r.bytes(MaxDetail)
	if !r.whole() || after < -1 || after > MaxDelay {
		return ErrMalformed
	}
	slot, err := s.held(l)
	if err != nil {
		return err
	}
	j := s.stop(slot)
	s.note(j, text)
	if len(detail) == 0 {
		detail = nil
	}
	if after < 0 {
		after = backoff(j)
	}
	switch {
	case j.cancel && detail != nil:
		out.Status = Cancelled
		s.end(slot, Cancelled, CauseFailed, detail)
	case j.cancel:
		out.Status = Cancelled
		s.end(slot, Cancelled, j.cause, nil)
	case permanent || j.attempt >= j.attempts || j.late(s.now+after):
		out.Status = Dead
		s.end(slot, Dead, CauseFailed, detail)
	case Mutant.LosesJob:
		s.closeJob(slot)
		s.unlink(slot)
		s.freeKey(slot)
		s.forget(slot)
	default:
		out.Status = s.again(slot, after)
	}
	return nil
}

// again lets a job, which is in no place, wait for its next attempt.
func (s *State) again(slot uint32, after int64) Status {
	if after == 0 {
		s.makeReady(slot, s.now)
		return Ready
	}
	s.schedule(slot, s.now+after)
	return Scheduled
}

// backoff is how long a job waits after an attempt that failed: first, doubled
// for each attempt before, at most most. Up to a quarter of it is taken away, by
// the job's number and epoch, so that those that failed together do not come
// back together.
func backoff(j *jobRec) int64 {
	d := j.first
	for n := uint16(1); n < j.attempt && d < j.most; n++ {
		d *= 2
	}
	d = min(d, j.most)
	return d - d/4*int64(mix(j.id<<16^uint64(j.epoch))&1023)/1023
}

// mix is the finalizer of SplitMix64 (Steele et al., OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// mostFailures is how many attempts that failed are kept with a job.
const mostFailures = 8

// note adds an attempt that failed, for the reason that text tells.
func (s *State) note(j *jobRec, text []byte) {
	old := s.jobs.arena.get(j.failures)
	kept := old
	for n := countFailures(old); n >= mostFailures; n-- {
		kept = skipFailure(kept)
	}
	b := append(s.scratch[:0], kept...)
	b = putUint(b, uint64(j.epoch))
	b = putInt(b, s.now)
	b = putBytes(b, text)
	s.written += int64(len(b) - len(old))
	s.jobs.arena.drop(j.failures)
	j.failures = s.jobs.arena.put(b)
	s.scratch = b
}

func (r *reader) failure() Attempt {
	return Attempt{uint32(r.most(1<<32 - 1)), r.int(), string(r.bytes(MaxError))}
}

func skipFailure(b []byte) []byte {
	r := reader{b: b}
	r.uint()
	r.uint()
	r.bytes(MaxError)
	return r.b
}

func countFailures(b []byte) (n int) {
	for ; len(b) > 0; n++ {
		b = skipFailure(b)
	}
	return n
}

func (s *State) cancel(r *reader, out *Outcome) error {
	id, cause := r.uint(), r.bytes(MaxDetail)
	if !r.whole() {
		return ErrMalformed
	}
	slot, err := s.find(id)
	if err != nil {
		return err
	}
	if len(cause) == 0 {
		cause = nil
	}
	j := s.jobs.at(slot)
	out.Status = j.status
	switch {
	case !j.status.Live():
		return ErrEnded
	case j.status == Running:
		if !j.cancel {
			s.cancelRunning(slot, CauseAsked, cause)
		}
		return nil
	case Mutant.CancelKeepsReady && j.status == Ready:
		out.Status = Cancelled
		return nil
	}
	s.touch(slot)
	s.unplace(slot)
	s.setResult(j, cause)
	s.end(slot, Cancelled, CauseAsked, nil)
	out.Status = Cancelled
	return nil
}

// cancelRunning lets a job, which is Running, not be tried again, and cancels what
// it has begun.
func (s *State) cancelRunning(slot uint32, cause Cause, why []byte) {
	s.touch(slot)
	j := s.jobs.at(slot)
	j.cancel, j.cause = true, cause
	s.setResult(j, why)
	if s.feed {
		s.notes = append(s.notes, Note{Kind: NoteCancelling, Job: j.id, Session: s.sessions.all[j.session].id, Epoch: j.epoch})
	}
	if !Mutant.CancelStops {
		s.doomChildren(slot)
	}
}

func (s *State) revive(r *reader, out *Outcome) error {
	id := r.uint()
	if !r.whole() {
		return ErrMalformed
	}
	slot, err := s.find(id)
	if err != nil {
		return err
	}
	j := s.jobs.at(slot)
	if j.status != Dead {
		return ErrNotDead
	}
	parent, ok := s.mayLiveAgain(j)
	if !ok {
		return ErrScope
	}
	task, key := s.lanes.all[j.lane].task, s.jobs.arena.get(j.key)
	holder, taken := uint32(0), false
	if len(key) > 0 {
		if holder, taken = s.byKeyFind(task, j.parent, key); taken && holder != slot {
			return ErrKeyTaken
		}
	}
	if full := s.room(s.lanes.all[j.lane].queue, true, 1, s.liveBytes(j)); full != nil {
		return full
	}
	s.touch(slot)
	s.unplace(slot)
	j.attempt, j.cause = 0, CauseNone
	s.setResult(j, nil)
	if len(key) > 0 && !taken {
		s.byKeyAdd(task, j.parent, key, slot)
	}
	if j.late(s.now) {
		j.deadline = 0 // somebody wants it all the same
	}
	s.addDeadline(j)
	if parent != 0 {
		s.linkParent(slot, parent)
	}
	s.makeReady(slot, s.now)
	out.Status = Ready
	return nil
}
