package job_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

// kept is what jobs promise on any rung: inputs that the log holds.
var kept = tasktest.Traits{MaxPayload: 256 << 10}

func TestJobsKeepTheContractOfTask(t *testing.T) {
	tasktest.Exercise(t, kept, func(t *testing.T, tasks ...task.Task) task.Runner {
		return worked(t, job.WorkerConfig{Tasks: tasks, Slots: 100})
	})
}

// The caller and the worker each have a connection of their own.
func TestJobsKeepTheContractOfTaskBetweenTwoWhoAreElsewhere(t *testing.T) {
	tasktest.Exercise(t, kept, func(t *testing.T, tasks ...task.Task) task.Runner {
		o, _, caller := reached(t, jobtest.NewMemory(), job.Config{})
		working(t, remote(t, &host{owner: o}).Client(), job.WorkerConfig{Tasks: tasks, Slots: 100, Log: quiet})
		return caller.Client()
	})
}

func TestJobsKeepTheContractOfTaskOnAPool(t *testing.T) {
	tasktest.Exercise(t, kept, func(t *testing.T, tasks ...task.Task) task.Runner {
		return worked(t, job.WorkerConfig{Tasks: tasks, Slots: 100, Runner: pooled(t, 16)})
	})
}

// pooled is a pool of some size, until t ends.
func pooled(t *testing.T, size int) *pool.Pool {
	t.Helper()
	p, err := pool.New(pool.Config{Size: size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}
