package owner

import "github.com/hemgo/hem/job/internal/state"

// Decide decides what has arrived, who of those that wait can be served now,
// which timers are due, and what of a snapshot is written: a record to append. If
// nothing of it is to be logged, it is Idle, and reads have been answered.
//
// # Panics
//
// Decide panics unless the Core owns the log and has nothing in flight.
func (c *Core) Decide(t Time) Next {
	if c.phase == ended {
		return Next{Do: Ended, Err: c.why}
	}
	c.only(owning, "Decide")
	now := c.clock.Follow(t)
	c.people.live(t)
	c.refuseLow()
	c.unstick()
	if !c.needed(now) {
		c.takeArrived()
		c.serveDrains()
		return c.idle()
	}
	if err := c.record(now); err != nil {
		return c.end(err, false)
	}
	if c.draft.n == 0 {
		// Begin has moved the state's time, and whoever replays must see the same.
		if Mutant.SkipsBegin {
			c.draft.open = false
			c.release()
			return c.idle()
		}
		c.draft.add(advance)
	}
	c.draft.finish()
	d, s := &c.draft, &c.snapshot
	c.history.grow(len(d.b), s.bytes, d.n > s.parts)
	c.flight = flight{}
	next := c.append(0)
	if Mutant.TrimEarly {
		next.Trim = c.trim()
	}
	return next
}

// record fills the draft. What arrived comes before those that wait for room, as
// it may make some, and those who claim come last.
func (c *Core) record(now int64) error {
	if at, ok := c.state.NextReady(); Mutant.EarlyTimers && ok && at > now && at < now+second {
		c.clock.raise(at)
		now = at
	}
	_, last, _ := c.chain.Last()
	c.begin(now, last.Term)
	c.more = false
	c.snapshot.bytes, c.snapshot.parts = 0, 0
	begins := c.snapshotDue()
	before := c.state.Counts()
	c.state.Begin(now)
	if after := c.state.Counts(); after.Live() < before.Live() || after.Bytes < before.Bytes {
		c.rooms.freed = true
	}
	if begins {
		c.beginSnapshot()
	}
	if err := c.set(); err != nil || len(c.settings) > 0 {
		return err
	}
	c.endSilent()
	c.takeBack()
	paged := c.snapshot.first
	if paged {
		c.pages()
	}
	c.heed() // of Begin
	c.serveRooms()
	c.takeArrived()
	c.serveRooms()
	c.serveTicks(now)
	c.serveClaims()
	c.serveDrains()
	if !paged {
		c.pages()
	}
	return nil
}

// takeArrived decides what has arrived, as far as there is space.
func (c *Core) takeArrived() {
	for c.arrived.len() > 0 {
		r := c.arrived.front()
		if !c.decide(r) {
			return
		}
		c.arrived.pop()
	}
}

// decide settles r or lets it wait. It reports false, and does nothing, if this
// record has no space for it.
func (c *Core) decide(r *Request) bool {
	if c.tied(r) {
		return true
	}
	switch r.Op {
	case Enqueue:
		return c.enqueue(r)
	case Claim:
		c.claim(r)
		return true
	case Job, Counts, View:
		c.read(r)
		return true
	case Progress:
		c.progress(r)
		return true
	case Report:
		c.takeReport(r)
		return true
	case Beat, Attach:
		c.beat(r)
		return true
	case Await:
		c.await(r)
		return true
	case Listen:
		c.listen(r)
		return true
	case Drained:
		c.drained(r)
		return true
	case Leave:
		c.rooms.freed = true // perhaps
		return c.leave(r)
	case Schedule:
		return c.schedule(r, c.draft.header.Now)
	}
	c.t = r.append(c.prefix(r))
	if !c.carryOut(r) {
		return false
	}
	switch {
	case r.Err == nil && (r.Op == Return || r.Op == Complete || r.Op == Fail):
		c.people.over(r.Session, r.Job, r.Epoch)
		c.rooms.freed = true // perhaps
	case r.Op == OpenSession:
		if r.Remote && r.Err == nil {
			c.people.welcome(r.IDs[0])
		}
	case r.Err != nil || r.trace == before || r.Op == OpenClient || r.Op == Revive:
	case r.Op == EndSession:
		c.evict(r.Session)
		fallthrough
	default:
		c.rooms.freed = true // perhaps
	}
	return true
}

// append appends the transition that r asks for, if it is one and always the
// same.
func (r *Request) append(t []byte) []byte {
	switch r.Op {
	case Return:
		return state.AppendReturn(t, r.Session, r.Job, r.Epoch)
	case Complete:
		return state.AppendComplete(t, r.Session, r.Job, r.Epoch, r.Result)
	case Fail:
		return state.AppendFail(t, r.Session, r.Job, r.Epoch, r.Failure)
	case Cancel:
		return state.AppendCancel(t, r.Job, r.Cause)
	case Revive:
		return state.AppendRevive(t, r.Job)
	case OpenClient:
		return state.AppendClientOpen(t)
	case OpenSession:
		return state.AppendSessionOpen(t, r.Name, r.Remote)
	case EndSession:
		return state.AppendSessionEnd(t, r.Session)
	case Pause:
		return state.AppendPause(t, r.Name, r.Paused)
	case Unschedule:
		return state.AppendUnschedule(t, r.Name)
	}
	panic("owner: no transition is for " + r.Op.String())
}

// read answers from the state, which is ahead by the draft: so it waits as well.
func (c *Core) read(r *Request) {
	switch {
	case r.Op == Job:
		info, err := c.state.Job(r.Job)
		if err == nil {
			r.Jobs = []state.Info{info}
		}
		r.Err = err
	case r.Op == View:
		r.View(c.Sight())
	case r.Name == "":
		r.Counts = c.state.Counts()
	default:
		r.Counts, r.Depth, _ = c.state.QueueCounts(r.Name)
	}
	c.settle(r)
}

// takeBack returns what was claimed by those who have gone. A job that is not
// theirs any more is nobody's mistake.
func (c *Core) takeBack() {
	for len(c.returns) > 0 {
		l := c.returns[0]
		c.t = state.AppendReturn(c.t[:0], l.session, l.job, l.epoch)
		if !c.draft.fits(len(c.t)) {
			return
		}
		if c.apply() == nil {
			c.rooms.freed = true // it may have been cancelled
		}
		c.returns = c.returns[1:]
	}
	c.returns = nil
}
