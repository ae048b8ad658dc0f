package owner

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// TakeOver claims the next term: its record comes after the last that was
// replayed. So whoever stores it has read everything, and whoever has not gets a
// conflict: [ReadOn], [Core.Replay] what is new, and TakeOver again.
//
// # Errors
//
// A [*DamageError] if Replay found one, or if the log opens with a snapshot that
// is not complete; an error that says what is wrong with the Config.
//
// # Panics
//
// TakeOver panics while taking over or owning.
func (c *Core) TakeOver(t Time) (Next, error) {
	c.only(reading, "TakeOver")
	if c.damage != nil {
		return Next{}, c.damage
	}
	if c.restore != nil {
		return Next{}, damage(c.history.first, -1, "the log was trimmed before it, and no snapshot that follows is complete", nil)
	}
	if err := c.config.check(); err != nil {
		return Next{}, err
	}
	_, h, _ := c.chain.Last()
	c.clock.follow(t) // first: what has passed is no time after a record that was read since
	c.clock.raise(c.state.Now())
	c.begin(c.clock.now, h.Term+1)
	c.draft.add(state.AppendTakeover(nil))
	c.draft.finish()
	c.flight = flight{takes: true}
	next := c.append(0)
	if c.behind {
		next.Pause = pause // who reads the log does not see yet what was in conflict
	}
	next.Trim = c.history.whole
	return next, nil
}

// tookOver is called when the record of TakeOver has landed. It is applied as
// anyone would who reads it. What Config has differently is left for the records
// that follow: there may be more of it than a record holds, and a term does not
// begin with what the state might refuse.
func (c *Core) tookOver() error {
	if err := c.replay(c.draft.header.Seq, c.draft.b); err != nil {
		return err
	}
	c.settings = c.settings[:0]
	if c.state.Limits() != c.config.Limits {
		c.settings = append(c.settings, setting{})
	}
	have := c.state.Depths()
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if c.config.Queues[name] == 0 {
			c.settings = append(c.settings, setting{queue: name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.config.Queues)) {
		if depth := c.config.Queues[name]; depth != have[name] {
			c.settings = append(c.settings, setting{name, depth})
		}
	}
	return nil
}

// A setting is a queue's depth, or the shard's Limits if it names no queue.
type setting struct {
	queue string
	depth int64
}

func (x setting) append(b []byte, l state.Limits) []byte {
	if x.queue == "" {
		return state.AppendLimits(b, l)
	}
	return state.AppendQueue(b, x.queue, x.depth)
}

// set adds settings to the draft while there is space.
func (c *Core) set() error {
	for len(c.settings) > 0 {
		c.t = c.settings[0].append(c.t[:0], c.config.Limits)
		if !c.draft.fits(len(c.t)) {
			return nil
		}
		if err := c.apply(); err != nil {
			return fmt.Errorf("owner: setting of queue %q: %w", c.settings[0].queue, err)
		}
		c.settings = c.settings[1:]
		c.rooms.freed = true
	}
	return nil
}

// check finds what no state accepts.
func (c *Config) check() error {
	s := state.New()
	if err := s.Apply(state.AppendLimits(nil, c.Limits), nil); err != nil {
		return fmt.Errorf("owner: limits %+v: %w", c.Limits, err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		err := s.Apply(state.AppendQueue(nil, name, c.Queues[name]), nil)
		if err != nil {
			return fmt.Errorf("owner: depth %d of queue %q: %w", c.Queues[name], name, err)
		}
	}
	return nil
}
