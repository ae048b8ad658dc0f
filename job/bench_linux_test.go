package job_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
)

// fsync takes as long as that of a good disk, and blocks a thread as that does.
func fsync() {
	t := syscall.NsecToTimespec((150 * time.Microsecond).Nanoseconds())
	_ = syscall.Nanosleep(&t, nil)
}

func BenchmarkEnqueueFsync(b *testing.B) {
	for _, n := range producers {
		b.Run(fmt.Sprintf("producers=%d", n), func(b *testing.B) { enqueue(b, openBench(b, fsync), n) })
	}
}

// Yielding before a record is decided is worth the most where appends are slow and
// producers are few.
func BenchmarkEnqueueYields(b *testing.B) {
	for _, yields := range []int{0, 1, 3, 12} {
		for _, n := range producers {
			b.Run(fmt.Sprintf("yields=%d/producers=%d", yields, n), func(b *testing.B) {
				defer job.SetYields(yields)()
				enqueue(b, openBench(b, fsync), n)
			})
		}
	}
}
