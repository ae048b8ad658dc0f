package scope_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

func TestSleepEndsWithItsTimeOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := scope.Sleep(t.Context(), time.Minute); err != nil || time.Since(start) != time.Minute {
			t.Errorf("slept %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		start = time.Now()
		if err := scope.Sleep(ctx, time.Minute); err != errCause || time.Since(start) != time.Second {
			t.Errorf("slept %v: %v", time.Since(start), err)
		}
		for _, d := range []time.Duration{0, -1, time.Hour} {
			start = time.Now()
			if err := scope.Sleep(ctx, d); err != errCause || time.Since(start) != 0 {
				t.Errorf("Sleep(%v) under a dead context took %v: %v", d, time.Since(start), err)
			}
		}
		for _, d := range []time.Duration{0, -1} {
			if err := scope.Sleep(t.Context(), d); err != nil || time.Since(start) != 0 {
				t.Errorf("Sleep(%v) took %v: %v", d, time.Since(start), err)
			}
		}
	})
	wantPanic(t, "scope: Sleep with a nil context", func() { scope.Sleep(noContext, 1) })
}

// A time.Sleep is invisible; what Hem waits for is not.
func TestWaitsAreVisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(_ context.Context, s *scope.Scope) error {
			long := scope.Go(s, func(ctx context.Context) (int, error) { return 0, scope.Sleep(ctx, time.Hour) }, scope.Name("sleeper"))
			s.Go(func(ctx context.Context) error { _, err := long.Await(ctx); return err }, scope.Name("waiter"))
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Go(func(ctx context.Context) error { return scope.Sleep(ctx, time.Hour) })
					return nil
				}, scope.Name("inner"))
			}, scope.Name("joiner"))
			s.Go(func(ctx context.Context) error {
				return scope.Each(ctx, 1, upTo(2), func(ctx context.Context, _ int) error { return scope.Sleep(ctx, time.Minute) })
			}, scope.Name("queue"))
			time.Sleep(time.Second)
			want := map[string]string{"sleeper": "timer 1h0m0s", "waiter": "future sleeper#1", "joiner": "join of scope inner",
				"queue": "place in each scope_test.TestWaitsAreVisible.func1.1.4.1"}
			graph.FromContext(s.Context()).Inner().Tasks(func(task *graph.Task) bool {
				if w := task.Wait(); w == nil || w.Resource().Label().String() != want[task.Name()] {
					t.Errorf("%s is not seen to wait for %q: %+v", task, want[task.Name()], w)
				}
				delete(want, task.Name())
				return true
			})
			if len(want) > 0 {
				t.Errorf("not seen: %v", want)
			}
			return nil
		})
	})
}

func TestEveryCallsAgainAndAgainUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		err := run(func(_ context.Context, s *scope.Scope) error {
			s.Daemon(scope.Every(10*time.Second, func(context.Context) error {
				d.write("call")
				time.Sleep(5 * time.Second) // the next one is ten seconds after this
				return nil
			}))
			s.Go(ignore(41 * time.Second))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		d.want(t, "10s call", "25s call", "40s call")
	})
}

func TestEveryReturnsAFailureAndNoEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := scope.Every(time.Second, failWith(errBoom))(t.Context()); err != errBoom {
			t.Errorf("returned %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := scope.Every(time.Second, stay)(ctx); err != nil {
			t.Errorf("returned %v, an echo", err)
		}
		if err := scope.Every(time.Second, failWith(errBoom))(ctx); err != nil {
			t.Errorf("called under a dead context: %v", err)
		}
	})
	for _, d := range []time.Duration{0, -time.Second} {
		wantPanic(t, "scope: Every needs a positive duration and a function", func() { scope.Every(d, stay) })
	}
	wantPanic(t, "scope: Every needs a positive duration and a function", func() { scope.Every(1, nil) })
}

func TestWhatIsShieldedIsNotCancelledButBounded(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 7))
		cancel()
		start, me := time.Now(), identity()
		err := scope.Shield(ctx, 20*time.Second, func(ctx context.Context) error {
			if ctx.Err() != nil || ctx.Value(key{}) != 7 || identity() != me {
				t.Error("it has not its caller's values and goroutine, or the caller's end")
			}
			if err := scope.Sleep(ctx, 10*time.Second); err != nil {
				t.Errorf("cancelled: %v", err)
			}
			<-ctx.Done()
			if e := (*fault.Error)(nil); !errors.As(context.Cause(ctx), &e) || e.Kind != fault.Deadline || e.Op != "scope: shield" {
				t.Errorf("the bound's cause is %v", context.Cause(ctx))
			}
			time.Sleep(time.Second) // Shield waits for it all the same
			return errBoom
		})
		if err != errBoom || time.Since(start) != 21*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	for _, bound := range []time.Duration{0, -1} {
		err := scope.Shield(context.Background(), bound, func(context.Context) error { t.Error("it ran"); return nil })
		if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Kind != fault.Invalid || e.Started || e.Hint == "" {
			t.Errorf("a bound of %v: %#v", bound, err)
		}
	}
	if err := scope.Shield(context.Background(), 1, nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("of nil: %v", err)
	}
	wantPanic(t, "scope: Shield with a nil context", func() { scope.Shield(noContext, 1, stay) })
}

// The shield keeps the task's identity: what it waits for is seen.
func TestAShieldedWaitIsTheTasksOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				return scope.Shield(ctx, time.Hour, func(ctx context.Context) error { return scope.Sleep(ctx, time.Minute) })
			})
			time.Sleep(time.Second)
			graph.FromContext(s.Context()).Inner().Tasks(func(task *graph.Task) bool {
				if w := task.Wait(); w == nil || w.Resource().Label().Kind != "timer" {
					t.Errorf("%s is not seen to sleep", task)
				}
				return true
			})
			return nil
		})
	})
}
