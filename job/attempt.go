package job

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/origin"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// An attempt is a worker's at one job.
type attempt struct {
	*stint
	worker  *worker
	id      claimID
	lease   *Lease
	client  *Client
	reports reports
	origin  origin.Attempt

	mu    sync.Mutex
	waits int         // of the handler, for jobs: its slot is lent while there are any
	over  bool        // the handler has returned
	end   func(error) // ends the handler's context; nil before it is there, and when the handler has ended
	why   error       // to end it with
	task  *graph.Task // that the handler is in; nil before it is there

	refused fault.Kind // the rung has refused the work, with an error of that kind; run's
}

func newAttempt(st *stint, l *Lease) *attempt {
	a := &attempt{stint: st, worker: st.worker, lease: l, id: claimID{l.info.ID, l.info.Epoch}}
	a.client = &Client{desk: st.client.desk, settings: st.client.settings, parent: l}
	a.client.settings.group = orDefault(a.client.settings.group, l.info.Group) // a tenant's children are its own
	a.reports.of = a
	i := &l.info
	a.origin = origin.Attempt{
		Log: l.session.desk.logID(), Job: i.ID, Epoch: i.Epoch, Number: i.Attempt, Scheduled: i.Schedule != "", Tick: i.Tick,
		TraceParent: i.TraceParent, TraceState: i.TraceState, Local: a,
	}
	return a
}

// stop ends the handler's context, for why.
func (a *attempt) stop(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.why == nil {
		a.why = why
		if !a.over {
			a.overdue.add(a)
		}
	}
	if a.end != nil {
		a.end(why)
	}
}

// lend lets others have the handler's slot while it waits, in one place or more.
func (a *attempt) lend() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waits++; a.waits == 1 && !a.over {
		a.slots.lend()
	}
}

func (a *attempt) repay() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waits--; a.waits == 0 && !a.over {
		a.slots.repay()
	}
}

// returned gives the slot back. What outlives the handler has none.
func (a *attempt) returned() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.slots.returned(a.waits > 0)
}

// run runs the handler, and sees to it that the log has what came of it.
func (a *attempt) run(ctx context.Context) error {
	info := &a.lease.info
	h := origin.With(ctx, &a.origin)
	if info.Attempt == 1 && len(info.Failures) == 0 && info.TraceParent != "" {
		h = task.WithTrace(h, task.Trace{Parent: info.TraceParent, State: info.TraceState})
	}
	h = task.OnProgress(h, a.reports.progress)
	f, deadline := lit(a)
	h, end := mirror(h, deadline)
	a.mu.Lock()
	a.end, a.task = end, graph.FromContext(ctx)
	if a.why != nil {
		end(a.why)
	}
	a.mu.Unlock()

	var out []byte
	err := errGoexit
	defer func() {
		if err == errGoexit {
			value := recover()
			err = &fault.Panic{Value: value, Goexit: value == nil, Stack: string(debug.Stack()), Task: info.Task}
		}
		a.mu.Lock()
		a.end = nil
		why := a.why
		a.mu.Unlock()
		if why != nil {
			a.overdue.remove(a)
		}
		end(nil)
		f.stop()
		a.returned()
		defer a.slots.told() // whatever goes wrong
		defer a.forget()
		a.tell(context.WithoutCancel(ctx), out, err, why)
	}()
	out, err = a.tasks[info.Task].Serve(h, a.conf.Runner, info.Input)
	a.refused = refusalOf(h, err)
	a.rest(h, err)
	return nil
}

// mirror is [task.Mirror], which costs four times as much, where there is a
// deadline that the context could end by.
func mirror(ctx context.Context, deadline time.Time) (context.Context, func(error)) {
	if deadline.IsZero() {
		return context.WithCancelCause(ctx)
	}
	return task.Mirror(ctx, deadline)
}

// errGoexit stands for the error of a handler that has not returned.
var errGoexit = errors.New("job: the handler has not returned")

func (a *attempt) forget() {
	a.worker.mu.Lock()
	defer a.worker.mu.Unlock()
	delete(a.running, a.id)
}

// tell lets the log have what came of the attempt. That it comes too late is known
// to those who need to know.
func (a *attempt) tell(ctx context.Context, out []byte, err error, why error) {
	a.reports.flush(ctx)
	if err == nil && len(out) > state.MaxPayload {
		err = task.Oversized(a.lease.info.Task, len(out), state.MaxPayload, true)
	}
	var told error
	switch {
	case err == nil:
		told = a.lease.Complete(ctx, out)
	case a.refused == fault.Invalid:
		told = a.lease.fail(ctx, err, false) // another worker's rung may take it
	case a.refused != fault.None:
		told = a.lease.Return(ctx)
	case !isStopping(why) || kindOf(err) != fault.Cancelled && !isIn(err, why):
		told = a.lease.Fail(ctx, err)
	case a.lease.info.Attached: // which is not tried again
		told = a.lease.Fail(ctx, &fault.Error{Op: opRun, Task: a.lease.info.Task, Kind: fault.Lost, Started: true, Err: err})
	default:
		told = a.lease.Return(ctx) // it is nobody's fault
	}
	if told != nil && fault.KindOf(told) != fault.Fenced && a.isLost() == nil {
		a.conf.Log.Warn("job: what came of an attempt is not in the log", "name", a.conf.Name, "job", a.lease.ID(), "task", a.lease.info.Task, "err", told)
	}
}

// isIn is errors.Is of an error of somebody's, whose methods may panic.
func isIn(err, target error) (is bool) {
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	return errors.Is(err, target)
}

// inline is the rung of handlers that run where their attempt does: on a goroutine
// of their own.
type inline struct{}

// Run makes inline a [task.Runner]. A panic is for who runs the attempt.
func (inline) Run(ctx context.Context, c *task.Call) error {
	if err := c.Ended(ctx); err != nil {
		return err
	}
	return c.Invoke(ctx)
}
