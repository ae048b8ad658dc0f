package job

import (
	"context"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/task"
)

// Progress is what a running job has said of itself: by [task.Report] and [Logf].
type Progress struct {
	task.Progress
	At    time.Time // when it last said something; zero is never
	Lines []string  // the newest, oldest first
}

// Progress returns what a job has said in its present attempt. It is nothing
// unless the job is running.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid] with [ErrNoJob].
func (c *Client) Progress(ctx context.Context, id ID) (Progress, error) {
	r, err := c.about(ctx, "Progress", opProgress, owner.Progress, id)
	if err != nil {
		return Progress{}, err
	}
	return Progress{
		Progress: task.Progress{Done: r.Report.Done, Total: r.Report.Total, Note: r.Report.Note},
		At:       timeOf(r.Report.At), Lines: r.Report.Lines,
	}, nil
}
