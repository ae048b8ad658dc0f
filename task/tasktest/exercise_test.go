package tasktest_test

import (
	"testing"

	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

func TestHereKeepsTheContract(t *testing.T) {
	tasktest.Exercise(t, tasktest.Traits{SharedMemory: true}, func(*testing.T, ...task.Task) task.Runner { return task.Here })
}

func TestLoopbackKeepsTheContract(t *testing.T) {
	tasktest.Exercise(t, loopbackTraits, func(_ *testing.T, tasks ...task.Task) task.Runner {
		return tasktest.NewLoopback(loopbackTraits.MaxPayload, tasks...)
	})
}

var loopbackTraits = tasktest.Traits{MaxPayload: 64 << 10, CanBeUnknown: true}

func TestRetryKeepsTheContractOfWhatItViews(t *testing.T) {
	t.Run("Here", func(t *testing.T) {
		tasktest.Exercise(t, tasktest.Traits{SharedMemory: true}, func(*testing.T, ...task.Task) task.Runner {
			return task.Retry(task.RetryPolicy{}, task.Here)
		})
	})
	t.Run("Loopback", func(t *testing.T) {
		tasktest.Exercise(t, loopbackTraits, func(_ *testing.T, tasks ...task.Task) task.Runner {
			return task.Retry(task.RetryPolicy{}, tasktest.NewLoopback(loopbackTraits.MaxPayload, tasks...))
		})
	})
}
