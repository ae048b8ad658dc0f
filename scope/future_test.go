package scope_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
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
			f := scope.Try(s, after(time.Second, 7, boom))
			for range 20 {
				s.Go(func(ctx context.Context) error {
					for range 3 {
						if v, err := f.Await(ctx); v != 7 || err != boom {
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
			dead, kill := context.WithCancelCause(context.Background())
			kill(cause)
			_, err = f.Await(dead)
			if fault.KindOf(err) != fault.Cancelled || !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
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
		wantPanic(t, "scope: Await with a nil context", func() { f.Await(nil) })
		wantPanic(t, "scope: OnDone with a nil function", func() { f.OnDone(nil) })
		return nil
	})
}

func TestTheFutureOfATaskThatPanickedOrExitedHasThePanic(t *testing.T) {
	for _, test := range []struct {
		f      func(context.Context) (int, error)
		goexit bool
	}{
		{func(context.Context) (int, error) { panic(boom) }, false},
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
				return 7, boom
			})
			for i := range 5 {
				f.OnDone(func(v int, err error) {
					time.Sleep(time.Second)
					if v != 7 || err != boom || identity() != task {
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
		"Goexit": {runtime.Goexit, exited},
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

// wantKnot fails the test unless err is a deadlock of exactly those tasks, and
// every one of them is told with its path and stack.
func wantKnot(t *testing.T, err error, names ...string) {
	t.Helper()
	d := (*fault.Deadlock)(nil)
	if !errors.As(err, &d) {
		t.Errorf("got %v, want a deadlock of %v", err, names)
		return
	}
	var got []string
	for _, m := range d.Members {
		name, _, _ := strings.Cut(m.Task, "#")
		got = append(got, name)
		if len(m.Path) == 0 || len(m.Stack) == 0 || m.WaitsFor == "" {
			t.Errorf("%s is told without path, stack or what it waits for: %+v", name, m)
		}
	}
	slices.Sort(got)
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("the knot is %v, want %v", got, names)
	}
	if d.Members[0].Task != d.Task {
		t.Errorf("the verdict fell on %s, listed first is %s", d.Task, d.Members[0].Task)
	}
}

func TestAFutureAwaitedByItsOwnTaskIsADeadlockOfOne(t *testing.T) {
	ready := make(chan *scope.Future[int], 1)
	err := run(func(_ context.Context, s *scope.Scope) error {
		ready <- scope.Go(s, func(ctx context.Context) (int, error) {
			f := <-ready
			_, err := f.Await(ctx)
			wantKnot(t, err, "narcissus")
			return 0, err
		}, scope.Name("narcissus"))
		return nil
	})
	wantKnot(t, err, "narcissus")
}

func TestARingOfFuturesIsADeadlockThatOneOfThemIsTold(t *testing.T) {
	for n := 2; n <= 3; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			names := []string{"a", "b", "c"}[:n]
			futures := make([]*scope.Future[int], n)
			var ready sync.WaitGroup
			ready.Add(1)
			var told atomic.Int32
			err := run(func(_ context.Context, s *scope.Scope) error {
				for i := range n {
					futures[i] = scope.Try(s, func(ctx context.Context) (int, error) {
						ready.Wait()
						v, err := futures[(i+1)%n].Await(ctx)
						if d, ok := err.(*fault.Deadlock); ok && strings.HasPrefix(d.Task, names[i]) {
							told.Add(1)
							wantKnot(t, err, slices.Clone(names)...)
							return 7, nil // the others can go on
						}
						return v, err
					}, scope.Name(names[i]))
				}
				ready.Done()
				return nil
			})
			if err != nil || told.Load() != 1 {
				t.Errorf("Run: %v; %d were told", err, told.Load())
			}
			for i, f := range futures {
				if v, err := f.Await(t.Context()); v != 7 || err != nil {
					t.Errorf("%s ended with %v, %v", names[i], v, err)
				}
			}
		})
	}
}

// A body waits for a child that waits for the body's own future: the join of
// the inner scope cannot return early, so its verdict becomes the cause.
func TestTheVerdictOnAJoinIsWhatItsRunReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outer *scope.Future[int]
		err := run(func(_ context.Context, s *scope.Scope) error {
			ready := make(chan struct{})
			outer = scope.Go(s, func(ctx context.Context) (int, error) {
				<-ready
				err := scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					inner.Go(func(ctx context.Context) error {
						_, err := outer.Await(ctx)
						wantKnot(t, context.Cause(ctx), "parent", "child")
						return err
					}, scope.Name("child"))
					time.Sleep(time.Second) // the child waits first, the join closes the knot
					return nil
				})
				wantKnot(t, err, "parent", "child")
				return 0, err
			}, scope.Name("parent"))
			close(ready)
			return nil
		})
		wantKnot(t, err, "parent", "child")
		nothingRuns(t)
	})
}

// until is a wait that only by's acting could end, as far as the graph can see.
type until struct{ by *graph.Task }

func (u until) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool { return stuck(u.by) }
func (u until) Label() graph.Label                                       { return graph.Label{Kind: "signal"} }

// A join that has had its verdict goes on waiting, and is not told again.
func TestAJoinIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := run(func(ctx context.Context, s *scope.Scope) error {
			owner := graph.FromContext(ctx)
			s.Go(func(ctx context.Context) error {
				var w graph.Wait
				w.Begin(context.WithoutCancel(ctx), until{owner}) // it does not heed its cancellation
				w.Publish()
				time.AfterFunc(2*time.Second, func() { w.Grant() })
				return w.Park()
			}, scope.Name("deaf"))
			time.Sleep(time.Second)
			return nil
		})
		if d := (*fault.Deadlock)(nil); !errors.As(err, &d) || len(d.Members) != 2 {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// The other order: the join waits first, and the child closes the knot.
func TestAChildThatWaitsForWhoJoinsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outer *scope.Future[int]
		err := run(func(_ context.Context, s *scope.Scope) error {
			ready := make(chan struct{})
			outer = scope.Go(s, func(ctx context.Context) (int, error) {
				<-ready
				return 7, scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Go(func(ctx context.Context) error {
						time.Sleep(time.Second)
						_, err := outer.Await(ctx)
						wantKnot(t, err, "parent", "child")
						return nil // it can live without
					}, scope.Name("child"))
					return nil
				})
			}, scope.Name("parent"))
			close(ready)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Do gives a goroutine that somebody else started an identity.
func TestADeadlockThroughDoIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(_ context.Context, s *scope.Scope) error {
			handled := make(chan *scope.Future[int], 1)
			f := scope.Try(s, func(ctx context.Context) (int, error) {
				mine := <-handled
				return mine.Await(ctx)
			}, scope.Name("asker"))
			go s.Do(t.Context(), func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					handled <- scope.Try(inner, func(ctx context.Context) (int, error) { return f.Await(ctx) }, scope.Name("helper"))
					return nil
				})
			}, scope.Name("handler"))
			_, err := f.Await(s.Context())
			wantKnot(t, err, "asker", "helper")
			return nil
		})
	})
}
