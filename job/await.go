package job

import (
	"context"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// await waits for the end of a job. Progress goes to whoever listens in ctx. A
// handler that waits does not take its worker's slot meanwhile: what it waits for
// may need one.
func (c *Client) await(ctx context.Context, id uint64) (*state.Info, error) {
	defer lend(ctx)()
	watched := task.Watched(ctx)
	var seen uint64
	for {
		r := &request{}
		r.Op, r.Job, r.Watched, r.Seen = owner.Await, id, watched, seen
		if err := c.desk.ask(ctx, r); err != nil {
			return nil, err
		}
		if r.Report.Seq > seen {
			seen = r.Report.Seq
			task.Report(ctx, task.Progress{Done: r.Report.Done, Total: r.Report.Total, Note: r.Report.Note})
		}
		if len(r.Jobs) > 0 {
			return &r.Jobs[0], nil
		}
	}
}
