package job_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hemgo/hem/job"
)

// A void is a Log that forgets everything: what is measured is the owner.
type void struct {
	last  atomic.Uint64
	delay func()
}

func (v *void) Append(_ context.Context, after uint64, _ []byte) error {
	if v.delay != nil {
		v.delay()
	}
	if !v.last.CompareAndSwap(after, after+1) {
		return job.ErrConflict
	}
	return nil
}

func (v *void) Read(context.Context, uint64, func(uint64, []byte) error) error { return nil }
func (v *void) Bounds(context.Context) (first, last uint64, err error)         { return 1, 0, nil }
func (v *void) Trim(context.Context, uint64) error                             { return nil }
func (v *void) Close() error                                                   { return nil }

func openBench(b *testing.B, delay func()) *job.Owner {
	b.Helper()
	o, err := job.Open(b.Context(), &void{delay: delay}, job.Config{Depth: 1 << 28, Bytes: 1 << 40, SnapshotAfter: 1 << 40, Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := o.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return o
}

// enqueue has producers enqueue b.N jobs of 256 bytes together, each waiting for
// its own. What is done is claimed and completed by nobody.
func enqueue(b *testing.B, o *job.Owner, producers int) {
	b.Helper()
	b.ReportAllocs()
	c := o.Client()
	in := make([]byte, 256)
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range producers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := job.Enqueue(context.Background(), c, store, in); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	b.ReportMetric(float64(b.N)/float64(o.Stats().Last), "jobs/record")
}

var producers = []int{1, 16, 64, 256}

func BenchmarkEnqueue(b *testing.B) {
	for _, n := range producers {
		b.Run(fmt.Sprintf("producers=%d", n), func(b *testing.B) { enqueue(b, openBench(b, nil), n) })
	}
}
