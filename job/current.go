package job

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hemgo/hem/internal/origin"
	"github.com/hemgo/hem/task"
)

// current is the attempt that a handler's context is of, or nil: also in a process of
// its own, where others know of the attempt what [origin] carries.
func current(ctx context.Context) *attempt {
	o := origin.Of(ctx)
	if o == nil {
		return nil
	}
	a, _ := o.Local.(*attempt)
	return a
}

// Current returns, for the context of a handler, a client that is bound to its
// job: what is run through it are the job's children, and end with it. See
// [Client.Run]. What is enqueued through it is nobody's, as always. It has the
// options of the worker's client, and the job's [Group] if those say none.
//
// In any other context it is nil, which is no Runner: what is done with it fails
// or panics. So it is for a handler that runs in a process of its own, which may
// [Connect] to the owner.
func Current(ctx context.Context) *Client {
	a := current(ctx)
	if a == nil {
		return nil
	}
	return a.client
}

// Token returns what fences the attempt that ctx, a handler's, is of. Whoever
// changes something outside for the job can keep, with what is changed, the
// highest Epoch that it has seen of the job, and refuse what comes with a lower
// one: then of two workers of which each believes that the job is its own only
// one is heard, there as well. It is known on every rung, also where the handler runs
// in a process of its own. ok is false in any other context.
func Token(ctx context.Context) (token FencingToken, ok bool) {
	o := origin.Of(ctx)
	if o == nil {
		return FencingToken{}, false
	}
	return FencingToken{Log: o.Log, Job: ID(o.Job), Epoch: o.Epoch}, true
}

// Scheduled returns for which tick of its [Schedule] the job was made that ctx, a
// handler's, is of, on every rung. ok is false if it is of no schedule.
func Scheduled(ctx context.Context) (tick time.Time, ok bool) {
	o := origin.Of(ctx)
	if o == nil || !o.Scheduled {
		return time.Time{}, false
	}
	return timeOf(o.Tick), true
}

// Attempt returns which attempt of its job ctx, a handler's, is of, from 1, on every
// rung; 0 in any other context.
func Attempt(ctx context.Context) int {
	if o := origin.Of(ctx); o != nil {
		return o.Number
	}
	return 0
}

// Link returns the trace context of whoever enqueued the job that ctx, a
// handler's, is of. The first attempt continues that trace: there
// [task.TraceOf] is the same. A later one may come long afterwards, and begins one
// of its own, which should have a link to this. It is known on every rung.
func Link(ctx context.Context) task.Trace {
	o := origin.Of(ctx)
	if o == nil {
		return task.Trace{}
	}
	return task.Trace{Parent: o.TraceParent, State: o.TraceState}
}

// Logf adds a line to the log of the running job that ctx, a handler's, is of. The
// newest hundred can be seen with [Client.Progress] while it is running, and
// nothing of them is kept. A line has 1 KiB at most. In any other context, also that of
// a handler in a process of its own, Logf does nothing.
func Logf(ctx context.Context, format string, args ...any) {
	if a := current(ctx); a != nil {
		for line := range strings.Lines(fmt.Sprintf(format, args...)) {
			a.reports.say(cut(strings.TrimRight(line, "\n"), mostLine-len("…")))
		}
	}
}

// mostLine is how many bytes a line has at most.
const mostLine = 1 << 10

// lend gives the slot that ctx's handler has to others, until the function that it
// returns is called.
func lend(ctx context.Context) (back func()) {
	a := current(ctx)
	if a == nil {
		return func() {}
	}
	a.lend()
	return a.repay
}
