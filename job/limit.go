package job

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/hemgo/hem/job/internal/state"
)

// QueueConfig says in what a queue differs from others.
type QueueConfig struct {
	// Depth is how many live jobs the queue may have. The default is as many as
	// Config.Depth leaves room for.
	Depth int

	// Running is how many of its jobs are claimed at a time. The default is any
	// number.
	Running int

	// Rate is how fast its jobs are claimed. The default is as fast as anybody
	// can.
	Rate Rate
}

// LimitConfig is what a limit allows, to each of its keys by itself: see [Limit].
// It says one of both or both.
type LimitConfig struct {
	// Running is how many jobs of one key are claimed at a time. The default is
	// any number.
	Running int

	// Rate is how fast jobs of one key are claimed. The default is as fast as
	// anybody can.
	Rate Rate
}

// A Rate lets one job be claimed each Every, and Burst at once after a time in
// which none was. It holds over any stretch of time, also one in which an owner
// takes over from another. Time is what the owner's clock says: when that is set
// forward, as much time is over. The zero Rate is any.
type Rate struct {
	// Every is the time between two jobs. With Burst it makes 570 years at most.
	Every time.Duration

	// Burst is how many may be claimed at once, at most 1,048,575. The default
	// is 1.
	Burst int
}

const (
	mostBurst = 1<<20 - 1
	mostNamed = 1 << 16 // names of one kind that the log has
)

func (c *Config) checkQueues() error {
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		q, field := c.Queues[name], fmt.Sprintf("Queues[%q]", name)
		if err := checkName(name); err != nil {
			return invalid(opOpen, c.Name, fmt.Errorf("a name in Config.Queues %w", err))
		}
		if q.Depth < 0 || int64(q.Depth) > math.MaxInt32 {
			return c.wrong(field+".Depth", q.Depth, "it is 1 to 2147483647, and zero stands for no limit but Config.Depth")
		}
		if err := c.checkAllowed(field, q.Running, q.Rate); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkLimits() error {
	if len(c.Limits) > mostNamed {
		return c.wrong("Limits", fmt.Sprintf("of %d limits", len(c.Limits)), fmt.Sprintf("there can be %d: what differs from customer to customer is a key of one", mostNamed))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Limits)) {
		l, field := c.Limits[name], fmt.Sprintf("Limits[%q]", name)
		if err := checkName(name); err != nil {
			return invalid(opOpen, c.Name, fmt.Errorf("a name in Config.Limits %w", err))
		}
		if l == (LimitConfig{}) {
			return c.wrong(field, "zero", "it limits nothing: set Running or Rate")
		}
		if err := c.checkAllowed(field, l.Running, l.Rate); err != nil {
			return err
		}
	}
	return nil
}

// checkAllowed checks what both queues and limits have.
func (c *Config) checkAllowed(field string, running int, r Rate) error {
	switch {
	case running < 0 || int64(running) > math.MaxInt32:
		return c.wrong(field+".Running", running, "it is 1 to 2147483647, and zero stands for any number")
	case r.Every < 0:
		return c.wrong(field+".Rate.Every", r.Every, "it cannot be negative, and zero stands for any rate")
	case r.Burst < 0 || r.Burst > mostBurst:
		return c.wrong(field+".Rate.Burst", r.Burst, fmt.Sprintf("it is 1 to %d, and zero stands for 1", mostBurst))
	case micros(r.Every) > state.MaxDelay/int64(max(r.Burst, 1)):
		return c.wrong(field+".Rate.Every", r.Every, fmt.Sprintf("with a burst of %d it takes more than 570 years", r.Burst))
	case r.Every == 0 && r.Burst > 0:
		return c.wrong(field+".Rate.Burst", r.Burst, "but there is no Rate.Every for it: set both, or neither")
	}
	return nil
}

func (c *Config) checkGroups() error {
	if len(c.Groups) > mostNamed {
		return c.wrong("Groups", fmt.Sprintf("of %d groups", len(c.Groups)), fmt.Sprintf("there can be %d: leave those out whose weight is 1", mostNamed))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
		if err := checkText("name of a group in Config.Groups", name, 0, state.MaxName); err != nil {
			return invalid(opOpen, c.Name, err)
		}
		if w := c.Groups[name]; w < 1 || w > state.MaxWeight {
			return c.wrong(fmt.Sprintf("Groups[%q]", name), w, fmt.Sprintf("a weight is 1 to %d: leave the group out where it is 1", state.MaxWeight))
		}
	}
	return nil
}

// shard is what all jobs share, for the log.
func (c *Config) shard() state.Limits {
	return state.Limits{Jobs: int64(c.Depth), Bytes: c.Bytes, Kept: int64(c.Kept), Ageing: micros(c.Ageing), Buried: int64(c.Buried), KeptBytes: c.KeptBytes}
}

func (c *Config) queues() map[string]state.Queue {
	queues := make(map[string]state.Queue, len(c.Queues))
	for name, q := range c.Queues {
		queues[name] = state.Queue{Depth: int64(q.Depth), Running: int64(q.Running), Rate: q.Rate.rate()}
	}
	return queues
}

func (c *Config) caps() map[string]state.Limit {
	caps := make(map[string]state.Limit, len(c.Limits))
	for name, l := range c.Limits {
		caps[name] = state.Limit{Running: int64(l.Running), Rate: l.Rate.rate()}
	}
	return caps
}

// weights leaves out those that are as they would be anyway.
func (c *Config) weights() map[string]uint16 {
	weights := make(map[string]uint16, len(c.Groups))
	for name, w := range c.Groups {
		if w > 1 {
			weights[name] = uint16(w)
		}
	}
	return weights
}

// rate is r for the log: never faster.
func (r Rate) rate() state.Rate {
	if r.Every == 0 {
		return state.Rate{}
	}
	return state.Rate{Interval: micros(r.Every), Burst: int64(max(r.Burst, 1))}
}

func rateOf(r state.Rate) Rate {
	return Rate{Every: time.Duration(r.Interval) * time.Microsecond, Burst: int(r.Burst)}
}
