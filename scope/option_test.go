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

func TestAnOptionForTheOtherKindPanicsByName(t *testing.T) {
	run(func(ctx context.Context, s *scope.Scope) error {
		noop := func(context.Context, *scope.Scope) error { return nil }
		for name, o := range map[string]scope.Option{
			"Grace": scope.Grace(1), "Contain": scope.Contain(), "Supervise": scope.Supervise(func(error) {}),
		} {
			text := "scope: " + name + " is an option of Run, not of a task"
			wantPanic(t, text, func() { s.Go(stay, o) })
			wantPanic(t, text, func() { s.Daemon(stay, scope.Name("x"), o) })
			wantPanic(t, text, func() { scope.Go(s, after(0, 1, nil), o) })
			wantPanic(t, text, func() { s.Do(ctx, stay, o) })
		}
		for name, o := range map[string]scope.Option{"Values": scope.Values(ctx), "Via": scope.Via(inline{}, 0)} {
			wantPanic(t, "scope: "+name+" is an option of a task, not of Run", func() { scope.Run(ctx, noop, o) })
		}
		wantPanic(t, "scope: Supervise with a nil report", func() { scope.Supervise(nil) })
		wantPanic(t, "scope: Values of a nil context", func() { scope.Values(noContext) })
		wantPanic(t, "scope: Do runs on the calling goroutine", func() { s.Do(ctx, stay, scope.Via(inline{}, 0)) })
		return nil
	})
	nothingRuns(t)
}

func TestTheLastOptionWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		run(func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				if name := graph.FromContext(ctx).Name(); name != "second" {
					t.Errorf("it is called %s", name)
				}
				<-ctx.Done()
				return nil
			}, scope.Name("first"), scope.Timeout(time.Hour), scope.Name("second"), scope.Timeout(time.Second))
			return nil
		})
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestWithoutANameTheFunctionsIsTaken(t *testing.T) {
	run(func(ctx context.Context, s *scope.Scope) error {
		s.Go(named)
		if name := graph.FromContext(ctx).Inner().Name(); name != "scope_test.TestWithoutANameTheFunctionsIsTaken.func1" {
			t.Errorf("the scope is called %s", name)
		}
		return nil
	})
}

func named(ctx context.Context) error {
	if name := graph.FromContext(ctx).Name(); name != "scope_test.named" {
		return errors.New(name)
	}
	return nil
}

func TestATimeoutOfZeroOrLessEndsTheContextAtOnce(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second} {
		err := run(func(ctx context.Context, s *scope.Scope) error {
			if ctx.Err() == nil {
				t.Error("the scope's context lives")
			}
			return ctx.Err()
		}, scope.Timeout(d))
		if fault.KindOf(err) != fault.Deadline {
			t.Errorf("Run returned %v", err)
		}
		err = run(func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error { return context.Cause(ctx) }, scope.Timeout(d), scope.Name("late"))
			return nil
		})
		if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Kind != fault.Deadline || e.Task != "late" {
			t.Errorf("Run returned %v", err)
		}
	}
}

// An audit record outlives its request and keeps the request's trace.
func TestValuesGivesValuesAndNoCancellation(t *testing.T) {
	type key struct{}
	type other struct{}
	synctest.Test(t, func(t *testing.T) {
		request, cancel := context.WithTimeout(context.WithValue(context.Background(), key{}, "trace"), time.Second)
		ctx := context.WithValue(context.Background(), other{}, "own")
		err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				cancel()
				time.Sleep(time.Minute)
				if _, ok := ctx.Deadline(); ok || ctx.Err() != nil {
					t.Error("it ends with the request")
				}
				if ctx.Value(key{}) != "trace" || ctx.Value(other{}) != "own" {
					t.Errorf("values: %v, %v", ctx.Value(key{}), ctx.Value(other{}))
				}
				derived, stop := context.WithCancel(ctx)
				defer stop()
				s.Cancel(errCause)
				<-derived.Done()
				if context.Cause(derived) != errCause {
					t.Errorf("a derived context's cause is %v", context.Cause(derived))
				}
				return nil
			}, scope.Values(request))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// inline launches tasks on the spawner's goroutine: a pool's skeleton.
type inline struct{ refuse error }

func (l inline) Launch(_ *graph.Task, r graph.Launched) { r.Run(l.refuse) }

func TestALauncherDecidesWhereATaskRuns(t *testing.T) {
	me := identity()
	err := run(func(ctx context.Context, s *scope.Scope) error {
		f := scope.Go(s, func(context.Context) (bool, error) { return identity() == me, nil }, scope.Via(inline{}, 0))
		if here, err := f.Await(ctx); !here || err != nil {
			t.Errorf("it ran elsewhere: %v", err)
		}
		refused := scope.Try(s, func(context.Context) (int, error) { t.Error("it ran"); return 0, nil }, scope.Via(inline{errBoom}, 0))
		if _, err := refused.Await(ctx); err != errBoom {
			t.Errorf("refused with %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	nothingRuns(t)
}
