package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// WorkerConfig says what a worker does: see [Work].
type WorkerConfig struct {
	// Name is what reports call it: 1 to 128 bytes of UTF-8. The default is
	// where Work was called.
	Name string

	// Tasks are those that it knows, each under its own name; [task.Alias] gives
	// one an older name as well. Jobs of others wait for somebody who knows
	// them. There must be one.
	Tasks []task.Task

	// Runner is the rung on which handlers run. What it refuses before it has
	// begun is given back, or tried again: the slot rests for 100 ms to 10 s, and
	// Log is told. The default is a goroutine for each in this process.
	Runner task.Runner

	// Slots is how many handlers run at a time. A handler that waits for a job,
	// by [Client.Run] or [Handle.Wait], takes none meanwhile. There are 1,048,576
	// at most. The default is 10.
	Slots int

	// Queues are those whose jobs it takes. The default is all.
	Queues []string

	// Grace is how long handlers may go on once the worker is to end, before
	// their contexts do. The default is 10 s.
	Grace time.Duration

	// Log is told what happens to the worker, and not what happens to jobs. The
	// default is [slog.Default].
	Log *slog.Logger
}

const (
	defaultSlots = 10
	mostSlots    = 1 << 20
	defaultGrace = 10 * time.Second
)

// Work does jobs until ctx ends: it claims those that it knows and runs their
// handlers, as many at a time as it has slots. What a handler returns ends its
// job, or the attempt: see [Lease.Complete] and [Lease.Fail]; a panic is a failure
// like others, but not [fault.Retryable]. [Current], [Token] and others tell a
// handler what it works on.
//
// A handler's context ends, with a cause that says why,
//
//   - when somebody cancels the job: with their cause, a few milliseconds later;
//   - when its [Timeout] or [Deadline] has passed: [fault.Deadline];
//   - when the job is not this worker's any more: [fault.Fenced]. Whatever it
//     still does comes too late, and is not heard. A worker elsewhere that is cut
//     off finds that out by itself, before its jobs are given to others;
//   - when ctx has ended and Grace has passed: with ctx's cause.
//
// # Cancellation
//
// When ctx ends Work takes no more jobs, and returns nil when the handlers that
// run have ended and what they said is in the log. A handler that ignores its
// context is awaited, unless Runner kills it.
//
// # Errors
//
//	fault.Invalid  conf is wrong, or the owner is closed.
//	fault.Lost     the owner has ended: another one took over, or the log
//	               failed. The handlers have ended, and nothing of what they said
//	               is in the log unless it was accepted before.
//	fault.Cancelled  the owner was closed meanwhile. Likewise.
//	fault.Fenced     ctx has ended when a worker elsewhere was cut off. Likewise.
//
// # Panics
//
// Work panics if ctx or c is nil.
//
// # Cost
//
// A claim and an outcome for each job, both shared with all others that come at
// the same time, and a goroutine while it runs.
//
//go:noinline
func Work(ctx context.Context, c *Client, conf WorkerConfig) error {
	c.must("Work")
	if ctx == nil {
		panic("job: Work with a nil context")
	}
	if conf.Name == "" {
		conf.Name = cut(fault.FrameAt(graph.CallerPC()).String(), state.MaxName-len("…"))
	}
	w := &worker{client: c, conf: conf}
	if err := w.check(); err != nil {
		return invalid(opWork, conf.Name, err)
	}
	return w.work(ctx)
}

var (
	errNoTasks   = errors.New("WorkerConfig.Tasks is empty: there is nothing that it could do")
	errNilRunner = errors.New("WorkerConfig.Runner is a nil pointer: look at the error of the pool's constructor, or leave it out")
	errNilTask   = errors.New("a task in WorkerConfig.Tasks is nil")
)

// check sets the defaults, and says what is wrong.
func (w *worker) check() error {
	c := &w.conf
	w.tasks = make(map[string]task.Task, len(c.Tasks))
	for _, t := range c.Tasks {
		switch {
		case t == nil:
			return errNilTask
		case w.tasks[t.Name()] != nil:
			return fmt.Errorf("WorkerConfig.Tasks has two tasks of the name %q: leave one out, or rename it", t.Name())
		}
		w.tasks[t.Name()] = t
		w.filter.Tasks = append(w.filter.Tasks, t.Name())
	}
	if len(w.tasks) == 0 {
		return errNoTasks
	}
	for _, q := range c.Queues {
		if err := checkName(q); err != nil {
			return fmt.Errorf("a name in WorkerConfig.Queues %w", err)
		}
	}
	w.filter.Queues = c.Queues
	if c.Slots < 0 || c.Slots > mostSlots {
		return fmt.Errorf("WorkerConfig.Slots is %d: it is 1 to %d, and zero stands for %d", c.Slots, mostSlots, defaultSlots)
	}
	if c.Grace < 0 {
		return fmt.Errorf("WorkerConfig.Grace is %v: it cannot be negative, and zero stands for %v", c.Grace, defaultGrace)
	}
	c.Slots = orDefault(c.Slots, defaultSlots)
	c.Grace = orDefault(c.Grace, defaultGrace)
	switch v := reflect.ValueOf(c.Runner); {
	case c.Runner == nil:
		c.Runner = inline{}
	case v.Kind() == reflect.Pointer && v.IsNil():
		return errNilRunner
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	w.slots.name, w.slots.size, w.slots.free = c.Name, c.Slots, c.Slots
	return nil
}
