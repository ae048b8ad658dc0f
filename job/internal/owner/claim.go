package owner

import (
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// mostAnswer is how many bytes of input a Claim is given, before the last job.
const mostAnswer = 1 << 20

// claim lets r stand in line. If there is nothing to log, there is nothing for it.
func (c *Core) claim(r *Request) {
	if !c.state.HasSession(r.Session) {
		c.refuse(r, state.ErrNoSession)
		return
	}
	c.people.filters[r.Session] = r.Filter
	c.rooms.claimed(r.Filter)
	switch {
	case !r.Wait && !c.draft.open:
		c.settle(r)
	default:
		r.place = claiming
		c.claims.push(r)
	}
}

// evict refuses the Claims of a session that has ended.
func (c *Core) evict(session uint64) {
	stay := c.claims.each()[:0]
	for _, r := range c.claims.each() {
		if r.Session == session {
			c.refuse(r, state.ErrNoSession)
		} else {
			stay = append(stay, r)
		}
	}
	c.claims.keep(stay)
	for _, r := range c.ears[session] {
		c.refuse(r, state.ErrNoSession)
	}
	delete(c.ears, session)
	c.people.forget(session)
}

// serveClaims gives ready jobs to those in line, the oldest first.
func (c *Core) serveClaims() {
	c.missed = c.missed[:0]
	all := c.claims.each()
	stay := all[:0]
	for i, r := range all {
		if !c.give(r) {
			c.more = true
			stay = append(stay, all[i:]...)
			break
		}
		if len(r.Jobs) > 0 || r.Err != nil || !r.Wait {
			c.settle(r)
		} else {
			stay = append(stay, r)
		}
	}
	c.claims.keep(stay)
}

// give claims for r what it may have. It reports false, and does nothing, if this
// record has no space.
func (c *Core) give(r *Request) bool {
	bytes := 0
	for len(r.Jobs) < max(r.Most, 1) && bytes < mostAnswer {
		job, ok := c.pick(r.Filter)
		if !ok {
			break
		}
		c.t = state.AppendClaim(c.t[:0], r.Session, job)
		if !c.draft.fits(len(c.t)) {
			return len(r.Jobs) > 0
		}
		if r.Err = c.apply(); r.Err != nil {
			break
		}
		r.trace = drafted
		info, err := c.state.Job(job)
		if err != nil {
			panic("owner: a job that was claimed just now: " + err.Error())
		}
		if r.Jobs == nil {
			r.Jobs = make([]state.Info, 0, min(max(r.Most, 1), int(c.state.Counts().Ready)+1, 64))
		}
		r.Jobs = append(r.Jobs, info)
		bytes += len(info.Input)
	}
	return true
}

// pick is [state.State.Pick], but asks only once for the last few filters that
// nothing matched: those who wait are many, and their filters few. While claims
// are served no job becomes ready.
func (c *Core) pick(f state.Filter) (job uint64, ok bool) {
	if c.state.Counts().Ready == 0 {
		return 0, false
	}
	for i := range c.missed {
		if m := &c.missed[i]; sameNames(m.Tasks, f.Tasks) && sameNames(m.Queues, f.Queues) {
			return 0, false
		}
	}
	if job, ok = c.state.Pick(f); !ok {
		if len(c.missed) == 8 {
			c.missed = c.missed[:0]
		}
		c.missed = append(c.missed, f)
	}
	return job, ok
}

// sameNames tells nil, which is all, from an empty list.
func sameNames(a, b []string) bool {
	return (a == nil) == (b == nil) && slices.Equal(a, b)
}
