package graph_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// live starts n tasks in s that live until release is called.
func live(s *scope.Scope, n int) (tasks []*graph.Task, release func()) {
	gate := make(chan struct{})
	got := make(chan *graph.Task)
	for range n {
		s.Go(func(ctx context.Context) error {
			got <- graph.FromContext(ctx)
			<-gate
			return nil
		})
	}
	for range n {
		tasks = append(tasks, <-got)
	}
	return tasks, func() { close(gate) }
}

func TestReaderSeesEachTaskThatLivedThroughoutExactlyOnce(t *testing.T) {
	for _, spread := range []bool{false, true} {
		t.Run(fmt.Sprintf("sharded %v", spread), func(t *testing.T) {
			in(t, func(ctx context.Context, s *scope.Scope) {
				group := graph.Current(ctx).Group()
				if spread {
					group.Spread()
				}
				var stop atomic.Bool
				var churn, spawned sync.WaitGroup
				var tasks []*graph.Task
				var releases []func()
				spawned.Add(1)
				for i := range 4 {
					churn.Go(func() {
						for !stop.Load() {
							scope.Try(s, func(context.Context) (int, error) { return 0, nil })
							if i > 0 {
								runtime.Gosched()
							}
						}
					})
				}
				churn.Go(func() { // neighbours that come and go
					for range 20 {
						some, release := live(s, 5)
						tasks = append(tasks, some...)
						releases = append(releases, release)
					}
					spawned.Done()
				})
				spawned.Wait()
				for round := range 200 {
					seen := make(map[*graph.Task]int)
					group.Tasks(func(t *graph.Task) bool { seen[t]++; return true })
					for _, x := range tasks {
						if seen[x] != 1 {
							t.Fatalf("round %d: %v was seen %d times", round, x, seen[x])
						}
					}
					for x, n := range seen {
						if n > 1 {
							t.Fatalf("round %d: %v was seen %d times", round, x, n)
						}
					}
				}
				stop.Store(true)
				churn.Wait()
				for _, release := range releases {
					release()
				}
			})
		})
	}
}

func TestReaderMayStopEarly(t *testing.T) {
	in(t, func(ctx context.Context, s *scope.Scope) {
		_, release := live(s, 10)
		defer release()
		n := 0
		graph.Current(ctx).Group().Tasks(func(*graph.Task) bool { n++; return n < 3 })
		if n != 3 {
			t.Errorf("read %d tasks after 3", n)
		}
	})
}

func TestNumbersAreUniqueAmongSiblingsAndSpreadWhenSpawnersMeet(t *testing.T) {
	in(t, func(ctx context.Context, s *scope.Scope) {
		group := graph.Current(ctx).Group()
		const spawners, each = 16, 500
		var mu sync.Mutex
		numbers := make(map[string]int)
		shards := make(map[string]bool)
		for round := 0; group.Shards() == 1 && round < 100; round++ {
			inParallel(spawners, func() error {
				for range each / 10 {
					scope.Try(s, func(context.Context) (int, error) { return 0, nil })
				}
				return nil
			})
		}
		if group.Shards() == 1 {
			t.Log("16 spawners have never met")
			group.Spread()
		}
		inParallel(spawners, func() error {
			for range each {
				scope.Try(s, func(ctx context.Context) (int, error) {
					n := graph.FromContext(ctx).Number()
					_, shard, _ := strings.Cut(n, ".")
					mu.Lock()
					defer mu.Unlock()
					numbers[n]++
					shards[shard] = true
					return 0, nil
				}).Await(ctx)
			}
			return nil
		})
		if len(numbers) != spawners*each {
			t.Errorf("%d tasks have %d numbers", spawners*each, len(numbers))
		}
		if len(shards) < 2 {
			t.Errorf("all tasks are in shard %v", shards)
		}
	})
}

// A context that is kept must not keep the siblings that its task came to
// stand beside: those that were older, and lived when it ended.
func TestKeptContextKeepsNoDeadSiblings(t *testing.T) {
	in(t, func(ctx context.Context, s *scope.Scope) {
		const n = 300
		var freed atomic.Int64
		var ends []chan struct{}
		var futures []*scope.Future[int]
		tasks := make([]*graph.Task, n)
		var kept context.Context
		for i := range n {
			end, begun := make(chan struct{}), make(chan struct{})
			futures = append(futures, scope.Try(s, func(ctx context.Context) (int, error) {
				if i < n-1 {
					runtime.AddCleanup(graph.FromContext(ctx), func(int) { freed.Add(1) }, i)
				} else {
					kept = ctx
				}
				tasks[i] = graph.FromContext(ctx)
				close(begun)
				<-end
				return 0, nil
			}))
			ends = append(ends, end)
			<-begun
		}
		for i := range ends { // the newest first
			close(ends[n-1-i])
			futures[n-1-i].Await(ctx)
			for !tasks[n-1-i].Ended() {
				runtime.Gosched() // it leaves its list after its future is done
			}
		}
		clear(tasks)
		futures = nil
		const spare = 5 // the last ones may still be on a stack
		for range 200 {
			runtime.GC()
			if freed.Load() >= n-spare {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if f := freed.Load(); f < n-spare {
			t.Errorf("of %d dead tasks %d were freed while the newest's context is kept", n, f)
		}
		runtime.KeepAlive(kept)
	})
}

func TestLiveTaskTakesLittleBeyondItsGoroutine(t *testing.T) {
	const n = 10_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	in(t, func(ctx context.Context, s *scope.Scope) {
		// So many goroutines end first that the runtime needs no new descriptors.
		gate := make(chan struct{})
		warm, release := live(s, n+n/10)
		release()
		for _, w := range warm {
			for !w.Ended() {
				runtime.Gosched()
			}
		}
		clear(warm)
		var ready sync.WaitGroup
		ready.Add(n)
		f := func(context.Context) error { ready.Done(); <-gate; return nil }
		before := heap()
		for range n {
			s.Go(f)
		}
		ready.Wait()
		per := float64(int64(heap()-before)) / n
		close(gate)
		t.Logf("%.0f bytes a live task beyond its goroutine", per)
		if per > 400 {
			t.Errorf("%.0f bytes a live task, promised are 400", per)
		}
	})
}

// G9: a context derived from a task's is cancelled without a goroutine of its
// own, whatever the task's stands on.
func TestDerivedContextsCostNoGoroutine(t *testing.T) {
	derive := func(name string, ctx context.Context) {
		const n = 1000
		before := runtime.NumGoroutine()
		cancels := make([]context.CancelFunc, n)
		for i := range cancels {
			_, cancels[i] = context.WithCancel(ctx)
		}
		if more := runtime.NumGoroutine() - before; more > n/10 {
			t.Errorf("%s: %d contexts cost %d goroutines", name, n, more)
		}
		for _, cancel := range cancels {
			cancel()
		}
	}
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		derive("body", ctx)
		one := func(name string, opts ...scope.Option) {
			scope.Go(s, func(ctx context.Context) (int, error) { derive(name, ctx); return 0, nil }, opts...).Await(ctx)
		}
		one("task")
		one("timeout", scope.Timeout(time.Hour))
		one("values", scope.Values(context.WithValue(t.Context(), key{}, 1)))
		one("values of a task", scope.Values(ctx))
		one("both", scope.Values(ctx), scope.Timeout(time.Hour))
		done := make(chan bool)
		s.Daemon(func(ctx context.Context) error { derive("daemon", ctx); done <- true; return nil })
		<-done
		go func() {
			s.Do(ctx, func(ctx context.Context) error { derive("do", ctx); return nil })
			done <- true
		}()
		<-done
		return scope.Run(ctx, func(ctx context.Context, _ *scope.Scope) error {
			derive("body of a scope with a timeout", ctx)
			return nil
		}, scope.Timeout(time.Hour))
	})
	if err != nil {
		t.Error(err)
	}
	scope.Run(context.Background(), func(ctx context.Context, _ *scope.Scope) error {
		derive("body under Background", ctx)
		return nil
	})
}
