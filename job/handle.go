package job

import (
	"context"

	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// A Handle is of one job, whose task returns an Out. It is made by [Enqueue] and
// [Find].
type Handle[Out any] struct {
	client   *Client
	id       ID
	existing bool
	read     func(context.Context, *state.Info) (Out, error)
}

func newHandle[In, Out any](c *Client, t *task.Def[In, Out], id ID, existing bool) *Handle[Out] {
	return &Handle[Out]{client: c, id: id, existing: existing, read: func(ctx context.Context, info *state.Info) (Out, error) {
		var none In
		return t.Do(context.WithoutCancel(ctx), (*ended)(info), none)
	}}
}

// ended is a [task.Runner] that runs nothing: the job has.
type ended state.Info

// Run gives c the job's outcome.
func (e *ended) Run(_ context.Context, c *task.Call) error {
	if info := (*state.Info)(e); info.Status != state.Done {
		return outcome(opWait, info)
	}
	return c.SetOutput(e.Result)
}

// Find returns a handle of a job whose number is known, which is one of t. It does
// not ask whether there is such a job.
func Find[In, Out any](c *Client, t *task.Def[In, Out], id ID) *Handle[Out] {
	c.must("Find")
	return newHandle(c, t, id, true)
}

// must panics for a Handle that nobody has made.
func (h *Handle[Out]) must(verb string) {
	if h == nil || h.client == nil {
		panic("job: " + verb + " of a Handle that neither Enqueue nor Find has made")
	}
}

// ID returns which job it is.
func (h *Handle[Out]) ID() ID {
	h.must("ID")
	return h.id
}

// Existing reports whether the job was there already when it was to be enqueued:
// one with the same key.
func (h *Handle[Out]) Existing() bool {
	h.must("Existing")
	return h.existing
}

// Wait waits until the job has ended, and returns what its task has: its output,
// or its error as [fault.Decode] gives it. Progress goes to whoever listens by
// [task.OnProgress]. A handler that waits lends its worker's slot to others.
//
// # Cancellation
//
// When ctx ends Wait returns; the job goes on.
//
// # Errors
//
// Beside those of [Client]: the task's own; [fault.Cancelled] if the job was
// cancelled, which Is the canceller's cause; [fault.Lost] if the worker of its
// last attempt was lost; [fault.Deadline] if its deadline passed before an attempt
// could begin; [fault.Invalid] with [ErrNoJob] if the job is no longer kept: see
// [Keep]. In a handler also [fault.Deadlocked], not started: the job is the handler's
// own, or one above it; or it waits, by others perhaps, for the handler's, and nobody has a
// deadline; or it has not begun, and the handler's and those above it have all that its
// queue, or its limit's key, lets run at a time.
func (h *Handle[Out]) Wait(ctx context.Context) (Out, error) {
	h.must("Wait")
	if ctx == nil {
		panic("job: Wait with a nil context")
	}
	r := awaiting(ctx, uint64(h.id), 0, 0)
	r.Asker = h.client.asker(ctx)
	info, err := h.client.wait(ctx, r)
	if err != nil {
		var none Out
		return none, refusal(opWait, h.id.String(), err)
	}
	return h.read(ctx, info)
}

// Status is [Client.Status] of the job.
func (h *Handle[Out]) Status(ctx context.Context) (Status, error) {
	h.must("Status")
	return h.client.Status(ctx, h.id)
}

// Progress is [Client.Progress] of the job.
func (h *Handle[Out]) Progress(ctx context.Context) (Progress, error) {
	h.must("Progress")
	return h.client.Progress(ctx, h.id)
}

// Cancel is [Client.Cancel] of the job.
func (h *Handle[Out]) Cancel(ctx context.Context) (State, error) {
	h.must("Cancel")
	return h.client.Cancel(ctx, h.id)
}
