package sim_test

import (
	"errors"
	"fmt"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
)

// A shell drives a Core over the disk, as package job does, but in steps.
type shell struct {
	w    *world
	n    int
	core *owner.Core
	d    *dice

	born  int64 // when it began
	skew  int64 // of its calendar
	ppm   int64 // by how many millionths its clocks are fast
	ahead int64 // its core's time, or more
	asked int64 // when it was last asked for the time, by the clock that does not jump

	owns     bool // its takeover has landed, and it has not ended
	busy     bool // something is under way with the log
	poked    bool // Decide is about to be called
	secluded bool // nobody finds it
	dead     bool // it has crashed, was closed or has ended
	buried   bool // what it has sent and has not arrived died with it
	paused   bool
	deferred []func() // what it hears when it wakes up
	wakes    int      // timers that were set; only the last counts

	idleSince int64 // while owning and not busy
	idleWall  int64 // by its calendar
	most      wake  // as which times it may be taken to have been awake, and
	least     wake  // must be
	took      hearing
	attached  map[uint64]*delivery // how a session was last
	heard     map[uint64]hearing   // remote sessions
	newest    map[*remote]int      // connections
	told      map[lease]bool       // those whose sessions know that they are to end
	jumped    int64                // the last time that its calendar did
	sent      []byte
	open      []*delivery // those it has not answered
	arrivals  int
	held      *delivery // see shellMutant
	nagged    bool
}

func (s *shell) String() string { return fmt.Sprintf("owner %c", 'A'+s.n%26) }

// time is what its clocks say. ahead follows the rules of the core's own clock: it
// is never behind that.
func (s *shell) time() owner.Time {
	t := owner.Time{Wall: base + s.born + s.skew + s.age(), Mono: int64(s.n)*1e6 + s.age()}
	s.ahead = max(s.ahead+(t.Mono-s.asked+1)/2, t.Wall)
	s.asked = t.Mono
	return t
}

// age is how long its clock says that it has been there.
func (s *shell) age() int64 {
	d := s.w.now - s.born
	return d + d*s.ppm/1e6
}

// real is how long that takes which by its clock takes d.
func (s *shell) real(d int64) int64 { return d * 1e6 / (1e6 + s.ppm) }

// hear lets the shell learn of something: when it wakes up if it is asleep, and
// never if it is dead.
func (s *shell) hear(do func()) {
	switch {
	case s.dead:
	case s.paused:
		s.deferred = append(s.deferred, do)
	default:
		do()
	}
}

// poke lets the core decide, after what arrives at once has arrived.
func (s *shell) poke() {
	if !s.owns || s.busy || s.poked || s.dead {
		return
	}
	s.poked = true
	s.w.after(s.w.common.below(60), func() { s.hear(s.decide) })
}

func (s *shell) decide() {
	s.poked = false
	if s.busy || !s.owns {
		return
	}
	s.checkTimers()
	s.core.Low(s.w.disk.low())
	s.core.Left(s.w.disk.left())
	now := s.time()
	s.most.call(now.Mono)
	s.least.call(now.Mono)
	next := s.core.Decide(now)
	if next.Do == owner.Append {
		s.checkDraft(next.Rec)
	}
	s.carryOut(next)
}

// carryOut does what next says.
func (s *shell) carryOut(next owner.Next) {
	w := s.w
	if next.Trim > 0 {
		w.disk.trim(next.Trim)
	}
	pause := next.Pause.Microseconds()
	switch next.Do {
	case owner.Append:
		s.busy = true
		rec := s.clone(next.Rec)
		if pause > 0 {
			w.tally[resends]++
		}
		s.later(pause, func() {
			w.disk.append(s, next.After, rec, func(err error) {
				now := s.time()
				s.most.call(now.Mono)
				s.carryOut(s.core.Appended(now, err))
			})
		})
	case owner.Look:
		s.busy = true
		s.later(pause, func() {
			w.disk.look(s, next.After+1, func(rec []byte, err error) {
				now := s.time()
				s.most.call(now.Mono)
				s.carryOut(s.core.Looked(now, rec, err))
			})
		})
	case owner.ReadOn:
		s.later(pause+w.common.between(50, 3000), func() { s.readOn(next.After + 1) })
	case owner.Idle:
		s.idle(next)
	case owner.Ended:
		s.ended(next.Err)
	}
	s.release()
	if next.Do == owner.Idle && s.busy {
		s.busy = false
		s.poke()
	}
}

// idle is when nothing is under way with the log any more.
func (s *shell) idle(next owner.Next) {
	w := s.w
	if !s.owns {
		s.owns = true
		s.took = hearing{most: s.most.sum, least: s.least.at(s.time().Mono)}
		w.tally[takeovers]++
		w.note("%v has taken over, term %d", s, s.core.Figures().Term)
	}
	if s.busy {
		w.landed = max(w.landed, s.core.Last())
	}
	s.idleSince, s.idleWall = w.now, s.time().Wall
	s.wakes++
	if w.mutant.restless {
		s.nag()
	}
	if next.Sleeps() || w.mutant.deaf {
		return
	}
	n, wait := s.wakes, next.WakeIn(s.time()).Microseconds()
	if w.mutant.drowsy && wait > 0 {
		wait += 200e3
	}
	w.after(s.real(wait), func() {
		if n == s.wakes {
			s.hear(s.poke)
		}
	})
}

// later does something after a pause, if the shell lives.
func (s *shell) later(pause int64, do func()) {
	s.w.after(pause, func() { s.hear(do) })
}

// ended is when the core can no more.
func (s *shell) ended(err error) {
	s.w.note("%v has ended: %v", s, err)
	s.owns, s.busy = false, false
	switch {
	case errors.Is(err, owner.ErrDeposed):
		s.w.tally[depositions]++
	default:
		s.w.breaks(progress, "%v has ended: %v", s, err)
	}
	s.release()
	s.dead = true
	if n := len(s.open); n > 0 {
		s.w.breaks(progress, "%v has ended and not answered %v", s, s.open[0])
	}
	s.w.watch()
}

// checkDraft looks at a record when it is made: its time is that of the calendar,
// or ahead of it by what the shell's clocks account for, and no more.
func (s *shell) checkDraft(rec []byte) {
	h, body, err := record.Open(rec)
	if err != nil {
		s.w.breaks(inLog, "%v makes what is no record: %v", s, err)
		return
	}
	for t, ok := body.Next(); ok; t, ok = body.Next() {
		if t[0] == tSessionEnd {
			s.checkEnd(decode(t).session)
		}
	}
	wall := s.time().Wall
	if most := max(wall, s.ahead) + 100; h.Now > most {
		s.w.breaks(onTime, "%v says that it is %d, %d µs ahead of its clocks", s, h.Now, h.Now-most)
	}
	if h.Now < wall {
		s.w.breaks(onTime, "%v says that it is %d, %d µs behind its calendar", s, h.Now, wall-h.Now)
	}
}

// checkTimers is called before the core decides: has it slept through a timer
// that somebody waits for?
func (s *shell) checkTimers() {
	at, ok := s.core.State().NextReady()
	if !ok || !s.waits(owner.Claim) {
		return
	}
	allowed := int64(2000)
	if s.w.now-s.jumped < 61e6 { // it is noticed within a minute
		allowed += 60e6
	}
	wall := s.time().Wall
	slept := wall - max(at, s.idleWall)
	if at <= wall && slept > allowed {
		s.w.breaks(onTime, "%v has slept through a timer for %d µs while a claim waits", s, slept)
	}
}

// waits reports whether it was given a request of a kind, before its core fell
// idle, that waits since.
func (s *shell) waits(kind owner.Op) bool {
	for _, v := range s.open {
		if v.r.Op == kind && v.r.Wait && v.added < s.idleSince && !v.dropped {
			return true
		}
	}
	return false
}
