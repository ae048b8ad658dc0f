package job_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

// opened opens an owner until t ends.
func opened(t *testing.T, log job.Log) (*job.Owner, *job.Client) {
	t.Helper()
	o := open(t, log, job.Config{})
	return o, o.Client()
}

// working lets a worker work until t ends.
func working(t *testing.T, c *job.Client, conf job.WorkerConfig) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- job.Work(ctx, c, conf) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Work: %v", err)
		}
	})
}

// worked opens an owner and a worker that knows tasks, both until t ends.
func worked(t *testing.T, conf job.WorkerConfig) *job.Client {
	t.Helper()
	_, c := opened(t, jobtest.NewMemory())
	working(t, c, conf)
	return c
}

func TestJobsKeepTheContractOfTask(t *testing.T) {
	tasktest.Exercise(t, tasktest.Traits{MaxPayload: 256 << 10}, func(t *testing.T, tasks ...task.Task) task.Runner {
		return worked(t, job.WorkerConfig{Tasks: tasks, Slots: 100})
	})
}
