package sim_test

import (
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// How long an owner was awake, and what it has heard of remote sessions meanwhile.

// mostDrift is how many millionths a clock is fast or slow by, at most.
const mostDrift = 30_000

// A wake counts the time between an owner's calls in which it was awake: of each
// pause two seconds at most.
type wake struct {
	last, sum int64
	began     bool
}

func (a *wake) at(mono int64) int64 {
	if !a.began {
		return a.sum
	}
	return a.sum + min(max(mono-a.last, 0), 2e6)
}

func (a *wake) call(mono int64) { a.sum, a.last, a.began = a.at(mono), mono, true }

// A hearing is when a session was heard of, in time awake.
type hearing struct{ most, least int64 }

// last is when a session was heard of last, if only by taking over.
func (s *shell) last(session uint64) hearing {
	h, ok := s.heard[session]
	if !ok {
		return s.took
	}
	return h
}

// checkEnd is called when an owner ends a remote session by itself: it has not
// heard of it for as long as it may take.
func (s *shell) checkEnd(session uint64) {
	if s.w.asked[session] {
		return
	}
	s.w.tally[silentEnds]++
	silent := s.most.at(s.time().Mono) - s.last(session).most
	if silent < owner.SessionTTL {
		s.w.breaks(heard, "%v ends session %d, of which it has heard %d µs ago", s, session, silent)
	}
}

// checkReturned is for an owner that is idle: what a session was given before it
// attached itself, and had not, is not its any more.
func (s *shell) checkReturned(m *model) {
	for _, j := range m.jobs {
		v := s.attached[j.session]
		if j.status != state.Running || v == nil {
			continue
		}
		l := owner.Lease{Job: j.id, Epoch: j.epoch}
		if since := m.lives[j.id].claimOf(j.epoch); since <= v.from && !slices.Contains(v.r.Leases, l) {
			s.w.breaks(progress, "%v has come after record %d, which claims job %d/%d for it, and it is still its", v, since, j.id, j.epoch)
		}
	}
}

// checkSilent is for an owner that is idle: it has ended those of which it has not
// heard for long.
func (s *shell) checkSilent(m *model) {
	for _, n := range m.sessions {
		if !n.remote {
			continue
		}
		if silent := s.least.sum - s.last(n.id).least; silent >= owner.SessionTTL {
			s.w.breaks(heard, "%v has not ended session %d, of which it has not heard for %d µs", s, n.id, silent)
		}
	}
}
