package job

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// Config says what an owner is. Its zero value is useful.
type Config struct {
	// Name is what reports call it. The default is "jobs".
	Name string

	// Depth is how many live jobs there may be in all queues. The default is
	// 1,048,576.
	Depth int

	// Bytes is how many bytes their inputs and keys may have together. The
	// default is 1 GiB.
	Bytes int64

	// Queues says in what single queues differ from others. The default is in
	// nothing.
	Queues map[string]QueueConfig

	// Groups has the weights of groups, 1 to 1,000: of a queue, one with weight 3
	// is given three jobs while one with weight 1 is given one, as long as both
	// have any. The group "" is that of jobs which name none. The default is 1
	// for each. See [Group].
	Groups map[string]int

	// Limits has the limits that jobs may name. One that is not here is refused,
	// with the nearest that is. The default is none. See [Limit].
	Limits map[string]LimitConfig

	// Tasks are those that may be enqueued; others are refused, by name and with
	// the nearest that is known. The default is every task.
	Tasks []task.Task

	// Ageing is how much earlier a job seems to have become ready for each step
	// of its priority. The default is a minute.
	Ageing time.Duration

	// Kept is how many jobs are kept at most that are done or were cancelled; the
	// one that would be forgotten soonest goes first. The default is 100,000.
	Kept int

	// Buried is how many dead letters are kept, likewise. The default is 100,000.
	Buried int

	// KeptBytes is how many bytes all of these have at most, with their inputs,
	// keys and results; what is done goes before dead letters do. The default is
	// 256 MiB.
	KeptBytes int64

	// SnapshotAfter is after how many bytes of records there is a snapshot, from
	// which the next owner starts; not before they are as many as the snapshot
	// has. The default is 16 MiB.
	SnapshotAfter int64

	// Log is told what happens to the owner, and not what happens to jobs. The
	// default is [slog.Default].
	Log *slog.Logger
}

const (
	defaultDepth         = 1 << 20
	defaultBytes         = 1 << 30
	defaultAgeing        = time.Minute
	defaultKept          = 100_000
	defaultKeptBytes     = 256 << 20
	defaultSnapshotAfter = 16 << 20
)

func (c *Config) setDefaults() {
	c.Name = orDefault(c.Name, "jobs")
	c.Depth = orDefault(c.Depth, defaultDepth)
	c.Bytes = orDefault(c.Bytes, defaultBytes)
	c.Ageing = orDefault(c.Ageing, defaultAgeing)
	c.Kept = orDefault(c.Kept, defaultKept)
	c.Buried = orDefault(c.Buried, defaultKept)
	c.KeptBytes = orDefault(c.KeptBytes, defaultKeptBytes)
	c.SnapshotAfter = orDefault(c.SnapshotAfter, defaultSnapshotAfter)
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// check returns what is wrong with c, whose defaults are not yet set.
func (c *Config) check() error {
	for _, f := range []struct {
		name  string
		value int64
		shown any
		most  int64 // what the log can say
	}{
		{"Depth", int64(c.Depth), c.Depth, math.MaxInt32},
		{"Bytes", c.Bytes, c.Bytes, math.MaxInt64},
		{"Ageing", int64(c.Ageing), c.Ageing, state.MaxDelay / state.MaxPriority * 1000},
		{"Kept", int64(c.Kept), c.Kept, math.MaxInt32},
		{"Buried", int64(c.Buried), c.Buried, math.MaxInt32},
		{"KeptBytes", c.KeptBytes, c.KeptBytes, math.MaxInt64},
		{"SnapshotAfter", c.SnapshotAfter, c.SnapshotAfter, math.MaxInt64},
	} {
		if f.value < 0 {
			return c.wrong(f.name, f.shown, "it cannot be negative, and zero stands for the default")
		}
		if f.value > f.most {
			return c.wrong(f.name, f.shown, fmt.Sprintf("it can be %d at most", f.most))
		}
	}
	if err := c.checkQueues(); err != nil {
		return err
	}
	if err := c.checkGroups(); err != nil {
		return err
	}
	if err := c.checkLimits(); err != nil {
		return err
	}
	for i, t := range c.Tasks {
		if t == nil {
			return c.wrong(fmt.Sprintf("Tasks[%d]", i), "nil", "it must be a task")
		}
	}
	return nil
}

func (c *Config) wrong(field string, value any, want string) error {
	return &fault.Error{Op: opOpen, Task: c.Name, Kind: fault.Invalid,
		Err: fmt.Errorf("value of Config.%s is %v; %s", field, value, want)}
}
