package scope_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// after returns a function for a future: v, d from now.
func after[T any](d time.Duration, v T, err error) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { time.Sleep(d); return v, err }
}

func TestAFutureHasManyReadersEachAsOftenAsItLikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var read atomic.Int32
		err := run(func(ctx context.Context, s *scope.Scope) error {
			f := scope.Try(s, after(time.Second, 7, errBoom))
			for range 20 {
				s.Go(func(ctx context.Context) error {
					for range 3 {
						if v, err := f.Await(ctx); v != 7 || err != errBoom {
							t.Errorf("Await: %v, %v", v, err)
						}
						read.Add(1)
					}
					return nil
				})
			}
			<-f.Done()
			<-f.Done()
			return nil
		})
		if err != nil || read.Load() != 60 {
			t.Errorf("Run: %v, reads: %d", err, read.Load())
		}
	})
}

func TestAResultThatIsThereGoesBeforeTheContext(t *testing.T) {
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	var f *scope.Future[int]
	run(func(_ context.Context, s *scope.Scope) error {
		f = scope.Go(s, after(0, 7, nil))
		return nil
	})
	for range 1000 {
		if v, err := f.Await(dead); v != 7 || err != nil {
			t.Fatalf("Await under a dead context: %v, %v", v, err)
		}
	}
}

func TestAwaitGivesUpWithTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(_ context.Context, s *scope.Scope) error {
			f := scope.Go(s, after(time.Hour, 7, nil), scope.Name("price"))
			ctx, cancel := context.WithTimeout(s.Context(), time.Second)
			defer cancel()
			_, err := f.Await(ctx)
			if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Kind != fault.Deadline || e.Op != "scope: await" || e.Task != "price#1" || !e.Started {
				t.Errorf("Await: %#v", err)
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Await: %v", err)
			}
			short, stop := context.WithTimeoutCause(s.Context(), time.Second, errCause)
			defer stop()
			if _, err = f.Await(short); fault.KindOf(err) != fault.Deadline || !errors.Is(err, errCause) {
				t.Errorf("Await under a timeout whose cause has no kind: %v", err)
			}
			dead, kill := context.WithCancelCause(context.Background())
			kill(errCause)
			_, err = f.Await(dead)
			if fault.KindOf(err) != fault.Cancelled || !errors.Is(err, errCause) || !errors.Is(err, context.Canceled) {
				t.Errorf("Await under a dead context: %v", err)
			}
			if v, err := f.Await(s.Context()); v != 7 || err != nil {
				t.Errorf("the task did not go on: %v, %v", v, err)
			}
			return nil
		})
	})
}

func TestAwaitAndOnDonePanicOnNil(t *testing.T) {
	run(func(_ context.Context, s *scope.Scope) error {
		f := scope.Go(s, after(0, 0, nil))
		wantPanic(t, "scope: Await with a nil context", func() { f.Await(noContext) })
		wantPanic(t, "scope: OnDone with a nil function", func() { f.OnDone(nil) })
		return nil
	})
}

func TestTheFutureOfATaskThatPanickedOrExitedHasThePanic(t *testing.T) {
	for _, test := range []struct {
		f      func(context.Context) (int, error)
		goexit bool
	}{
		{func(context.Context) (int, error) { panic(errBoom) }, false},
		{func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, true},
	} {
		var f *scope.Future[int]
		endOf(func() {
			run(func(_ context.Context, s *scope.Scope) error {
				f = scope.Go(s, test.f, scope.Name("worker"))
				return nil
			})
		})
		_, err := f.Await(context.Background())
		p := (*fault.Panic)(nil)
		if !errors.As(err, &p) || p.Goexit != test.goexit || p.Task != "worker#1" {
			t.Errorf("the future has %v", err)
		}
	}
	journal.take()
}

// identity tells the goroutine that runs from others.
func identity() uintptr { return graph.Goroutine() }

func TestCallbacksRunInOrderOnTheTasksGoroutineAndAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []int
		run(func(_ context.Context, s *scope.Scope) error {
			var task uintptr
			f := scope.Try(s, func(context.Context) (int, error) {
				task = identity()
				time.Sleep(time.Second)
				return 7, errBoom
			})
			for i := range 5 {
				f.OnDone(func(v int, err error) {
					time.Sleep(time.Second)
					if v != 7 || err != errBoom || identity() != task {
						t.Errorf("called with %v, %v, on the task's goroutine: %v", v, err, identity() == task)
					}
					order = append(order, i)
				})
			}
			return nil
		})
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("order %v", order)
		}
	})
}

func TestACallbackForWhatIsThereRunsAtOnce(t *testing.T) {
	run(func(ctx context.Context, s *scope.Scope) error {
		f := scope.Go(s, after(0, 7, nil))
		f.Await(ctx)
		called := false
		f.OnDone(func(v int, err error) { called = v == 7 && err == nil })
		if !called {
			t.Error("OnDone returned before its callback")
		}
		return nil
	})
}

func TestEveryCallbackIsCalledWhateverTheOthersDo(t *testing.T) {
	for name, test := range map[string]struct {
		call func()
		end  any
	}{
		"panic":  {func() { panic("callback") }, "callback"},
		"Goexit": {runtime.Goexit, errExited},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			var f *scope.Future[int]
			end := endOf(func() {
				run(func(_ context.Context, s *scope.Scope) error {
					f = scope.Go(s, after(time.Second, 7, nil))
					f.OnDone(func(int, error) { calls++; test.call() })
					f.OnDone(func(int, error) { calls++ })
					f.OnDone(func(int, error) { calls++; test.call() })
					return nil
				})
			})
			if p, ok := end.(*fault.Panic); ok {
				end = p.Value
			}
			if end != test.end || calls != 3 {
				t.Errorf("%s: Run ended with %v after %d of 3 calls", name, end, calls)
			}
			if v, err := f.Await(t.Context()); v != 7 || err != nil {
				t.Errorf("%s: it changed the outcome to %v, %v", name, v, err)
			}
			nothingRuns(t)
		})
	}
	journal.take()
}

// The future of Try has its outcome when a callback panics: that panic would go
// unheard if it stayed there.
func TestAContainedPanicInACallbackFailsTheScope(t *testing.T) {
	for name, call := range map[string]func(int, error){
		"panic":  func(int, error) { panic("callback") },
		"Goexit": func(int, error) { runtime.Goexit() },
	} {
		synctest.Test(t, func(t *testing.T) {
			err := run(func(_ context.Context, s *scope.Scope) error {
				scope.Try(s, after(time.Second, 0, nil)).OnDone(call)
				return nil
			}, scope.Contain())
			if fault.KindOf(err) != fault.Panicked {
				t.Errorf("%s: Run returned %v", name, err)
			}
			nothingRuns(t)
		})
	}
}

// Callbacks and waiters that come while the result does: each is served once.
func TestNobodyIsForgottenWhileTheResultComes(t *testing.T) {
	const rounds, hands = 300, 4
	var called, awaited, closed atomic.Int32
	err := run(func(_ context.Context, s *scope.Scope) error {
		for range rounds {
			f := scope.Go(s, func(context.Context) (int, error) { runtime.Gosched(); return 7, nil })
			for i := range hands {
				s.Go(func(ctx context.Context) error {
					f.OnDone(func(int, error) { called.Add(1) })
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					if i == 0 {
						go cancel()
					}
					if v, err := f.Await(ctx); v == 7 || i == 0 && errors.Is(err, context.Canceled) {
						awaited.Add(1)
					}
					<-f.Done()
					closed.Add(1)
					return nil
				})
			}
		}
		return nil
	})
	const all = rounds * hands
	if err != nil || called.Load() != all || awaited.Load() != all || closed.Load() != all {
		t.Errorf("%v: of %d, %d were called, %d had the result, %d saw it", err, all, called.Load(), awaited.Load(), closed.Load())
	}
	nothingRuns(t)
}
