package owner_test

import (
	"fmt"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// shared is what a chance's shard has of limits, so that they are often reached.
func shared(c *owner.Config) {
	c.Queues = map[string]state.Queue{
		"a": {Depth: 4}, "b": {Depth: 6, Running: 2}, "c": {Rate: state.Rate{Interval: 7e5, Burst: 2}},
	}
	c.Weights = map[string]uint16{"g": 3}
	c.Caps = map[string]state.Limit{"one": {Running: 1}, "slow": {Running: 2, Rate: state.Rate{Interval: 9e5, Burst: 1}}}
	c.Calendar = every{new(int)}
}

// dress gives a job what only some jobs have.
func (c *chance) dress(p *state.Spec) {
	if c.one(3) {
		p.Group = c.pick("g", "h")
	}
	if c.one(3) {
		p.Limit, p.LimitKey = c.pick("one", "slow", "none"), c.pick("", "k")
	}
	if c.one(6) {
		p.Deadline = c.now.Wall + 1 + c.rand.Int64N(6e6)
	}
	if p.Attempts = uint16(1 + c.rand.IntN(3)); c.one(4) {
		p.Tags = []string{"tag"}
	}
	switch {
	case c.one(6) && len(c.sessions) > 0:
		p.Session, p.Attached, p.Key = c.session(), true, ""
	case c.one(3) && len(c.leases) > 0:
		j := c.lease()
		p.Parent, p.ParentEpoch, p.Attached = j.ID, j.Epoch, p.Key == ""
	case p.Key != "":
		p.Called, p.Unique = c.one(2), state.Unique(c.rand.IntN(8))
	}
}

func (c *chance) pick(names ...string) string { return names[c.rand.IntN(len(names))] }

func (c *chance) session() uint64 {
	if len(c.sessions) == 0 {
		return 0
	}
	return c.sessions[c.rand.IntN(len(c.sessions))]
}

// lease is a job that was claimed, perhaps long ago.
func (c *chance) lease() state.Info {
	r := c.leases[max(len(c.leases)-1-c.rand.IntN(6), 0)]
	return r.Jobs[c.rand.IntN(len(r.Jobs))]
}

// job is one that there is, or was, or will be.
func (c *chance) job() uint64 {
	if n := c.core.State().Counts(); c.one(3) || len(c.leases) == 0 {
		return c.rand.Uint64N(uint64(n.Live()+n.Done) + 3)
	}
	return c.lease().ID
}

// waits is a request that may be open for long, or is about those who wait.
func (c *chance) waits() *owner.Request {
	r := &owner.Request{Job: c.job(), Session: c.session(), Name: c.pick("a", "b", "c")}
	switch r.Op = []owner.Op{
		owner.Await, owner.Await, owner.Leave, owner.Listen, owner.Drained, owner.Pause, owner.Progress, owner.Report,
		owner.Beat, owner.Beat, owner.Attach, owner.Schedule, owner.Unschedule, owner.View, owner.OpenSession,
	}[c.rand.IntN(15)]; r.Op {
	case owner.Await:
		c.dressAsker(r)
		r.Watched, r.Seen, r.Follow = c.one(2), c.rand.Uint64N(3), c.one(3)
	case owner.Leave:
		r.Follow = c.one(2)
		if c.one(3) {
			c.name(r)
		}
	case owner.Listen:
		if c.one(2) {
			r.Seen = c.seen[r.Session]
		}
	case owner.Pause:
		r.Paused = c.one(3)
	case owner.Report:
		if len(c.leases) > 0 {
			j := c.lease()
			r.Session, r.Job, r.Epoch = j.Session, j.ID, j.Epoch
		}
		r.Report = owner.Reported{Done: c.rand.Int64N(10), Said: c.one(2), Lines: []string{"line"}}
	case owner.Attach:
		for _, a := range c.leases {
			for _, j := range a.Jobs {
				if j.Session == r.Session && !c.one(4) {
					r.Leases = append(r.Leases, owner.Lease{Job: j.ID, Epoch: j.Epoch})
				}
			}
		}
	case owner.Schedule:
		s := schedule(fmt.Sprint("s", c.rand.IntN(3)), c.pick("1", "2", "-1", "once"), c.pick("a", "b", "c")).Schedule
		if c.one(2) {
			s.Spec.Key = "tick"
		}
		if c.one(5) {
			s.Rule, s.Next = "broken", c.now.Wall+1e6
		}
		if r.Schedule = s; c.one(3) {
			c.name(r)
		}
	case owner.Unschedule:
		r.Name = fmt.Sprint("s", c.rand.IntN(3))
	case owner.View:
		r.View = func(s owner.Sight) { c.look() }
	case owner.OpenSession:
		r.Name, r.Remote = "far", true
	}
	return r
}

// look holds what must be so whenever nobody is in the middle of something.
func (c *chance) look() {
	c.t.Helper()
	s := c.core.State()
	running := make(map[string]int64)
	for _, n := range s.Sessions() {
		for _, id := range s.Running(n.ID) {
			i, err := s.Job(id)
			if err != nil {
				c.t.Fatal(err)
			}
			running["queue "+i.Queue]++
			running["limit "+i.Limit+" "+i.LimitKey]++
		}
	}
	for name, q := range c.config.Queues {
		if n := running["queue "+name]; q.Running > 0 && n > q.Running {
			c.t.Fatalf("%d of queue %q are running, of at most %d", n, name, q.Running)
		}
	}
	for name, l := range c.config.Caps {
		for _, key := range []string{"", "k"} {
			if n := running["limit "+name+" "+key]; l.Running > 0 && n > l.Running {
				c.t.Fatalf("%d of limit %q, key %q are running, of at most %d", n, name, key, l.Running)
			}
		}
	}
}

// check holds the Core's order, and looks.
func (c *chance) check() {
	c.t.Helper()
	if err := c.core.Check(); err != nil {
		c.t.Fatal(err)
	}
	if c.core.State() != nil {
		c.look()
	}
}

// told looks at an answer.
func (c *chance) told(r *owner.Request) {
	c.t.Helper()
	switch {
	case r.Err != nil:
	case r.Op == owner.Await || r.Follow && r.Op == owner.Enqueue:
		if len(r.Jobs) == 0 && r.Report.Seq == 0 || len(r.Jobs) > 0 && r.Jobs[0].Status.Live() {
			c.t.Fatalf("%s of job %d is answered with %+v and %+v", r.Op, r.Job, r.Jobs, r.Report)
		}
		if r.Op == owner.Enqueue && len(r.Jobs) > 0 && (len(r.IDs) != 1 || r.Jobs[0].ID != r.IDs[0]) {
			c.t.Fatalf("a call of job %v is answered with job %d", r.IDs, r.Jobs[0].ID)
		}
	case r.Op == owner.Listen:
		for i, x := range r.Cancels {
			if x.Seq <= r.Seen || i > 0 && x.Seq <= r.Cancels[i-1].Seq {
				c.t.Fatalf("a session that has seen %d is told %+v", r.Seen, r.Cancels)
			}
			c.seen[r.Session] = max(c.seen[r.Session], x.Seq)
		}
	}
}

// mayWait holds that r, which is still open though nothing is left to do, waits
// for something that has not happened.
func (c *chance) mayWait(r *owner.Request) bool {
	switch r.Op {
	case owner.Await, owner.Listen, owner.Drained:
		return true // Check has seen to it
	case owner.Enqueue:
		return r.Wait || r.Follow && len(r.IDs) == 1
	}
	return r.Op == owner.Claim && r.Wait
}

func (c *chance) dressAsker(r *owner.Request) {
	if len(c.leases) > 0 && !c.one(4) {
		j := c.lease()
		r.Asker = owner.Asker{Job: j.ID, Epoch: j.Epoch, Endless: !c.one(4)}
	}
}
