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
	if j.status != Ready {
		return ErrNotReady
	}
	s.touch(slot)
	s.unplace(slot)
	j.status, j.since, j.session = Running, s.now, owner
	j.epoch++
	j.attempt++
	s.count(j, +1)
	s.enterSession(slot)
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

func (s *State) giveBack(r *reader, out *Outcome) error {
	l := r.lease()
	if !r.whole() {
		return ErrMalformed
	}
	slot, err := s.held(l)
	if err != nil {
		return err
	}
	s.touch(slot)
	s.unplace(slot)
	j := s.jobs.at(slot)
	j.attempt--
	if j.cancel {
		s.end(slot, Cancelled)
		out.Status = Cancelled
		return nil
	}
	s.ready(slot, s.now)
	out.Status = Ready
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
	s.touch(slot)
	s.unplace(slot)
	j := s.jobs.at(slot)
	if j.keep > 0 {
		s.jobs.arena.drop(j.result)
		j.result = s.jobs.arena.put(result)
		s.written += int64(len(result))
	}
	s.end(slot, Done)
	out.Status = Done
	return nil
}

func (s *State) failed(r *reader, out *Outcome) error {
	l, permanent, after, text := r.lease(), r.bool(), r.int(), r.bytes(MaxError)
	if !r.whole() || after < -1 || after > MaxDelay {
		return ErrMalformed
	}
	slot, err := s.held(l)
	if err != nil {
		return err
	}
	s.touch(slot)
	s.unplace(slot)
	j := s.jobs.at(slot)
	s.note(j, text)
	switch {
	case j.cancel:
		out.Status = Cancelled
	case permanent || j.attempt >= j.attempts:
		out.Status = Dead
	case Mutant.LosesJob:
		s.freeKey(slot)
		s.forget(slot)
		return nil
	default:
		out.Status = s.again(slot, after)
		return nil
	}
	s.end(slot, out.Status)
	return nil
}

// again lets a job, which is in no place, wait for its next attempt.
func (s *State) again(slot uint32, after int64) Status {
	j := s.jobs.at(slot)
	if after < 0 {
		after = backoff(j)
	}
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

// named reads the number of a job, which is all there is.
func (s *State) named(r *reader) (uint32, error) {
	id := r.uint()
	if !r.whole() {
		return 0, ErrMalformed
	}
	return s.find(id)
}

func (s *State) cancel(r *reader, out *Outcome) error {
	slot, err := s.named(r)
	if err != nil {
		return err
	}
	j := s.jobs.at(slot)
	out.Status = j.status
	switch {
	case !j.status.Live():
		return ErrEnded
	case j.status == Running:
		s.touch(slot)
		j.cancel = true
		return nil
	case Mutant.CancelKeepsReady && j.status == Ready:
		out.Status = Cancelled
		return nil
	}
	s.touch(slot)
	s.unplace(slot)
	s.end(slot, Cancelled)
	out.Status = Cancelled
	return nil
}

func (s *State) revive(r *reader, out *Outcome) error {
	slot, err := s.named(r)
	if err != nil {
		return err
	}
	j := s.jobs.at(slot)
	if j.status != Dead {
		return ErrNotDead
	}
	task, key := s.lanes.all[j.lane].task, s.jobs.arena.get(j.key)
	if _, taken := s.byKeyFind(task, key); len(key) > 0 && taken {
		return ErrKeyTaken
	}
	if full := s.room(s.lanes.all[j.lane].queue, true, 1, s.liveBytes(j)); full != nil {
		return full
	}
	s.touch(slot)
	s.unplace(slot)
	j.attempt = 0
	if len(key) > 0 {
		s.byKeyAdd(task, key, slot)
	}
	s.makeReady(slot, s.now)
	out.Status = Ready
	return nil
}
