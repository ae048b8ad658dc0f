package proc

import (
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
)

// Config says what a pool of processes is. Its zero value is one worker of this
// program's own binary for each processor.
type Config struct {
	// Name is what reports call the pool. The default is where New was called.
	Name string

	// Command is the program that workers run, with its arguments; it must
	// speak the worker protocol. A name without a slash is looked up in PATH.
	// The default is this program itself, whose main calls [Serve] with the
	// tasks that its workers know.
	Command []string

	// Env is added to the environment that workers inherit from this process,
	// as "KEY=value", in place of what it has by the same names. The default is
	// nothing.
	Env []string

	// Dir is the workers' working directory. The default is this process's.
	Dir string

	// Workers is how many calls may be under way at once, each in a process of
	// its own. The default is GOMAXPROCS: the kernel shares processors between
	// processes as the runtime does not between goroutines, so none need be
	// left free.
	Workers int

	// Warm is how many workers are kept ready when there is nothing to do. The
	// default is Workers.
	Warm int

	// Queue and Overflow say how many callers may wait for a worker, and what
	// happens to others: see [pool.Config]. The defaults are 1024 and
	// [pool.Wait].
	Queue    int
	Overflow pool.Overflow

	// MaxPayload is how many bytes an input or an output may have, encoded. The
	// default is 16 MiB.
	MaxPayload int

	// Grace is how long a function may go on after its context has ended, and a
	// worker after it was told to leave, before the process is killed with all
	// that it has started. The default is 5 s.
	Grace time.Duration

	// StartTimeout is how long a worker may take from its start to its first
	// word. The default is 10 s.
	StartTimeout time.Duration

	// Limits bound what a worker may use. The default is a nice value of 10,
	// and nothing else.
	Limits Limits

	// Retire says when workers are replaced. The default is never, but for
	// those beyond Warm that have been idle for a minute.
	Retire Retire

	// Cgroup is the directory of a delegated cgroup (version 2) to start
	// workers in. The default is this process's own, if that may be written to.
	Cgroup string

	// Log is told what workers print, and what becomes of them. The default is
	// [slog.Default].
	Log *slog.Logger
}

// Limits bound what one worker may use, with the processes that it starts. Zero
// is no limit. Where there is no delegated cgroup some are held by other means,
// or not: inspect says which, in the pool's figure "limits".
type Limits struct {
	// Memory is how many bytes may be resident. A worker that reaches it is
	// killed, and its call fails with OverMemory in the [ExitError]. Without a
	// cgroup it is looked at 20 times a second, and allocations fail in a
	// process that has mapped twice as much and 256 MiB.
	Memory int64

	// CPUWeight is the share of the processors when they are scarce, 1 to
	// 10000, where others have 100. Without a cgroup there is Nice alone.
	CPUWeight int

	// Pids is how many processes and threads there may be. A Go worker that
	// does nothing has about eight.
	Pids int

	// OpenFiles is how many descriptors a process may have.
	OpenFiles int

	// Nice is how far workers stand back when processors are scarce: 1 to 19,
	// or AsHost. The default is 10: what answers requests then has nine times
	// the weight of a worker. docs/processes.md shows what that is worth.
	Nice Nice

	// Wall is how long one call may run. Then its context ends, as at a
	// deadline of its own.
	Wall time.Duration
}

// Nice is a process's nice value.
type Nice int

// AsHost leaves workers the nice value of this process.
const AsHost Nice = -20

// Retire says when a worker is replaced by a new one. Its replacement is ready
// before it goes, unless a limit on calls leaves no time for that.
type Retire struct {
	// Calls is how many calls a worker serves at most. Workers are given up to
	// a tenth less, at random, so that they do not retire together. Zero is no
	// limit.
	Calls int

	// Age is how old a worker may become, with the same jitter. What it is then
	// doing is finished first. Zero is no limit.
	Age time.Duration

	// Idle is how long a worker beyond Config.Warm may have nothing to do. The
	// default is a minute.
	Idle time.Duration
}

const (
	defaultMaxPayload   = 16 << 20
	largestMaxPayload   = 1 << 30
	defaultGrace        = 5 * time.Second
	defaultStartTimeout = 10 * time.Second
	defaultIdle         = time.Minute
	defaultNice         = 10
)

func (c *Config) setDefaults() {
	c.Workers = orDefault(c.Workers, runtime.GOMAXPROCS(0))
	c.Warm = orDefault(c.Warm, c.Workers)
	c.MaxPayload = orDefault(c.MaxPayload, defaultMaxPayload)
	c.Grace = orDefault(c.Grace, defaultGrace)
	c.StartTimeout = orDefault(c.StartTimeout, defaultStartTimeout)
	c.Retire.Idle = orDefault(c.Retire.Idle, defaultIdle)
	c.Limits.Nice = orDefault(c.Limits.Nice, defaultNice)
	if c.Limits.Nice == AsHost {
		c.Limits.Nice = 0
	}
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
	}{
		{"Workers", int64(c.Workers), c.Workers},
		{"Warm", int64(c.Warm), c.Warm},
		{"Queue", int64(c.Queue), c.Queue},
		{"MaxPayload", int64(c.MaxPayload), c.MaxPayload},
		{"Grace", int64(c.Grace), c.Grace},
		{"StartTimeout", int64(c.StartTimeout), c.StartTimeout},
		{"Limits.Memory", c.Limits.Memory, c.Limits.Memory},
		{"Limits.CPUWeight", int64(c.Limits.CPUWeight), c.Limits.CPUWeight},
		{"Limits.Pids", int64(c.Limits.Pids), c.Limits.Pids},
		{"Limits.OpenFiles", int64(c.Limits.OpenFiles), c.Limits.OpenFiles},
		{"Limits.Wall", int64(c.Limits.Wall), c.Limits.Wall},
		{"Retire.Calls", int64(c.Retire.Calls), c.Retire.Calls},
		{"Retire.Age", int64(c.Retire.Age), c.Retire.Age},
		{"Retire.Idle", int64(c.Retire.Idle), c.Retire.Idle},
	} {
		if f.value < 0 {
			return c.wrong(f.name, f.shown, "it cannot be negative, and zero stands for the default")
		}
	}
	return c.checkRanges()
}

func (c *Config) checkRanges() error {
	switch {
	case c.Warm > orDefault(c.Workers, runtime.GOMAXPROCS(0)):
		return c.wrong("Warm", c.Warm, "it cannot be more than Workers")
	case c.MaxPayload > largestMaxPayload:
		return c.wrong("MaxPayload", c.MaxPayload, "it can be 1 GiB at most: keep larger things in files, and pass their names")
	case c.Overflow < pool.Wait || c.Overflow > pool.Shed:
		return c.wrong("Overflow", int(c.Overflow), "it is pool.Wait, pool.Reject or pool.Shed")
	case c.Limits.CPUWeight > 10000:
		return c.wrong("Limits.CPUWeight", c.Limits.CPUWeight, "it is 1 to 10000")
	case c.Limits.Nice != AsHost && (c.Limits.Nice < 0 || c.Limits.Nice > 19):
		return c.wrong("Limits.Nice", int(c.Limits.Nice), "it is 1 to 19, or proc.AsHost")
	case c.Limits.OpenFiles > 0 && c.Limits.OpenFiles < leastOpenFiles:
		return c.wrong("Limits.OpenFiles", c.Limits.OpenFiles, "a worker needs 16")
	}
	return nil
}

// leastOpenFiles is what a Go program needs for itself.
const leastOpenFiles = 16

func (c *Config) wrong(field string, value any, want string) error {
	return &fault.Error{Op: "proc: new", Task: c.Name, Kind: fault.Invalid,
		Err: fmt.Errorf("value of Config.%s is %v; %s", field, value, want)}
}
