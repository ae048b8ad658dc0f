package job_test

import (
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/jobtest"
)

// Requests whose jobs are many and small count as what memory they take.
func TestManySmallJobsCountAsWhatTheyTake(t *testing.T) {
	o := open(t, jobtest.NewMemory(), job.Config{Depth: 1})
	put(t, o.Client(), 1)
	h := byHand(t, o)
	specs := make([]state.Spec, state.MaxBatch)
	for i := range specs {
		specs[i] = state.Spec{Task: "t", Queue: "q", Attempts: 1}
	}
	before := heap()
	go func() { // it blocks, once it is not read any more
		for range 300 {
			if _, err := h.conn.Write(h.frame(&owner.Request{Op: owner.Enqueue, Specs: specs})); err != nil {
				return
			}
		}
	}()
	time.Sleep(5 * time.Second)
	wantHeap(t, before, 150<<20)
}
