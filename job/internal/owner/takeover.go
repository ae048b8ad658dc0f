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
	c.people.live(t)
	c.clock.Follow(t) // first: what has passed is no time after a record that was read since
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
	c.settings = append(c.settings, changes(c.state.Queues(), c.config.Queues, func(name string, q state.Queue) setting {
		return setting{set: setQueue, name: name, queue: q}
	})...)
	c.settings = append(c.settings, changes(c.state.Weights(), c.config.Weights, func(name string, w uint16) setting {
		return setting{set: setWeight, name: name, weight: w}
	})...)
	c.settings = append(c.settings, changes(c.state.SetLimits(), c.config.Caps, func(name string, l state.Limit) setting {
		return setting{set: setCap, name: name, limit: l}
	})...)
	c.state.Feed()
	c.meet()
	return nil
}

// changes are the settings that make what is wanted of what there is. The zero T
// is what a name has that is not there.
func changes[T comparable](have, want map[string]T, set func(string, T) setting) (all []setting) {
	var zero T
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if want[name] == zero {
			all = append(all, set(name, zero))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if v := want[name]; v != have[name] && v != zero {
			all = append(all, set(name, v))
		}
	}
	return all
}

// A setting is one thing of Config that the log has differently.
type setting struct {
	set    what
	name   string
	queue  state.Queue
	weight uint16
	limit  state.Limit
}

type what uint8

const (
	setLimits what = iota // the shard's
	setQueue
	setWeight
	setCap
)

func (x *setting) append(b []byte, l state.Limits) []byte {
	switch x.set {
	case setQueue:
		return state.AppendQueue(b, x.name, x.queue)
	case setWeight:
		return state.AppendWeight(b, x.name, x.weight)
	case setCap:
		return state.AppendLimit(b, x.name, x.limit)
	}
	return state.AppendLimits(b, l)
}

// set adds settings to the draft while there is space.
func (c *Core) set() error {
	for len(c.settings) > 0 {
		c.t = c.settings[0].append(c.t[:0], c.config.Limits)
		if !c.draft.fits(len(c.t)) {
			return nil
		}
		if err := c.apply(); err != nil {
			return fmt.Errorf("owner: setting of %q: %w", c.settings[0].name, err)
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
		if err := s.Apply(state.AppendQueue(nil, name, c.Queues[name]), nil); err != nil {
			return fmt.Errorf("owner: %+v of queue %q: %w", c.Queues[name], name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		if err := s.Apply(state.AppendWeight(nil, name, c.Weights[name]), nil); err != nil {
			return fmt.Errorf("owner: weight %d of group %q: %w", c.Weights[name], name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Caps)) {
		if err := s.Apply(state.AppendLimit(nil, name, c.Caps[name]), nil); err != nil {
			return fmt.Errorf("owner: limit %+v of %q: %w", c.Caps[name], name, err)
		}
	}
	return nil
}
