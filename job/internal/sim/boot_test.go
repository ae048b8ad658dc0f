package sim_test

import (
	"errors"
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
)

// boot starts another owner, which takes the log over. Each is a new incarnation.
func (w *world) boot(after int64) {
	w.after(after, func() {
		n := len(w.shells)
		s := &shell{w: w, n: n, d: newDice(w.seed, 1e6+n), born: w.now, jumped: -hour, heard: make(map[uint64]hearing), attached: make(map[uint64]*delivery), told: make(map[lease]bool), newest: make(map[*remote]int)}
		if s.d.one(3) && !w.over {
			s.skew = s.d.between(-500e3, 500e3)
			s.ppm = s.d.between(-mostDrift, mostDrift)
		}
		s.core = owner.New(s.config())
		w.shells = append(w.shells, s)
		w.note("%v starts, its calendar is %d µs ahead", s, s.skew)
		s.reread()
	})
}

// reread reads the log from its beginning, and again if that was trimmed
// meanwhile.
func (s *shell) reread() {
	w := s.w
	s.later(w.common.between(50, 2000), func() {
		first, err := w.disk.bounds()
		s.later(w.common.between(50, 2000), func() {
			if err != nil {
				s.later(100e3, s.reread)
				return
			}
			s.core.Start(first)
			if first > 1 {
				w.tally[restores]++
			}
			s.readOn(first)
		})
	})
}

// readOn replays what there is from a record on, and takes the log over.
func (s *shell) readOn(from uint64) {
	w := s.w
	last, err := w.disk.read(from)
	switch {
	case errors.Is(err, owner.ErrTrimmed):
		s.later(100e3, s.reread)
		return
	case errors.Is(err, owner.ErrDamaged):
		w.breaks(sameReplay, "%v reads from record %d of a log that ends with %d", s, from, w.disk.last())
		return
	case err != nil:
		s.later(100e3, func() { s.readOn(from) })
		return
	}
	for seq := from; seq <= last; seq++ {
		rec := w.disk.all[seq-1].rec
		if err := s.core.Replay(seq, rec); err != nil {
			w.breaks(sameReplay, "%v cannot read the log, which begins with record %d: %v", s, w.disk.first, err)
			return
		}
		if h, _, err := record.Open(rec); err == nil {
			s.ahead = max(s.ahead, h.Now)
		}
	}
	now := s.time()
	s.most.call(now.Mono)
	next, err := s.core.TakeOver(now)
	var damage *owner.DamageError
	if errors.As(err, &damage) && last < w.disk.last() {
		s.later(100e3, s.reread) // it did not see the end of the snapshot
		return
	}
	if err != nil {
		w.breaks(sameReplay, "%v cannot take over the log, whose records are %d to %d: %v", s, w.disk.first, last, err)
		return
	}
	s.checkDraft(next.Rec)
	s.carryOut(next)
}

// die ends the shell at once.
func (s *shell) die(d *dice) {
	s.w.note("%v crashes", s)
	s.w.tally[crashes]++
	s.dead, s.buried = true, d.one(2)
	s.owns = false
	s.w.watch()
}

// close ends it in good order: everybody is told.
func (s *shell) close() {
	s.w.note("%v is closed", s)
	s.core.End(errClosed)
	s.owns = false
	s.release()
	s.dead = true
	if len(s.open) > 0 {
		s.w.breaks(progress, "%v is closed and has not answered %v", s, s.open[0])
	}
	s.w.watch()
}

var errClosed = errors.New("sim: the owner is closed")

// pause stops it for a while, in the middle of whatever it does.
func (s *shell) pause(d int64) {
	if s.paused {
		return
	}
	s.w.note("%v stands still for %d µs", s, d)
	s.w.tally[pauses]++
	s.paused = true
	s.w.after(d, s.resume)
}

func (s *shell) resume() {
	if !s.paused || s.dead {
		return
	}
	s.w.note("%v goes on", s)
	s.paused = false
	s.idleSince, s.idleWall = s.w.now, s.time().Wall
	all := s.deferred
	s.deferred = nil
	for _, do := range all {
		s.hear(do)
	}
}

// jump sets its calendar.
func (s *shell) jump(by int64) {
	s.w.note("the calendar of %v jumps by %d µs", s, by)
	s.w.tally[jumps]++
	s.skew += by
	s.idleWall += by
	s.jumped = s.w.now
}

// watch sees to it that there is an owner: a supervisor that is not in a hurry.
func (w *world) watch() {
	for _, s := range w.shells {
		if !s.dead {
			return
		}
	}
	w.boot(w.common.below(2e6))
}

// seclude lets nobody find the owners there are, if there will be another, and who
// waits there goes away. Who is connected to one stays so.
func (w *world) seclude(d *dice) {
	if d.one(3) {
		return
	}
	for _, s := range w.shells {
		s.secluded = true
		for _, v := range slices.Clone(s.open) {
			if v.op.from == nil {
				w.giveUp(v.op)
				w.drop(v.op)
			}
		}
	}
}

// someOwner is one that lives, most often the newest.
func (w *world) someOwner(d *dice) *shell {
	for i := len(w.shells) - 1; i >= 0; i-- {
		if s := w.shells[i]; !s.dead && !s.secluded && (i == 0 || d.percent(80)) {
			return s
		}
	}
	return nil
}

// current is the owner of the highest term, or nil.
func (w *world) current() *shell {
	var best *shell
	var term uint64
	for _, s := range w.shells {
		if s.dead || !s.owns {
			continue
		}
		if t := s.core.Figures().Term; t > term {
			best, term = s, t
		}
	}
	return best
}
