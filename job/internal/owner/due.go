package owner

// second is that, in microseconds: as long as what is due may wait if nobody
// waits for it.
const second = 1e6

// needed reports whether there is something to log. It looks at the state as it
// is: once [state.State.Begin] was called there must be a record.
func (c *Core) needed(now int64) bool {
	if c.more || len(c.settings) > 0 || len(c.returns) > 0 || c.snapshot.open != nil || c.snapshotDue() {
		return true
	}
	if due, ok := c.due(); ok && due <= now {
		return true
	}
	if len(c.people.silent()) > 0 {
		return true
	}
	for _, r := range c.arrived.each() {
		switch {
		case r.Op == Beat || r.Op == Attach:
			if c.people.unsure() {
				return true
			}
		case r.Op != Claim && !r.Op.logs():
		case r.Op == Claim:
			if _, ok := c.state.Pick(r.Filter); ok {
				return true
			}
			if at, ok := c.state.NextReady(); ok && at <= now {
				return true
			}
			if at, ok := c.state.NextOpen(); ok && at <= now {
				return true
			}
		default:
			return true
		}
	}
	return c.rooms.freed && c.roomForSome()
}

// due is when a record is written though nothing arrives. Somebody who waits for
// a job has it on time. Otherwise what becomes due is seen to within a second,
// so that it does not pile up; and at once if a record has left some of it.
func (c *Core) due() (at int64, ok bool) {
	if c.claims.len() > 0 {
		at, ok = c.state.NextReady()
		if open, any := c.state.NextOpen(); any && (!ok || open < at) {
			at, ok = open, true
		}
	}
	if tick, any := c.tickNext(); any && (!ok || tick < at) {
		at, ok = tick, true
	}
	if next, any := c.state.NextDue(); any {
		if next > c.state.Now() {
			next = max(next, c.state.Now()+second)
		}
		if !ok || next < at {
			at, ok = next, true
		}
	}
	return at, ok
}

// wake is when to Decide at the latest.
func (c *Core) wake() int64 {
	now := max(c.clock.now, 1) // 0 would be never
	if c.arrived.len() > 0 || c.needed(now) {
		return now
	}
	if at, ok := c.due(); ok {
		return max(at, now)
	}
	return 0
}
