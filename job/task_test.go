package job_test

import (
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

func TestJobsKeepTheContractOfTask(t *testing.T) {
	tasktest.Exercise(t, tasktest.Traits{MaxPayload: 256 << 10}, func(t *testing.T, tasks ...task.Task) task.Runner {
		return worked(t, job.WorkerConfig{Tasks: tasks, Slots: 100})
	})
}
