package job

import (
	"context"

	"github.com/hemgo/hem/internal/origin"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

func awaiting(ctx context.Context, id, seen, caller uint64) *request {
	r := &request{}
	r.Op, r.Job, r.Watched, r.Seen, r.Caller = owner.Await, id, task.Watched(ctx), seen, caller
	return r
}

// asker is the attempt in whose handler ctx is, if its job is in the log that c asks:
// also in a process of its own. The owner knows whether the attempt is over: what has
// outlived it keeps nobody waiting.
func (c *Client) asker(ctx context.Context) owner.Asker {
	o := origin.Of(ctx)
	if o == nil || o.Log != c.desk.logID() {
		return owner.Asker{}
	}
	_, timed := ctx.Deadline()
	return owner.Asker{Job: o.Job, Epoch: o.Epoch, Endless: !timed}
}

// wait waits for the end of the job that r, an Await or an Enqueue that follows,
// is of. Progress goes to whoever listens in ctx. A handler that waits does not
// take its worker's slot meanwhile: what it waits for may need one.
func (c *Client) wait(ctx context.Context, r *request) (*state.Info, error) {
	defer lend(ctx)()
	for {
		if err := c.desk.ask(ctx, r); err != nil {
			return nil, err
		}
		if p := &r.Report; p.Seq > 0 {
			task.Report(ctx, task.Progress{Done: p.Done, Total: p.Total, Note: p.Note})
		}
		if len(r.Jobs) > 0 {
			return &r.Jobs[0], nil
		}
		next := awaiting(ctx, r.Job, r.Report.Seq, r.Caller)
		next.called, next.scope, next.Asker = r.called, r.scope, r.Asker
		r = next
	}
}
