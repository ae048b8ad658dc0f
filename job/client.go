package job

import (
	"context"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A Client asks an owner for things. It is made by [Owner.Client] or, for an owner in
// another process, by [Remote.Client]; [Client.With]
// gives views of it that differ in their options and in nothing else. Any
// goroutine may use it.
//
// Its methods, and [Enqueue], wait until the log has what they have asked for, so
// that what they answer stays true whatever breaks afterwards; what only reads
// waits for what was read. They have this in common:
//
// # Cancellation
//
// If ctx ends before the owner has begun with a request, nothing has happened,
// and nothing will: the error has not [fault.Started]. Otherwise the outcome is
// a matter of one append: it is awaited, for up to 100 ms, and is the answer.
// If even that is too short, the error has Started: it may happen. Either way it
// is of kind [fault.Cancelled] or [fault.Deadline], and Is ctx's cause.
//
// # Errors
//
// Each is a [*fault.Error] of one of these kinds, beside those that are named
// with the methods:
//
//	fault.Lost       the owner has ended: another one took over, or the log
//	                 failed. Started says whether it may have happened.
//	fault.Cancelled  the owner was closed meanwhile. Not started.
//	fault.Invalid    the owner is closed. Not started.
//
// # Panics
//
// They panic if ctx or the Client is nil.
type Client struct {
	desk     desk
	settings settings
	parent   *Lease // of the job that it is bound to; nil is none
}

// With returns the client seen through opts, which are those of every job that is
// enqueued through it, unless the job says otherwise.
func (c *Client) With(opts ...Option) *Client {
	c.must("With")
	bound := *c
	bound.settings = c.settings.with(opts)
	return &bound
}

func (c *Client) must(verb string) {
	if c == nil {
		panic("job: " + verb + " of a nil Client, which is what Current gives outside a job's handler")
	}
	if c.desk == nil {
		panic("job: " + verb + " of a Client that no Owner has made")
	}
}

// Status says what there is to say of a job.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid] with [ErrNoJob].
func (c *Client) Status(ctx context.Context, id ID) (Status, error) {
	r, err := c.about(ctx, "Status", opStatus, owner.Job, id)
	if err != nil {
		return Status{}, err
	}
	return statusOf(&r.Jobs[0]), nil
}

// Input returns the input of a job as [task.Task.Serve] takes it, nil if the job is
// done or was cancelled.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid] with [ErrNoJob].
func (c *Client) Input(ctx context.Context, id ID) ([]byte, error) {
	r, err := c.about(ctx, "Input", opInput, owner.Job, id)
	if err != nil {
		return nil, err
	}
	return r.Jobs[0].Input, nil
}

// Cancel sees to it that a job does nothing any more, and returns the state that
// it has then. One that nobody has claimed is Cancelled; after that nobody will
// begin with it. One that is Running stays so until its attempt ends: it is not
// tried again, and is Cancelled unless it was completed. One that has ended stays
// as it is, which is no error. Whoever works on the job is told at once: its
// handler's context ends, with a cause that Is the one which [Client.CancelCause] was
// given. What the job has begun through [Current] is cancelled with it.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid] with [ErrNoJob].
func (c *Client) Cancel(ctx context.Context, id ID) (State, error) {
	return c.CancelCause(ctx, id, nil)
}

// CancelCause is [Client.Cancel] that says why: the handler's [context.Cause], and
// the error of whoever waits for the job, Is cause, as far as [fault.Decode] can
// give it back. A nil cause says nothing.
func (c *Client) CancelCause(ctx context.Context, id ID, cause error) (State, error) {
	r := &request{}
	if cause != nil {
		r.Cause = encoded(cause)
	}
	if err := c.askAbout(ctx, "Cancel", opCancel, owner.Cancel, id, r); err != nil {
		return 0, err
	}
	return State(r.Status), nil
}

// Replay makes a dead letter ready again, with all its attempts before it. Its
// failures stay in its history.
//
// # Errors
//
// Beside those of [Client]:
//
//	fault.Invalid     there is no such job ([ErrNoJob]), it is not dead, or a
//	                  live job has its key.
//	fault.Overloaded  there is no room for one more live job.
func (c *Client) Replay(ctx context.Context, id ID) error {
	_, err := c.about(ctx, "Replay", opReplay, owner.Revive, id)
	return err
}

// about asks for something about one job.
func (c *Client) about(ctx context.Context, verb, op string, what owner.Op, id ID) (*request, error) {
	r := &request{}
	return r, c.askAbout(ctx, verb, op, what, id, r)
}

func (c *Client) askAbout(ctx context.Context, verb, op string, what owner.Op, id ID, r *request) error {
	c.must(verb)
	if ctx == nil {
		panic("job: " + verb + " with a nil context")
	}
	r.Op, r.Job = what, uint64(id)
	err := c.desk.ask(ctx, r)
	if err == state.ErrEnded && what == owner.Cancel {
		return nil // the answer says how; to ask for that apart could find it replayed
	}
	return refusal(op, id.String(), err)
}

// Counts returns how many jobs a queue has, "" being all queues. A queue that
// nothing was ever put in has none.
func (c *Client) Counts(ctx context.Context, queue string) (Counts, error) {
	c.must("Counts")
	if ctx == nil {
		panic("job: Counts with a nil context")
	}
	r := &request{}
	r.Op, r.Name = owner.Counts, queue
	if err := c.desk.ask(ctx, r); err != nil {
		return Counts{}, refusal(opCounts, queue, err)
	}
	return countsOf(r.Counts), nil
}
