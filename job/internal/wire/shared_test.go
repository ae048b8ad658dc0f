package wire_test

import (
	"sync"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

// What a job has is told over many connections at the same time. The race detector
// sees who writes to it.
func TestWhatIsPutIsNotWrittenTo(t *testing.T) {
	info, spec, leases := filled[state.Info](), filled[state.Spec](), []owner.Lease{{Job: 3, Epoch: 1}, {Job: 9, Epoch: 2}}
	filters := []state.Filter{{}, {Tasks: []string{}}, filled[state.Filter]()}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			f := wire.Put(nil)
			f.Info(&info)
			f.Spec(&spec)
			for i := range filters {
				f.Filter(&filters[i])
			}
			f.Request(&owner.Request{Op: owner.Attach, Session: 1, Leases: leases})
		})
	}
	all.Wait()
}
