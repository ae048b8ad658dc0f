package scope_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// The rules of Run's result, one a line: what body and tasks do, what comes out.
func TestRunReturnsTheFirstFailureAndNeverAnEcho(t *testing.T) {
	type body = func(ctx context.Context, s *scope.Scope) error
	after := func(d time.Duration, err error) func(context.Context) error {
		return func(context.Context) error { time.Sleep(d); return err }
	}
	wrapped := fmt.Errorf("load: %w", errBoom)
	tests := []struct {
		name string
		body body
		want error // by identity
	}{
		{"body and tasks succeed", func(_ context.Context, s *scope.Scope) error {
			s.Go(after(time.Second, nil))
			return nil
		}, nil},
		{"the body fails", func(context.Context, *scope.Scope) error { return errBoom }, errBoom},
		{"a task fails", func(_ context.Context, s *scope.Scope) error {
			s.Go(failWith(errBoom))
			return nil
		}, errBoom},
		{"two tasks fail", func(_ context.Context, s *scope.Scope) error {
			s.Go(after(2*time.Second, errBang))
			s.Go(after(time.Second, errBoom))
			return nil
		}, errBoom},
		{"a task fails and its siblings echo", func(ctx context.Context, s *scope.Scope) error {
			s.Go(stay)
			s.Go(func(ctx context.Context) error {
				<-ctx.Done()
				return fmt.Errorf("while reading: %w", context.Cause(ctx))
			})
			s.Go(after(time.Second, errBoom))
			return stay(ctx)
		}, errBoom},
		{"the body wraps a task's failure", func(ctx context.Context, s *scope.Scope) error {
			f := scope.Go(s, func(context.Context) (int, error) { return 0, errBoom })
			f.Await(ctx)
			return wrapped
		}, wrapped},
		{"the body fails otherwise, later", func(_ context.Context, s *scope.Scope) error {
			s.Go(failWith(errBoom))
			time.Sleep(time.Second)
			return errBang
		}, errBoom},
		{"a task's own Canceled is a failure if nobody cancelled it", func(_ context.Context, s *scope.Scope) error {
			s.Go(failWith(context.Canceled))
			return nil
		}, context.Canceled},
		{"what Try starts fails", func(ctx context.Context, s *scope.Scope) error {
			f := scope.Try(s, func(context.Context) (int, error) { return 0, errBoom })
			if _, err := f.Await(ctx); err != errBoom {
				t.Errorf("the future of Try has %v", err)
			}
			return ctx.Err()
		}, nil},
		{"Cancel, and everybody echoes", func(ctx context.Context, s *scope.Scope) error {
			s.Go(stay)
			s.Cancel(errCause)
			return stay(ctx)
		}, errCause},
		{"Cancel with nil", func(ctx context.Context, s *scope.Scope) error {
			s.Cancel(nil)
			return stay(ctx)
		}, context.Canceled},
		{"Cancel, and everybody succeeds", func(_ context.Context, s *scope.Scope) error {
			s.Go(after(time.Second, nil))
			s.Cancel(errCause)
			return nil
		}, nil},
		{"Cancel, then a genuine failure", func(_ context.Context, s *scope.Scope) error {
			s.Go(after(time.Second, errBoom))
			s.Go(stay)
			s.Cancel(errCause)
			return nil
		}, errBoom},
		{"a daemon that returns when the others are done", func(_ context.Context, s *scope.Scope) error {
			s.Daemon(func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
			s.Go(after(time.Second, nil))
			return nil
		}, nil},
		{"a daemon that returns before", func(_ context.Context, s *scope.Scope) error {
			s.Daemon(failWith(nil))
			s.Go(func(ctx context.Context) error { time.Sleep(time.Second); return ctx.Err() })
			return nil
		}, nil},
		{"a daemon that fails before", func(_ context.Context, s *scope.Scope) error {
			s.Daemon(failWith(errBoom))
			s.Go(stay)
			return nil
		}, errBoom},
		{"a daemon that fails when it is told to end", func(_ context.Context, s *scope.Scope) error {
			s.Daemon(func(ctx context.Context) error { <-ctx.Done(); return errBoom })
			return nil
		}, errBoom},
		{"a deferred function fails", func(_ context.Context, s *scope.Scope) error {
			s.Defer(func() error { return errBoom })
			return nil
		}, errBoom},
		{"a deferred function fails after a task has", func(_ context.Context, s *scope.Scope) error {
			s.Defer(func() error { return errBang })
			s.Go(failWith(errBoom))
			return nil
		}, errBoom},
		{"a deferred function fails after Cancel and echoes", func(ctx context.Context, s *scope.Scope) error {
			s.Defer(func() error { return errBang })
			s.Cancel(errCause)
			return stay(ctx)
		}, errCause},
		{"two deferred functions fail", func(_ context.Context, s *scope.Scope) error {
			s.Defer(func() error { return errBang })
			s.Defer(func() error { return errBoom }) // runs first
			return nil
		}, errBoom},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := run(test.body); err != test.want {
					t.Errorf("Run returned %v, want %v", err, test.want)
				}
				nothingRuns(t)
			})
		})
	}
}

func TestRunReturnsTheCauseOfTheContextThatEndedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			s.Go(stay)
			return nil
		})
		if err != errCause {
			t.Errorf("Run returned %v, want the parent's cause", err)
		}
		err = scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom })
			s.Go(stay)
			return nil
		})
		if err != errBoom {
			t.Errorf("Run returned %v, want the failure that came after the parent had ended", err)
		}
	})
}

func TestTheCauseOfAScopesTimeoutNamesTheScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(stay)
			return nil
		}, scope.Timeout(time.Minute), scope.Name("import"))
		if !errors.Is(err, context.DeadlineExceeded) || fault.KindOf(err) != fault.Deadline {
			t.Errorf("Run returned %v", err)
		}
		if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Task != "import" || e.Op != "scope" {
			t.Errorf("the cause is %#v", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

func TestATasksOwnTimeoutIsAFailureAndNoEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
				scope.Timeout(time.Second), scope.Name("fetch"))
			return stay(ctx)
		})
		if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Task != "fetch" || e.Op != "scope: task" || e.Kind != fault.Deadline {
			t.Errorf("Run returned %v", err)
		}
		// The bare error of package context is as much a failure.
		err = run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(stay, scope.Timeout(time.Second))
			return nil
		})
		if err != context.DeadlineExceeded {
			t.Errorf("Run returned %v", err)
		}
		// Cancelled before its time was up, the same task echoes.
		err = run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(stay, scope.Timeout(time.Second))
			s.Go(failWith(errBoom))
			return nil
		})
		if err != errBoom {
			t.Errorf("Run returned %v", err)
		}
	})
}

// However a scope comes to its end, its tasks have ended before it returns.
func TestRunEndsAfterItsTasksHoweverItEnds(t *testing.T) {
	ways := map[string]struct {
		body func(ctx context.Context, s *scope.Scope) error
		opts []scope.Option
	}{
		"success": {body: func(context.Context, *scope.Scope) error { return nil }},
		"failure": {body: func(context.Context, *scope.Scope) error { return errBoom }},
		"failure of a task": {body: func(_ context.Context, s *scope.Scope) error {
			s.Go(failWith(errBoom))
			return nil
		}},
		"timeout": {body: func(ctx context.Context, _ *scope.Scope) error { return stay(ctx) },
			opts: []scope.Option{scope.Timeout(time.Millisecond)}},
		"panic": {body: func(context.Context, *scope.Scope) error { panic("body") }},
		"panic of a task": {body: func(_ context.Context, s *scope.Scope) error {
			s.Go(func(context.Context) error { panic("task") })
			return nil
		}},
		"contained panic": {body: func(context.Context, *scope.Scope) error { panic("body") },
			opts: []scope.Option{scope.Contain()}},
		"Goexit": {body: func(context.Context, *scope.Scope) error { runtime.Goexit(); return nil }},
		"Goexit of a task": {body: func(_ context.Context, s *scope.Scope) error {
			s.Go(func(context.Context) error { runtime.Goexit(); return nil })
			return nil
		}},
		"Stop": {body: func(_ context.Context, s *scope.Scope) error { s.Stop(nil); return nil }},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := 0
				slow := func(context.Context) error { time.Sleep(time.Hour); ended++; return nil }
				endOf(func() {
					run(func(ctx context.Context, s *scope.Scope) error {
						s.Go(func(ctx context.Context) error {
							return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
								inner.Go(slow)
								return nil
							})
						})
						s.Defer(func() error {
							if ended != 1 {
								t.Error("a deferred function ran before the tasks had ended")
							}
							return nil
						})
						time.Sleep(time.Microsecond) // let them start
						return way.body(ctx, s)
					}, append(way.opts, scope.Grace(2*time.Hour))...)
				})
				if ended != 1 {
					t.Error("Run ended before its task")
				}
				nothingRuns(t)
			})
		})
	}
}

func TestDeferredFunctionsRunLastFirstAndAllOfThem(t *testing.T) {
	var order []string
	say := func(what string) func() error { return func() error { order = append(order, what); return nil } }
	end := endOf(func() {
		run(func(ctx context.Context, s *scope.Scope) error {
			s.Defer(say("first"))
			s.Defer(func() error { panic("second") })
			s.Defer(func() error { s.Defer(say("added by third")); return nil })
			s.Defer(func() error { runtime.Goexit(); return nil })
			s.Daemon(func(ctx context.Context) error { <-ctx.Done(); order = append(order, "daemon"); return nil })
			return nil
		})
	})
	if got := fmt.Sprint(order); got != "[daemon added by third first]" {
		t.Errorf("order: %v", got)
	}
	if end != "second" {
		t.Errorf("ended with %v, want the deferred function's panic", end)
	}
	nothingRuns(t)
}

func TestValueIsZeroIfThereIsAnError(t *testing.T) {
	n, err := scope.Value(context.Background(), func(context.Context, *scope.Scope) (int, error) { return 7, nil })
	if n != 7 || err != nil {
		t.Errorf("got %v, %v", n, err)
	}
	n, err = scope.Value(context.Background(), func(_ context.Context, s *scope.Scope) (int, error) {
		s.Go(failWith(errBoom))
		return 7, nil
	})
	if n != 0 || err != errBoom {
		t.Errorf("got %v, %v, want 0 and the task's failure", n, err)
	}
	n, err = scope.Value(context.Background(), func(context.Context, *scope.Scope) (int, error) { panic("no") }, scope.Contain())
	if n != 0 || fault.KindOf(err) != fault.Panicked {
		t.Errorf("got %v, %v", n, err)
	}
}

func TestNothingCanBeRunOfNil(t *testing.T) {
	ctx := context.Background()
	noop := func(context.Context, *scope.Scope) error { return nil }
	wantPanic(t, "scope: Run with a nil context", func() { scope.Run(noContext, noop) })
	wantPanic(t, "scope: Run with a nil body", func() { scope.Run(ctx, nil) })
	wantPanic(t, "scope: Value with a nil body", func() { scope.Value[int](ctx, nil) })
	run(func(ctx context.Context, s *scope.Scope) error {
		type value = func(context.Context) (int, error)
		wantPanic(t, "scope: Go with a nil function", func() { s.Go(nil) })
		wantPanic(t, "scope: Go with a nil scope or function", func() { scope.Go(s, value(nil)) })
		wantPanic(t, "scope: Go with a nil scope or function", func() { scope.Go(nil, func(context.Context) (int, error) { return 0, nil }) })
		wantPanic(t, "scope: Try with a nil scope or function", func() { scope.Try(s, value(nil)) })
		wantPanic(t, "scope: Daemon with a nil function", func() { s.Daemon(nil) })
		wantPanic(t, "scope: Do with a nil context or function", func() { s.Do(ctx, nil) })
		wantPanic(t, "scope: Do with a nil context or function", func() { s.Do(noContext, stay) })
		wantPanic(t, "scope: OnStop with a nil function", func() { s.OnStop(nil) })
		wantPanic(t, "scope: Defer with a nil function", func() { s.Defer(nil) })
		return nil
	})
	nothingRuns(t)
}
