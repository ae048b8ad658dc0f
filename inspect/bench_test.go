package inspect_test

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
)

// parked runs f while n tasks wait: half in a future's Await, half where Hem
// cannot see it.
func parked(n int, f func(c ctx, s *scope.Scope)) {
	scope.Run(context.Background(), func(c ctx, s *scope.Scope) error {
		gate := scope.Go(s, func(c ctx) (int, error) { return 1, idle(c) }, scope.Name("gate"))
		for i := range n {
			if i%2 == 0 {
				s.Go(func(c ctx) error { _, err := gate.Await(c); return err }, scope.Name("await"))
			} else {
				s.Go(idle, scope.Name("fetch"))
			}
		}
		time.Sleep(100 * time.Millisecond)
		f(c, s)
		s.Cancel(nil)
		return nil
	})
}

func benchmark100k(b *testing.B, look func()) {
	parked(100_000, func(ctx, *scope.Scope) {
		b.ReportAllocs()
		for b.Loop() {
			look()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/task")
	})
}

func BenchmarkDump100k(b *testing.B) {
	benchmark100k(b, func() { inspect.Dump(io.Discard) })
}

func BenchmarkDumpJSON100k(b *testing.B) {
	benchmark100k(b, func() { inspect.DumpJSON(io.Discard) })
}

func BenchmarkTake100k(b *testing.B) {
	benchmark100k(b, func() { inspect.Take() })
}

// BenchmarkSpawnDuringDump100k measures what looking costs those who spawn: two
// spawners' rate without anybody looking, and with one dump after the other.
func BenchmarkSpawnDuringDump100k(b *testing.B) {
	for name, look := range map[string]func(){
		"Dump":     func() { inspect.Dump(io.Discard) },
		"DumpJSON": func() { inspect.DumpJSON(io.Discard) },
		"Take":     func() { inspect.Take() },
	} {
		for where, same := range map[string]bool{"elsewhere": false, "into-the-100k": true} {
			b.Run(name+"/"+where, func(b *testing.B) {
				parked(100_000, func(c ctx, s *scope.Scope) { spawnRates(b, c, s, same, look) })
			})
		}
	}
}

// spawnRates measures spawning into s itself if same, else into scopes beneath.
func spawnRates(b *testing.B, c ctx, s *scope.Scope, same bool, look func()) {
	var spawned, stop atomic.Int64
	for range 2 {
		s.Go(func(ctx) error {
			for stop.Load() == 0 {
				if same {
					done := make(chan struct{}, 1000)
					for range 1000 {
						s.Go(func(ctx) error { done <- struct{}{}; return nil })
					}
					for range 1000 {
						<-done
					}
					spawned.Add(1000)
					continue
				}
				scope.Run(c, func(_ ctx, s *scope.Scope) error {
					for range 1000 {
						s.Go(func(ctx) error { return nil })
					}
					return nil
				})
				spawned.Add(1000)
			}
			return nil
		}, scope.Name("spawner"))
	}
	rate := func(f func()) float64 {
		before, began := spawned.Load(), time.Now()
		f()
		return float64(spawned.Load()-before) / time.Since(began).Seconds()
	}
	runtime.GC()
	rate(func() { time.Sleep(200 * time.Millisecond) })
	// Each look is compared with what was just before and after it, because
	// other programs use the machine too.
	var before, during, ratios, took []float64
	last := rate(func() { time.Sleep(100 * time.Millisecond) })
	for b.Loop() {
		began := time.Now()
		busy := rate(look)
		took = append(took, time.Since(began).Seconds()*1000)
		next := rate(func() { time.Sleep(100 * time.Millisecond) })
		before, during = append(before, (last+next)/2), append(during, busy)
		ratios = append(ratios, 2*busy/(last+next))
		last = next
	}
	stop.Store(1)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(before), "spawns/s-before")
	b.ReportMetric(median(during), "spawns/s-during")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(took), "ms/look")
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
