package jobtest_test

import (
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	jobtest.Exercise(t, func(*testing.T) (job.Log, func() job.Log) {
		m := jobtest.NewMemory()
		return m, func() job.Log {
			m = m.Reopen()
			return m
		}
	})
}
