package state

// A wakes is a heap of when something is to be looked at. What has no need of it
// any more stays until its time has come: whoever takes one off looks whether
// there is.
type wakes[T interface{ Before(T) bool }] []T

// timers are of things that have numbers.
type timers = wakes[timer]

type timer struct {
	at int64
	id uint64
}

// Before orders timers by time, then by number.
func (t timer) Before(u timer) bool { return t.at < u.at || t.at == u.at && t.id < u.id }

func (h *wakes[T]) push(t T) {
	*h = append(*h, t)
	h.up(len(*h) - 1)
}

func (h *wakes[T]) pop() T {
	a := *h
	first, last := a[0], len(a)-1
	a[0] = a[last]
	*h = a[:last]
	h.down(0)
	return first
}

func (h wakes[T]) up(i int) {
	for ; i > 0 && h[i].Before(h[(i-1)/2]); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (h wakes[T]) down(i int) {
	for {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		if least+1 < len(h) && h[least+1].Before(h[least]) {
			least++
		}
		if !h[least].Before(h[i]) {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// keep leaves those that f says, which must not depend on their order.
func (h *wakes[T]) keep(f func(T) bool) {
	kept := (*h)[:0]
	for _, t := range *h {
		if f(t) {
			kept = append(kept, t)
		}
	}
	clear((*h)[len(kept):])
	*h = kept
	for i := len(kept)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

// addDeadline lets a job, if it has a deadline, end then, unless somebody works on
// it.
func (s *State) addDeadline(j *jobRec) {
	if j.deadline == 0 {
		return
	}
	if len(s.deadlines) > 2*s.timed+64 { // before j is among them, which is not live yet
		s.deadlines.keep(func(t timer) bool {
			slot, err := s.find(t.id)
			return err == nil && s.jobs.at(slot).status.Live() && s.jobs.at(slot).deadline == t.at
		})
	}
	s.deadlines.push(timer{j.deadline, j.id})
	s.timed++
}

// dropDeadline is for a job that ends.
func (s *State) dropDeadline(j *jobRec) {
	if j.deadline > 0 {
		s.timed--
	}
}

// passDeadlines ends all jobs whose deadline has come: none of them is begun any
// more. One that is Running is its worker's to end: when its attempt ends it gets no
// other.
func (s *State) passDeadlines() {
	for !Mutant.DeadlineIgnored && len(s.deadlines) > 0 && s.deadlines[0].at <= s.now {
		t := s.deadlines.pop()
		slot, err := s.find(t.id)
		if err != nil {
			continue
		}
		// One that was refused has left its timer, and another may have its number.
		if j := s.jobs.at(slot); j.deadline == t.at && (j.status == Scheduled || j.status == Ready) {
			s.touch(slot)
			s.unplace(slot)
			s.expire(slot)
		}
	}
	s.cascade()
}

// expire ends a job, which is in no place, for its deadline has passed.
func (s *State) expire(slot uint32) {
	s.note(s.jobs.at(slot), []byte(deadlineText))
	s.end(slot, Dead, CauseDeadline, nil)
}

// deadlineText is the failure of a job that nobody has begun with in time.
const deadlineText = "the job's deadline passed before an attempt could begin"

// late reports whether an attempt that begins at a time begins too late.
func (j *jobRec) late(at int64) bool {
	return j.deadline > 0 && at >= j.deadline && !Mutant.DeadlineIgnored
}
