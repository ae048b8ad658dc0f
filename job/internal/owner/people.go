package owner

import (
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// How long a remote session is taken to be there when nothing is heard of it, and
// what follows from that for whoever has it. In microseconds.
const (
	SessionTTL  = 10e6           // it is ended so long after it was last heard
	SessionBeat = SessionTTL / 5 // it says that it is there so often
	SessionStop = SessionTTL * 6 / 10
	// SessionStop after it has sent the last Beat that was answered, it stops
	// what it does: TTL less that is what clocks and messages may be late by.
)

// people are the sessions that something is to be known of which is not in the
// state.
//
//	P1. A remote session that was not heard for SessionTTL of time in which this
//	    Core was awake is ended, by a decision in the log.
//	P2. A Core that was stopped, or slept with its machine, counts nothing of
//	    that: then nobody could be heard.
//	P3. Who beats is answered by one that has landed a record in the last second:
//	    so an owner that was deposed, and has nothing to write, finds out, and
//	    nobody relies on it for longer than that.
type people struct {
	all     map[uint64]*person
	filters map[uint64]state.Filter // of what each session that has claimed claimed last
	base    uint64                  // numbers of what sessions are to know are above it, and above those of owners before
	lived   int64                   // microseconds that this Core was awake
	sure    int64                   // in that: when the newest record was made which has landed
	made    int64                   // in that: when the newest was made
	mono    int64                   // as of that
	began   bool
	remotes int   // how many of all are
	check   int64 // in lived: before that nobody is silent
}

type person struct {
	remote  bool
	heard   int64 // in lived
	seq     uint64
	cancels []Cancelled // that it has not said to have seen
}

func (p *people) init() {
	p.all, p.filters = make(map[uint64]*person), make(map[uint64]state.Filter)
}

// mostNap is the longest time between two calls that counts as awake. While there
// are remote sessions the shell calls at least so often. So it does for [Core.unstick].
const mostNap = second

// live counts the time up to t.
func (p *people) live(t Time) {
	if nap := t.Mono - p.mono; p.began && nap > 0 {
		if !Mutant.DiesAsleep {
			nap = min(nap, 2*mostNap)
		}
		p.lived += nap
	}
	p.mono, p.began = t.Mono, true
}

func (p *people) of(session uint64) *person {
	have := p.all[session]
	if have == nil {
		have = &person{seq: p.base}
		p.all[session] = have
	}
	return have
}

// over forgets what a session is to know of an attempt, which has ended.
func (p *people) over(session, job uint64, epoch uint32) {
	if s := p.all[session]; s != nil && len(s.cancels) > 0 {
		s.cancels = slices.DeleteFunc(s.cancels, func(c Cancelled) bool { return c.Job == job && c.Epoch == epoch })
	}
}

// hear notes that a session is there.
func (p *people) hear(session uint64) {
	if s := p.all[session]; s != nil {
		s.heard = p.lived
	}
}

// welcome lets a session be heard of from now on.
func (p *people) welcome(session uint64) {
	s := p.of(session)
	if !s.remote {
		p.remotes++
	}
	s.remote, s.heard = true, p.lived
	p.check = min(p.check, p.lived+SessionTTL)
}

// silent returns the sessions that were not heard for too long, by number.
func (p *people) silent() (gone []uint64) {
	if p.lived < p.check { // it is asked several times for each record
		return nil
	}
	p.check = p.lived + SessionTTL
	for id, s := range p.all {
		if !s.remote || Mutant.NobodyDies {
			continue
		}
		if p.check = min(p.check, s.heard+SessionTTL); p.lived-s.heard >= SessionTTL {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	return gone
}

// unsure reports whether it is too long ago that this Core was known to be the
// owner (P3).
func (p *people) unsure() bool { return p.lived-p.sure >= second && !Mutant.BeatsUnsure }

// remote reports whether there is a session that must be heard of.
func (p *people) remote() bool { return p.remotes > 0 }

// forget is for a session that has ended.
func (p *people) forget(session uint64) {
	if s := p.all[session]; s != nil && s.remote {
		p.remotes--
	}
	delete(p.all, session)
	delete(p.filters, session)
}

// endSilent ends the sessions that are silent, as far as there is space.
func (c *Core) endSilent() {
	for _, id := range c.people.silent() {
		c.t = state.AppendSessionEnd(c.t[:0], id)
		if !c.draft.fits(len(c.t)) {
			return
		}
		if err := c.apply(); err == nil {
			c.rooms.freed = true
		}
		c.evict(id)
	}
}

// meet is for the sessions there are when this Core has taken over: each is given
// its whole time. What it has yet to know is found anew.
func (c *Core) meet() {
	_, h, _ := c.chain.Last()
	c.people.base = h.Term << 32
	for _, s := range c.state.Sessions() {
		if !s.Remote {
			continue
		}
		c.people.welcome(s.ID)
		for _, job := range c.state.Running(s.ID) {
			if i, err := c.state.Job(job); err == nil && i.Cancel {
				c.cancelling(s.ID, job, i.Epoch)
			}
		}
	}
}

// beat is [Beat] and [Attach].
func (c *Core) beat(r *Request) {
	if !c.state.HasSession(r.Session) {
		c.refuse(r, state.ErrNoSession)
		return
	}
	c.people.hear(r.Session)
	if r.Op == Attach {
		c.attach(r)
	}
	c.settle(r)
}

// attach compares what a session says to hold with what it was given. What it was
// given and has not, it never began with: that is ready again. It is told what of
// its own is not its any more.
func (c *Core) attach(r *Request) {
	holds := make(map[Lease]bool, len(r.Leases))
	for _, l := range r.Leases {
		holds[l] = true
		if c.state.Holds(r.Session, l.Job, l.Epoch) != nil {
			r.IDs = append(r.IDs, l.Job)
		}
	}
	for _, job := range c.state.Running(r.Session) {
		i, err := c.state.Job(job)
		if err == nil && !holds[Lease{job, i.Epoch}] && !Mutant.AttachKeeps {
			c.returns = append(c.returns, lease{r.Session, job, i.Epoch})
		}
	}
	for _, a := range c.claims.each() {
		if a.Session == r.Session {
			c.refuseLater = append(c.refuseLater, a)
		}
	}
	for _, a := range c.refuseLater {
		c.claims.remove(a)
		c.refuse(a, ErrDropped)
	}
	c.refuseLater = c.refuseLater[:0]
}
