package job_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

// worked opens an owner and a worker that knows tasks, both until t ends.
func worked(t *testing.T, conf job.WorkerConfig) *job.Client {
	t.Helper()
	o, err := job.Open(t.Context(), jobtest.NewMemory(), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c := o.Client()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- job.Work(ctx, c, conf) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Work: %v", err)
		}
		if err := o.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

func TestJobsKeepTheContractOfTask(t *testing.T) {
	tasktest.Exercise(t, tasktest.Traits{MaxPayload: 256 << 10}, func(t *testing.T, tasks ...task.Task) task.Runner {
		return worked(t, job.WorkerConfig{Tasks: tasks, Slots: 100})
	})
}
