package state_test

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/hemgo/hem/job/internal/state"
)

// BenchmarkMillionPending measures what a million jobs of 256 bytes take, and
// how long the collector and a snapshot take with them.
func BenchmarkMillionPending(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := state.New()
		s.Begin(1)
		s.Apply(state.AppendLimits(nil, state.Limits{Jobs: n, Bytes: 1 << 40, Kept: 1000, Buried: 1000, KeptBytes: 1 << 40, Ageing: 1e6}), nil)
		in := bytes.Repeat([]byte("x"), 256)
		var buf []byte
		for range n {
			buf = state.AppendEnqueue(buf[:0], state.Spec{Task: "bench.job", Queue: "default", Attempts: 3, First: 1e6, Most: 1e9, Keep: 6e8, Bury: 1e12, Input: in})
			if err := s.Apply(buf, nil); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		runtime.GC()
		gc := time.Since(start)
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/job")
		b.ReportMetric(float64(gc.Microseconds())/1e3, "GC-ms")

		start = time.Now()
		p, r := s.Snapshot(), state.NewRestore()
		var page []byte
		var writing time.Duration
		size := 0
		for {
			var more bool
			at := time.Now()
			if page, more = p.Next(page[:0], 64<<10); !more {
				break
			}
			writing += time.Since(at)
			size += len(page)
			if err := r.Page(page); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(writing.Milliseconds()), "snapshot-ms")
		b.ReportMetric(float64((time.Since(start) - writing).Milliseconds()), "restore-ms")
		b.ReportMetric(float64(size)/n, "snapshot-B/job")
		if _, err := r.State(); err != nil {
			b.Fatal(err)
		}
	}
}
