package owner

import (
	"errors"

	"github.com/hemgo/hem/job/internal/state"
)

// A Calendar tells the ticks of schedules by their rules. It is asked by the owner
// alone: what it says is in the log.
type Calendar interface {
	// Tick says what becomes of a schedule that is due at due, which now is not
	// before: tick is the time for which a job is entered now, 0 if for none, and
	// next when it is due next, after due; 0 is never.
	Tick(rule string, due, now int64) (tick, next int64, err error)

	// Next is the first time after a time at which a rule is due; 0 is never.
	Next(rule string, after int64) (int64, error)
}

// ticking are the schedules that were due and could not be moved on: for want of
// room, most often. They keep no others waiting.
type ticking struct {
	late  []string
	again int64 // when they are tried again
}

// How many ticks a record has, so that those of a long time do not keep everything
// else waiting; and how many are tried for it.
const (
	mostTicks = 256
	mostTries = 4096
)

// tickNext is when the next schedule is to be moved on.
func (c *Core) tickNext() (at int64, ok bool) {
	if c.config.Calendar == nil {
		return 0, false
	}
	_, at, ok = c.state.NextTick()
	if len(c.ticks.late) > 0 && (!ok || c.ticks.again < at) {
		at, ok = c.ticks.again, true
	}
	return at, ok
}

// serveTicks moves schedules on that are due.
func (c *Core) serveTicks(now int64) {
	if c.config.Calendar == nil {
		return
	}
	if c.ticks.again <= now {
		for _, name := range c.ticks.late {
			c.state.Recall(name)
		}
		c.ticks = ticking{}
	}
	for moved, tried := 0, 0; moved < mostTicks && tried < mostTries; tried++ {
		name, due, ok := c.state.NextTick()
		if !ok || due > now {
			return
		}
		switch err := c.tick(name, due, now); err {
		case nil:
			moved++
		case errNoSpace:
			c.more = true
			return
		default:
			c.putOff(name, now)
		}
	}
	c.more = true
}

var errNoSpace = errors.New("owner: the record has no space for a tick")

// tick moves a schedule on.
func (c *Core) tick(name string, due, now int64) error {
	rule, _, _ := c.state.RuleOf(name)
	tick, next, err := c.config.Calendar.Tick(rule, due, now)
	if err != nil {
		return err
	}
	if low := c.lowNow(); tick != 0 && low != nil {
		return low
	}
	c.t = state.AppendTick(c.t[:0], name, due, tick, next)
	if !c.draft.fits(len(c.t)) {
		return errNoSpace
	}
	return c.apply()
}

// putOff lets a schedule wait that cannot be moved on. A log that is low on room is
// not filled with trying.
func (c *Core) putOff(name string, now int64) {
	c.state.PassOver()
	if len(c.ticks.late) == 0 {
		c.ticks.again = now + second
		if c.lowNow() != nil {
			c.ticks.again = now + 10*second
		}
	}
	c.ticks.late = append(c.ticks.late, name)
}

// schedule makes a schedule. It reports false if this record has no space for it.
// One that has the same rule already goes on as it would have: whoever says again
// what is to be, as programs do when they start, neither moves nor repeats a tick.
func (c *Core) schedule(r *Request, now int64) bool {
	made := *r.Schedule
	rule, next, ok := c.state.RuleOf(made.Name)
	switch {
	case made.Next != 0:
	case ok && rule == made.Rule && next != 0:
		made.Next = next
	case c.config.Calendar == nil:
		c.refuse(r, state.ErrSchedule)
		return true
	default:
		next, err := c.config.Calendar.Next(made.Rule, now)
		if err != nil {
			c.refuse(r, err)
			return true
		}
		made.Next = next
	}
	c.t = state.AppendSchedule(c.prefix(r), &made)
	return c.carryOut(r)
}
