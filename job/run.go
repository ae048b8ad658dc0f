package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

var _ task.Runner = (*Client)(nil)

// Run makes Client a [task.Runner]: the work is a job, which some worker does
// (see [Work]), and Run returns when it has ended. Task.Do, Go and On call it.
//
// A call without a key is attached: its job belongs to the caller. It is cancelled
// when ctx ends, and also when the caller is not there any more: its process, or,
// for a client of [Current], the attempt of the job that it is in. It gets one
// attempt, unless the client was made with [Attempts].
//
// A call with a key outlives a caller that dies, and is tried as often as other
// jobs. Callers of one key wait for one job. It is cancelled when ctx ends and
// nobody else waits for it: to cancel is a decision, to die is not. Who comes when it
// was cancelled and has not ended yet waits for that, and has another one. Through a
// client of [Current] keys are the parent's own: when that is run again it finds
// what it had begun, be it running or done, and a child that was done is not done
// twice. Such children end with their parent.
//
// # Cancellation
//
// When ctx ends, whoever works on the job is told, with ctx's cause, and Run waits
// for what it says: it may have been done. A worker that says nothing is given up
// by its session, which takes 10 s at most after it was last heard. With a key Run
// does not wait, unless the owner cannot be reached, and then no longer than that
// takes to be Lost.
//
// # Errors
//
// The function's own, as [fault.Decode] gives it. Beside those of [Client] and
// [Enqueue]:
//
//	fault.Cancelled  ctx has ended; or somebody else has cancelled the job, and
//	                 then it Is their cause.
//	fault.Deadline   ctx's deadline has passed. If not started, no attempt had
//	                 begun.
//	fault.Lost       the worker of the last attempt was lost. Started.
//	                 Or, through a [Remote], the owner could not be reached for
//	                 6 s: Run returns 10 s at most after it was last heard. If
//	                 started the job may be there: without a key the owner cancels
//	                 it, 10 s after it has last heard of this process; with one it
//	                 goes on, and whoever calls again joins it. If ctx has ended
//	                 as well the error Is its cause.
//	fault.Fenced     through a client of [Current]: the attempt is over.
//	fault.Deadlocked in a handler, or through a client of [Current]: the handler's
//	                 job and those above it have all that the queue of what is
//	                 called, or its limit's key, lets run at a time, so it would
//	                 wait for them. Or the key is that of one of them, or of a job
//	                 that waits, by others perhaps, for the handler's, and nobody
//	                 has a deadline. Not started, or joined and left again.
//
// # Cost
//
// Three requests, two of which wait for the log: see the package.
func (c *Client) Run(ctx context.Context, call *task.Call) error {
	c.must("Run")
	if err := call.Ended(ctx); err != nil {
		return err
	}
	spec, noWait, err := c.callSpec(ctx, call)
	if err != nil {
		return invalid(opRun, call.Name(), err)
	}
	if spec.Attached && spec.Parent == 0 {
		if spec.Session, err = c.desk.scope(ctx); err != nil {
			return notBegun(call, err)
		}
	}
	info, err := c.follow(ctx, call, spec, !noWait)
	if err != nil {
		return err
	}
	if c.parent != nil && info.Status == state.Cancelled && info.Cause == state.CauseScope {
		return orphaned(ctx, info)
	}
	return settle(ctx, call, info)
}

// notBegun is the error of a call that could not have a session. Whether there is one
// is nothing to its caller.
func notBegun(call *task.Call, err error) error {
	e := &fault.Error{Op: opRun, Task: call.Name(), Kind: fault.KindOf(err), Err: err}
	if inner, ok := err.(*fault.Error); ok {
		e.Err = inner.Err
	}
	return e
}

// orphaned is the error of a call that was cancelled with its parent's attempt,
// which this handler is of: it is about to be told why.
func orphaned(ctx context.Context, info *state.Info) error {
	if !endsSoon(ctx) {
		return outcome(opRun, info)
	}
	g := goneBy(ctx, context.Cause(ctx))
	return &fault.Error{Op: opRun, Task: info.Task, Kind: g.kind, Started: info.Epoch > 0, Err: g.cause}
}

// endsSoon reports whether ctx, a handler's that is about to be told that its attempt
// is over, ends.
func endsSoon(ctx context.Context) bool {
	soon := time.NewTimer(patience)
	defer soon.Stop()
	select {
	case <-ctx.Done():
		return true
	case <-soon.C:
		return false
	}
}

// outlived is the error of a call that came when its parent's attempt was over, or
// was being cancelled: likewise.
func (c *Client) outlived(ctx context.Context, call *task.Call) error {
	if endsSoon(ctx) {
		return call.Ended(ctx)
	}
	return refusal(opRun, call.Name(), state.ErrScope)
}

// callSpec is the job of a call.
func (c *Client) callSpec(ctx context.Context, call *task.Call) (spec state.Spec, noWait bool, err error) {
	in, err := call.Input()
	if err != nil {
		return spec, false, err
	}
	if len(in) > state.MaxPayload {
		return spec, false, task.Oversized(call.Name(), len(in), state.MaxPayload, false)
	}
	j := Job{task: call.Name(), input: in}
	j.key, _ = call.Key()
	if spec, noWait, err = c.spec(&j); err != nil {
		return spec, false, err
	}
	spec.TraceParent, spec.TraceState = trace(ctx)
	if c.parent != nil {
		spec.Parent, spec.ParentEpoch = uint64(c.parent.ID()), c.parent.info.Epoch
	}
	spec.Keep = max(spec.Keep, micros(leastKeep)) // until its caller has been told
	if spec.Key != "" {
		spec.Called = spec.Parent == 0
		return spec, noWait, nil
	}
	spec.Attached = true
	spec.Bury = spec.Keep // its caller is told, and nobody can have it replayed
	if !c.settings.tried {
		spec.Attempts = 1
	}
	if at, ok := ctx.Deadline(); ok && at.UnixMicro() < state.MaxTime { // what is later is never
		if d := c.desk.wall(at) + 1; spec.Deadline == 0 || d < spec.Deadline {
			spec.Deadline = max(d, 1)
		}
	}
	return spec, noWait, nil
}

// leastKeep is how long a call's job is kept at least.
const leastKeep = 10 * time.Second

func trace(ctx context.Context) (parent, state string) {
	t := task.TraceOf(ctx)
	return t.Parent, t.State
}

// follow enters the job of a call and waits until it has ended. When ctx ends it is
// cancelled, or left to others.
func (c *Client) follow(ctx context.Context, call *task.Call, spec state.Spec, wait bool) (*state.Info, error) {
	r := newEntry(spec, wait)
	r.patient, r.Follow, r.Watched, r.Caller = true, true, task.Watched(ctx), rand.Uint64()|1
	r.called, r.scope, r.Asker = true, c.scope(&spec), c.asker(ctx)
	looks := true
	defer func() {
		if looks && len(r.IDs) > 0 { // who is told of progress panics, or ends the goroutine
			soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			_ = c.desk.ask(soon, c.leaving(r.IDs[0], &spec, r.Caller, errWentAway))
		}
	}()
	info, err := c.wait(ctx, r)
	looks = false
	var left *gone
	var knot *state.KnotError
	switch {
	case err == nil:
		return info, nil
	case err == state.ErrLate:
		return nil, &fault.Error{Op: opRun, Task: call.Name(), Kind: fault.Deadline, Err: context.DeadlineExceeded}
	case err == state.ErrScope && c.parent != nil:
		return nil, c.outlived(ctx, call)
	case errors.Is(err, errUnreached):
		return nil, c.unreached(ctx, call, err, len(r.IDs) > 0)
	case len(r.IDs) == 0:
		return nil, refusal(opRun, call.Name(), err)
	case errors.As(err, &knot): // others have closed the ring meanwhile
		e := unknown(call, err)
		_ = c.desk.ask(context.WithoutCancel(ctx), c.leaving(r.IDs[0], &spec, r.Caller, e))
		return nil, e
	case !errors.As(err, &left):
		return nil, unknown(call, err)
	}
	return c.leave(ctx, call, r.IDs[0], &spec, r.Caller)
}

// scope is the session with which a call ends, if nothing is heard of it: the one
// that it is attached to, or that of the attempt that it is in.
func (c *Client) scope(spec *state.Spec) uint64 {
	if c.parent != nil {
		return c.parent.session.id
	}
	return spec.Session
}

// unreached is the error of a call whose owner, elsewhere, could not be reached for
// too long. Of a child the attempt is over by then.
func (c *Client) unreached(ctx context.Context, call *task.Call, err error, entered bool) error {
	e := &fault.Error{Op: opRun, Task: call.Name(), Kind: fault.Lost, Started: entered || fault.Started(err), Err: errUnreached}
	switch {
	case c.parent != nil && endsSoon(ctx):
		g := goneBy(ctx, context.Cause(ctx))
		e.Kind, e.Err = g.kind, g.cause
	case c.parent != nil:
		e.Kind = fault.Fenced
	case ctx.Err() != nil:
		e.Err = fmt.Errorf("%w, and told of this: %w", errUnreached, context.Cause(ctx))
	}
	return e
}

// leave is for a caller whose context has ended while the job was there.
func (c *Client) leave(ctx context.Context, call *task.Call, id uint64, spec *state.Spec, caller uint64) (*state.Info, error) {
	why := call.Ended(ctx)
	r := c.leaving(id, spec, caller, why)
	rest := context.WithoutCancel(ctx)
	switch err := c.desk.ask(rest, r); {
	case errors.Is(err, errUnreached):
		return nil, c.unreached(ctx, call, err, true)
	case err != nil && err != state.ErrEnded:
		return nil, unknown(call, err)
	case !spec.Attached && r.Status.Live():
		return nil, &fault.Error{Op: opRun, Task: call.Name(), Kind: fault.KindOf(why), Started: true, Err: context.Cause(ctx)}
	}
	end := awaiting(rest, id, 0, 0)
	end.called, end.scope = true, c.scope(spec)
	info, err := c.wait(rest, end)
	if errors.Is(err, errUnreached) {
		return nil, c.unreached(ctx, call, err, true)
	}
	return info, unknown(call, err)
}

// leaving says that a caller waits no longer.
func (c *Client) leaving(id uint64, spec *state.Spec, caller uint64, why error) *request {
	r := &request{called: true, scope: c.scope(spec)}
	r.Op, r.Job, r.Cause, r.Caller = owner.Leave, id, encoded(why), caller
	if spec.Attached {
		r.Op = owner.Cancel
	}
	return r
}

var errWentAway = &fault.Error{Op: opRun, Kind: fault.Cancelled, Err: errors.New("the caller has not returned from looking at progress")}

// unknown is the error of a call whose job there is, when what becomes of it
// cannot be learned.
func unknown(call *task.Call, err error) error {
	if err == nil {
		return nil
	}
	e := refusal(opRun, call.Name(), err)
	var fe *fault.Error
	if errors.As(e, &fe) {
		fe.Started = true
		if fe.Kind == fault.Invalid { // it is not kept any more
			fe.Kind = fault.Lost
		}
	}
	return e
}

// settle gives a call the outcome of its job.
func settle(ctx context.Context, call *task.Call, info *state.Info) error {
	if info.Status == state.Done {
		return call.SetOutput(info.Result)
	}
	if info.Epoch == 0 {
		if err := call.Ended(ctx); err != nil {
			return err
		}
	}
	return outcome(opRun, info)
}

// outcome is the error of a job that has ended and is not Done.
func outcome(op string, info *state.Info) error {
	e := &fault.Error{Op: op, Task: info.Task, Started: info.Epoch > 0}
	switch info.Cause {
	case state.CauseFailed:
		if len(info.Detail) > 0 {
			return fault.Decode(info.Detail)
		}
		e.Kind, e.Err = fault.Failed, lastFailure(info)
	case state.CauseLost:
		e.Kind, e.Err = fault.Lost, lastFailure(info)
	case state.CauseDeadline:
		e.Kind, e.Err = fault.Deadline, context.DeadlineExceeded
	case state.CauseScope:
		e.Kind, e.Err = fault.Cancelled, errScopeEnded
	default:
		e.Kind, e.Err = fault.Cancelled, errCancelled
		if len(info.Detail) > 0 {
			e.Err = fault.Decode(info.Detail)
			if fault.KindOf(e.Err) == fault.Deadline {
				e.Kind = fault.Deadline
			}
		}
	}
	return e
}

func lastFailure(info *state.Info) error {
	if n := len(info.Failures); n > 0 {
		return errors.New(info.Failures[n-1].Error)
	}
	return errNoFailure
}

var (
	errCancelled  = errors.New("the job was cancelled")
	errScopeEnded = errors.New("what the job belonged to has ended, or was cancelled")
	errNoFailure  = errors.New("the job has failed")
)

// encoded is err for the log, of [state.MaxDetail] bytes at most. Whatever err's
// methods do, it does not panic.
func encoded(err error) []byte {
	b := fault.Encode(err)
	if len(b) <= state.MaxDetail {
		return b
	}
	err = fault.Decode(b)
	var short error = errors.New(cut(err.Error(), state.MaxDetail/8))
	if d, ok := fault.RetryDelay(err); ok {
		short = fault.RetryAfter(short, d)
	} else if !fault.Retryable(err) {
		short = fault.Permanent(short)
	}
	return fault.Encode(&fault.Error{Kind: fault.KindOf(err), Started: fault.Started(err), Err: short})
}

// kindOf is the kind of an error of somebody's, whose methods may panic.
func kindOf(err error) fault.Kind { return fault.KindOf(fault.Decode(fault.Encode(err))) }
