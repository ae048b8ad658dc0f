package job

import (
	"context"
	"errors"
	"fmt"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// Enqueue makes a job of the call of t with in, and returns when the job will
// survive whatever happens to this process. It is done by whoever claims it: see
// [Client.Session].
//
// If a live job of t has the job's key, nothing is enqueued: the handle is of
// that one, and says so.
//
// Where there is no room, of jobs in the queue or in all, or of bytes, Enqueue
// waits for it: in order of arrival, as long as ctx lasts. With [NoWait] it does
// not.
//
// # Cancellation
//
// As with every method of [Client]: ctx is about enqueueing, and not about the
// job, which is there until it ends. [Handle.Cancel] ends it.
//
// # Errors
//
// Beside those of Client, none of them started:
//
//	fault.Invalid     the input cannot be encoded, or has more than 256 KiB
//	                  then; an option is wrong; the task is not one of
//	                  Config.Tasks; the input is larger than Config.Bytes.
//	fault.Overloaded  there is no room, and NoWait was said; or, in a handler, all
//	                  who could make room wait for it. Or the log is low on room:
//	                  that is told at once, with a [fault.RetryDelay].
//	fault.Deadlocked  in a handler, whose job and those above it have so much of a
//	                  bounded queue that there can be no room before they end.
//
// # Panics
//
// Enqueue panics if ctx or c is nil, or t was not made by task.Define. A panic
// of a task's key function goes on in the caller.
//
// # Cost
//
// One append of the log, shared by all who come at the same time: see the
// package.
func Enqueue[In, Out any](ctx context.Context, c *Client, t *task.Def[In, Out], in In, opts ...Option) (*Handle[Out], error) {
	c.must("Enqueue")
	if ctx == nil {
		panic("job: Enqueue with a nil context")
	}
	j, err := draft(t, in, opts)
	if err != nil {
		return nil, invalid(opEnqueue, t.Name(), err)
	}
	id, existing, err := c.enqueue(ctx, &j)
	if err != nil {
		return nil, err
	}
	return newHandle(c, t, id, existing), nil
}

func (c *Client) enqueue(ctx context.Context, j *Job) (id ID, existing bool, err error) {
	spec, noWait, err := c.spec(j)
	if err != nil {
		return 0, false, invalid(opEnqueue, j.task, err)
	}
	spec.TraceParent, spec.TraceState = trace(ctx)
	r := newEntry(spec, !noWait)
	r.Asker = c.asker(ctx)
	if err := c.desk.ask(ctx, r); err != nil {
		return 0, false, refusal(opEnqueue, j.task, err)
	}
	return ID(r.IDs[0]), r.Existing[0], nil
}

// EnqueueMany enqueues jobs, all of them or none, and returns their ids in order.
// The id of one whose key a live job has is that job's, be it one of the same
// batch. It costs the log as much as one Enqueue.
//
// It is [Enqueue] in every other way; where it waits for room it waits for all of
// it, in the order of arrival.
//
// # Errors
//
// Beside those of Enqueue, [fault.Invalid]: no jobs, more than 4,096, more than
// fit in one record of the log (512 KiB, of which a job takes what its input and
// its names take and some 40 bytes), more than fit in a queue that is empty, or a
// Job that [New] has not made.
func (c *Client) EnqueueMany(ctx context.Context, jobs []Job) ([]ID, error) {
	c.must("EnqueueMany")
	if ctx == nil {
		panic("job: EnqueueMany with a nil context")
	}
	if err := checkBatch(len(jobs)); err != nil {
		return nil, invalid(opEnqueue, "", err)
	}
	r := &request{}
	r.Op, r.Wait, r.Asker = owner.Enqueue, true, c.asker(ctx)
	r.Specs = make([]state.Spec, len(jobs))
	for i := range jobs {
		spec, noWait, err := c.spec(&jobs[i])
		if err != nil {
			return nil, invalid(opEnqueue, jobs[i].task, fmt.Errorf("job %d of %d: %w", i+1, len(jobs), err))
		}
		spec.TraceParent, spec.TraceState = trace(ctx)
		r.Specs[i] = spec
		r.Wait = r.Wait && !noWait
	}
	r.queue = r.Specs[0].Queue
	if err := c.desk.ask(ctx, r); err != nil {
		return nil, refusal(opEnqueue, "", err)
	}
	ids := make([]ID, len(r.IDs))
	for i, id := range r.IDs {
		ids[i] = ID(id)
	}
	return ids, nil
}

var (
	errZeroJob = errors.New("it was not made by New")
	errNoJobs  = errors.New("there are no jobs in the batch")
)

const hintSmaller = "make several of them: each is accepted or refused by itself"

// checkBatch says why n jobs cannot be enqueued as one.
func checkBatch(n int) error {
	switch {
	case n == 0:
		return errNoJobs
	case n > state.MaxBatch:
		return &fault.Error{Err: fmt.Errorf("the batch has %d jobs, of at most %d", n, state.MaxBatch), Hint: hintSmaller}
	}
	return nil
}
