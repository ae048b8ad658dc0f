package scope_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/scope"
)

func TestATaskOfACancelledScopeRunsWithADeadContext(t *testing.T) {
	var ran atomic.Int32
	err := run(func(ctx context.Context, s *scope.Scope) error {
		s.Cancel(errCause)
		dead := func(ctx context.Context) error {
			ran.Add(1)
			if context.Cause(ctx) != errCause {
				t.Errorf("its context has %v", context.Cause(ctx))
			}
			return nil
		}
		s.Go(dead)
		s.Daemon(dead)
		scope.Go(s, func(ctx context.Context) (int, error) { return 0, dead(ctx) })
		scope.Try(s, func(ctx context.Context) (int, error) { return 0, dead(ctx) })
		return s.Do(ctx, dead)
	})
	if err != nil || ran.Load() != 5 {
		t.Errorf("%d of 5 ran, Run returned %v", ran.Load(), err)
	}
}

func TestAFinishedScopeRefusesTasksByName(t *testing.T) {
	var s *scope.Scope
	scope.Run(context.Background(), func(_ context.Context, inner *scope.Scope) error { s = inner; return nil }, scope.Name("import"))
	start := "scope: Go on the finished scope import"
	wantPanic(t, start, func() { s.Go(stay) })
	wantPanic(t, start, func() { s.Daemon(stay) })
	wantPanic(t, start, func() { scope.Go(s, func(context.Context) (int, error) { return 0, nil }) })
	wantPanic(t, start, func() { scope.Try(s, func(context.Context) (int, error) { return 0, nil }) })
	if text := endOf(func() { s.Go(stay) }).(string); !strings.Contains(text, "spawn_test.go:") {
		t.Errorf("%q does not say where the scope was opened", text)
	}
	wantPanic(t, "scope: Defer on the finished scope import", func() { s.Defer(func() error { return nil }) })
	// What merely asks for the end of what has ended is no mistake.
	s.Cancel(errCause)
	s.Stop(errCause)
	s.OnStop(func(context.Context) error { t.Error("a hook ran on a finished scope"); return nil })
	nothingRuns(t)
}

// What a body leaves behind by a plain go statement finds the scope finished,
// and says so instead of being lost.
func TestAGoroutineThatABodyLeftBehindCannotSpawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan any)
		run(func(_ context.Context, s *scope.Scope) error {
			go func() {
				defer func() { end <- recover() }()
				time.Sleep(time.Second)
				s.Go(stay)
			}()
			return nil
		}, scope.Name("import"))
		if text, _ := (<-end).(string); !strings.Contains(text, "finished scope import") {
			t.Errorf("it ended with %v", text)
		}
	})
}

// A daemon is one of the scope's tasks until it has ended: what it accepts in
// its last moments runs, with a dead context.
func TestADaemonMaySpawnUntilItHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		err := run(func(_ context.Context, s *scope.Scope) error {
			s.Daemon(func(ctx context.Context) error {
				<-ctx.Done()
				s.Go(func(ctx context.Context) error {
					time.Sleep(time.Second)
					if ctx.Err() == nil {
						t.Error("its context lives, and nobody will end it")
					}
					ran = append(ran, "go")
					return nil
				})
				return nil
			})
			return nil
		})
		if err != nil || len(ran) != 1 {
			t.Errorf("Run returned %v before the daemon's task had ended", err)
		}
		nothingRuns(t)
	})
}

// An option that does not fit panics before anything has been counted: the
// scope ends all the same.
func TestAWrongOptionLeavesNothingToJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := endOf(func() {
			run(func(_ context.Context, s *scope.Scope) error {
				s.Go(stay, scope.Grace(time.Second))
				return nil
			})
		})
		if end != "scope: Grace is an option of Run, not of a task" {
			t.Errorf("ended with %v", end)
		}
		nothingRuns(t)
	})
}

// Spawners that race with the end of the scope: each task runs and is joined,
// or its spawner is told. None is lost.
func TestNoTaskIsLostAtTheEndOfItsScope(t *testing.T) {
	const rounds, spawners = 2000, 3
	var accepted, ran, refused atomic.Int64
	for range rounds {
		var outside sync.WaitGroup
		before := int64(0)
		err := run(func(_ context.Context, s *scope.Scope) error {
			for i := range spawners {
				outside.Go(func() {
					defer func() {
						if recover() != nil {
							refused.Add(1)
						}
					}()
					for {
						runtime.Gosched()
						if i == 0 {
							s.Daemon(func(context.Context) error { ran.Add(1); return nil })
						} else {
							s.Go(func(context.Context) error { ran.Add(1); return nil })
						}
						accepted.Add(1)
					}
				})
			}
			runtime.Gosched()
			return nil
		})
		before = ran.Load()
		outside.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if after := ran.Load(); after != before {
			t.Fatalf("%d tasks ran after Run had returned", after-before)
		}
	}
	if accepted.Load() != ran.Load() || refused.Load() != rounds*spawners {
		t.Errorf("%d tasks were accepted and %d ran; %d of %d spawners were told", accepted.Load(), ran.Load(), refused.Load(), rounds*spawners)
	}
	nothingRuns(t)
}

func TestTasksOfTasksAreJoined(t *testing.T) {
	var ended atomic.Int32
	err := run(func(_ context.Context, s *scope.Scope) error {
		var spawn func(depth int)
		spawn = func(depth int) {
			s.Go(func(context.Context) error {
				if depth > 0 {
					spawn(depth - 1)
					spawn(depth - 1)
				}
				runtime.Gosched()
				ended.Add(1)
				return nil
			})
		}
		spawn(7)
		return nil
	})
	if err != nil || ended.Load() != 255 {
		t.Errorf("Run returned %v after %d of 255 tasks had ended", err, ended.Load())
	}
}

// G9: a context derived from a task's costs no goroutine, whatever options the
// task was started with.
func TestADerivedContextCostsNoGoroutine(t *testing.T) {
	derive := func(ctx context.Context) error {
		before := runtime.NumGoroutine()
		for range 100 {
			_, cancel := context.WithCancel(ctx)
			defer cancel()
		}
		if after := runtime.NumGoroutine(); after > before+10 {
			t.Errorf("100 derived contexts cost %d goroutines", after-before)
		}
		return nil
	}
	type key struct{}
	other, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, 1))
	defer cancel()
	for _, opts := range [][]scope.Option{nil, {scope.Timeout(time.Hour)}, {scope.Values(other)}, {scope.Values(other), scope.Timeout(time.Hour)}} {
		run(func(ctx context.Context, s *scope.Scope) error {
			derive(ctx)
			s.Go(derive, opts...)
			return nil
		})
		run(func(ctx context.Context, s *scope.Scope) error {
			s.Daemon(derive, opts...)
			return nil
		})
	}
	run(func(ctx context.Context, s *scope.Scope) error { return s.Do(other, derive) })
}

// A context that somebody keeps retains neither the function of its task nor
// what that function closed over.
func TestAKeptContextRetainsNoClosure(t *testing.T) {
	type big struct{ _ [1 << 20]byte }
	var collected atomic.Int32
	var kept []context.Context
	var futures []*scope.Future[int]
	err := run(func(_ context.Context, s *scope.Scope) error {
		closure := func() func(context.Context) (int, error) {
			b := new(big)
			runtime.AddCleanup(b, func(int) { collected.Add(1) }, 0)
			return func(ctx context.Context) (int, error) {
				kept = append(kept, ctx)
				runtime.KeepAlive(b)
				return 1, nil
			}
		}
		f := closure()
		s.Do(s.Context(), func(ctx context.Context) error { _, err := f(ctx); return err })
		for range 3 {
			f := scope.Go(s, closure())
			f.Await(s.Context())
			futures = append(futures, f)
		}
		f = closure()
		plain := scope.Go(s, func(context.Context) (int, error) { return 0, nil })
		plain.Await(s.Context())
		s.Go(func(ctx context.Context) error { _, err := f(ctx); return err })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if collected.Load() == 5 {
			break
		}
		runtime.GC()
		runtime.Gosched()
	}
	if n := collected.Load(); n != 5 {
		t.Errorf("%d of 5 closures were collected", n)
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(futures)
}

// Naming a task is free: an option is a plain value.
func TestANameCostsNoAllocation(t *testing.T) {
	noop := func(context.Context) error { return nil }
	cost := func(opts ...scope.Option) float64 {
		least := 1e9 // goroutines allocate too, now and then
		for range 10 {
			run(func(_ context.Context, s *scope.Scope) error {
				least = min(least, testing.AllocsPerRun(500, func() { s.Go(noop, opts...) }))
				return nil
			})
		}
		return least
	}
	if plain, named := cost(), cost(scope.Name("x")); named > plain {
		t.Errorf("%v allocations for a named task, %v for one without", named, plain)
	}
}
