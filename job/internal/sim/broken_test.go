package sim_test

import "github.com/hemgo/hem/job/internal/owner"

// A mutation is what is broken on purpose beside package state's and owner's
// switches: the log, or the shells, which then are owners that break their word.
type mutation struct {
	disk  diskMutant
	shell shellMutant
}

// A shellMutant is a way in which a shell does not do its part.
type shellMutant struct {
	deaf      bool // it does not wake up by itself
	drowsy    bool // it does so 200 ms late
	swaps     bool // of two claims that come one after the other the second goes first
	forgets   bool // one answer in twenty is not given
	restless  bool // it always finds something to write
	childless bool // no job belongs to anything: not broken, but for a mutant that could not stand it
	stubborn  bool // a worker does not stop by itself
	storms    bool // its calendar enters a job for each tick that was missed
}

// add hands a request on.
func (s *shell) add(v *delivery) {
	if s.w.mutant.swaps && v.r.Op == owner.Claim && v.r.Wait && s.held == nil {
		s.held = v
		s.later(5e6, s.addHeld)
		return
	}
	s.core.Add(&v.r)
	if v.r.Op == owner.Claim {
		s.addHeld()
	}
}

func (s *shell) addHeld() {
	if v := s.held; v != nil {
		s.held = nil
		s.core.Add(&v.r)
		s.release()
		s.poke()
	}
}

// forgets leaves out answers, if it is broken so.
func (s *shell) forgets(answered []*owner.Request) []*owner.Request {
	if s.w.mutant.forgets && len(answered) > 0 && s.d.one(20) {
		return answered[1:]
	}
	return answered
}

// nag makes it write something every second, for ever.
func (s *shell) nag() {
	if !s.nagged {
		s.nagged = true
		s.later(1e6, func() {
			s.nagged = false
			s.w.send(s.w.ask(s.d, owner.Request{Op: owner.Cancel}, nil, nil))
		})
	}
}
