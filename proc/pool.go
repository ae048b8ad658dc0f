package proc

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/proc/internal/child"
	"github.com/hemgo/hem/task"
)

// A Pool is a number of worker processes and the queue in front of them: a
// [task.Runner]. It is made by [New] and must be closed; [Pool.With] gives views
// of it that differ in their options and in nothing else. Any goroutine may use
// it.
type Pool struct {
	house *house
	slots *pool.Pool // one for each call that may be under way
}

var _ task.Runner = (*Pool)(nil)

// New starts a pool's workers, and returns when the first of them is ready. The
// others become ready by themselves.
//
// # Errors
//
// Of kind [fault.Invalid], naming the field and the remedy, for a wrong Config,
// a command that is not found or may not be executed, and a program whose main
// has not called [Serve]. Of kind [fault.Lost], with the [ExitError] if there is
// one, if the first worker does not become ready: it has ended, speaks another
// protocol or another version of it, or has said nothing for
// Config.StartTimeout.
//
//go:noinline
func New(c Config) (*Pool, error) {
	if c.Name == "" {
		c.Name = fault.FrameAt(graph.CallerPC()).String()
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	c.setDefaults()
	path, err := c.resolve()
	if err != nil {
		return nil, err
	}
	slots, err := pool.New(pool.Config{Name: c.Name, Size: c.Workers, Queue: c.Queue, Overflow: c.Overflow})
	if err != nil {
		return nil, &fault.Error{Op: "proc: new", Task: c.Name, Err: err}
	}
	h, err := openHouse(c, path)
	if err != nil {
		return nil, err
	}
	if err := h.firstReady(); err != nil {
		h.shut(true)
		return nil, err
	}
	h.unplace = graph.AddPlace(h)
	return &Pool{house: h, slots: slots}, nil
}

var (
	errNotServed = errors.New("main has not called proc.Serve, so this program cannot be started as a worker, nor guard workers against its own end")
	errEmptyWord = errors.New("its first word is empty")
	errNil       = errors.New("the pool is nil")
	errGone      = errors.New("the worker ended before it could be given the call")
	errClosing   = errors.New("the pool was closed before a worker had the call")
)

const (
	hintServe     = "call proc.Serve with the tasks of the workers first thing in main, and in TestMain of a test binary"
	hintCommand   = "give the path of a program that speaks the worker protocol: see docs/worker-protocol.md"
	hintLookAtNew = "look at the error of proc.New"
)

// resolve returns the path of the program that workers run, and completes
// Command.
func (c *Config) resolve() (path string, err error) {
	if !child.Prepared() {
		return "", &fault.Error{Op: "proc: new", Task: c.Name, Kind: fault.Invalid, Err: errNotServed, Hint: hintServe}
	}
	if len(c.Command) == 0 {
		path, c.Command = ownBinary()
		return path, nil
	}
	c.Command = slices.Clone(c.Command)
	if c.Command[0] == "" {
		err = errEmptyWord
	} else {
		path, err = exec.LookPath(c.Command[0])
	}
	if err != nil {
		return "", &fault.Error{Op: "proc: new", Task: c.Name, Kind: fault.Invalid,
			Err: fmt.Errorf("command %q: %w", c.Command[0], err), Hint: hintCommand}
	}
	return path, nil
}

// With returns the pool seen through opts, such as [pool.Priority]: workers,
// queue, figures and Close are the same pool's.
func (p *Pool) With(opts ...pool.Option) *Pool {
	if p == nil {
		panic("proc: With on a nil Pool")
	}
	return &Pool{house: p.house, slots: p.slots.With(opts...)}
}

// Stats returns the figures of the pool's queue, in which a slot is a call under
// way and Run the time from a call's start to its end.
func (p *Pool) Stats() pool.Stats {
	if p == nil {
		panic("proc: Stats of a nil Pool")
	}
	return p.slots.Stats()
}

// Close takes no more calls, waits until all that were accepted have ended, and
// ends the workers. When it returns, they and whatever they started are gone.
// A second Close waits likewise.
//
// # Cancellation
//
// When ctx ends, callers who wait for a worker are refused with
// [fault.Cancelled], not started, and the workers that still run are killed;
// their calls fail with Cancelled as well, started. The error says how many
// there were. Close still waits until the processes have gone, which a kill
// makes a matter of milliseconds.
//
// # Errors
//
// A [*fault.Deadlock] if a call waits, directly or through others, for the
// caller: then nothing is killed, and the pool takes no more calls.
//
// # Panics
//
// Close panics if the pool or ctx is nil.
func (p *Pool) Close(ctx context.Context) error {
	if p == nil || ctx == nil {
		panic("proc: Close of a nil Pool or with a nil context")
	}
	err := p.slots.Close(ctx)
	if fault.KindOf(err) == fault.Deadlocked {
		return err
	}
	killed := p.house.shut(err != nil)
	if err == nil {
		return nil
	}
	return &fault.Error{Op: "proc: close", Task: p.house.Name, Kind: fault.KindOf(err), Started: true,
		Err: fmt.Errorf("%d calls were killed: %w", killed, context.Cause(ctx))}
}
