//go:build unix

package main

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkJob is for profiles of Hem's side of the suite job:
//
//	go test -run - -bench Job/enqueue-64 -benchmem -cpuprofile cpu.prof ./bench
func BenchmarkJob(b *testing.B) {
	for _, c := range []struct {
		name            string
		producers, jobs int
		call            func(queue) func(context.Context) error
	}{
		{"enqueue-64-producers", jobProducers, 1, single},
		{"enqueue-bulk-1000", 1, jobBulk, bulk},
	} {
		b.Run(c.name, func(b *testing.B) {
			hem, err := openHem(b.Context(), b.TempDir(), hemConfig{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { must(hem.close()) }()
			call := c.call(hem.queue())
			b.ReportAllocs()
			b.ResetTimer()
			left := int64(b.N)
			_, err = produce(b.Context(), min(c.producers, b.N), func(time.Time) bool {
				return atomic.AddInt64(&left, -1) < int64(c.producers)
			}, call)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N*c.jobs)/b.Elapsed().Seconds(), "jobs/s")
			b.ReportMetric(float64(b.N*c.jobs)/float64(len(hem.log.began)), "jobs/record")
		})
	}
}
