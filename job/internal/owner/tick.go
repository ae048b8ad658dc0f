package owner

import (
	"errors"
	"fmt"

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

// How many ticks a record has, so that those of a long time do not keep everything
// else waiting; and how many are tried for it.
const (
	mostTicks = 256
	mostTries = 4096
)

// tickNext is when the next schedule is to be looked at.
func (c *Core) tickNext() (at int64, ok bool) {
	if c.config.Calendar == nil {
		return 0, false
	}
	_, at, ok = c.state.NextTick()
	if Mutant.TicksEarly {
		at -= second
	}
	return at, ok
}

// serveTicks moves schedules on that are due. One that cannot be is looked at again
// in a second, and keeps no other from its turn. A log that is low on room is not
// filled with looking.
func (c *Core) serveTicks(now int64) {
	c.tickErr = nil
	for moved, tried := 0, 0; moved < mostTicks && tried < mostTries; tried++ {
		at, ok := c.tickNext()
		if !ok || at > now {
			return
		}
		name, _, _ := c.state.NextTick()
		switch err := c.tick(name, now); {
		case err == nil:
			moved++
		case err == errNoSpace:
			c.more = true
			return
		default:
			c.tickErr = fmt.Errorf("schedule %q: %w", name, err)
			again := now + second
			if c.lowNow() != nil {
				again = now + 10*second
			}
			c.state.Postpone(name, again)
		}
	}
	c.more = true
}

var errNoSpace = errors.New("owner: this record has no space")

func (c *Core) tick(name string, now int64) error {
	rule, due, _ := c.state.RuleOf(name)
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

// schedule makes a schedule. It reports false if this record has no space for it.
// One that has the same rule already goes on as it would have: whoever says again
// what is to be, as programs do when they start, neither moves nor repeats a tick.
func (c *Core) schedule(r *Request, now int64) bool {
	if c.repeated(r) { // its Next was made then
		err := c.state.Recall(r.Request, &c.out)
		if err != nil {
			c.refuse(r, err)
		} else {
			c.carried(r)
		}
		return true
	}
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
