package task_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

func TestHereReturnsTheFunctionsOwnErrorThoughItsContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	own := fmt.Errorf("half way: %w", context.Canceled)
	d := task.Command("d", func(ctx context.Context, _ int) error {
		cancel(io.EOF)
		<-ctx.Done()
		return own
	})
	if _, err := d.Do(ctx, task.Here, 1); err != own {
		t.Errorf("got %v", err)
	}
}

func TestHereNamesWhoPanickedAndWhoStartedIt(t *testing.T) {
	d := task.Command("img.resize", func(context.Context, int) error { panic("boom") })
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error { _, err := d.Do(ctx, task.Here, 1); return err }, scope.Name("handler"))
		return nil
	}, scope.Name("service"))
	var p *fault.Panic
	if !errors.As(err, &p) || !strings.HasPrefix(p.Task, "img.resize#") || !strings.Contains(p.Path.String(), "< handler#1") {
		t.Errorf("got %v", err)
	}
}

func TestAFunctionThatWaitsForItsOwnCallerIsADeadlock(t *testing.T) {
	var caller *scope.Future[int]
	var ready chan struct{}
	awaits := task.Define("awaits", func(ctx context.Context, _ int) (int, error) {
		<-ready
		v, err := caller.Await(ctx)
		if err != nil {
			err = fmt.Errorf("waiting: %w", err)
		}
		return v, err
	})
	for range 100 { // the verdict falls on the function's wait, or on the join
		ready = make(chan struct{})
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			caller = awaits.Go(s, task.Here, 1)
			close(ready)
			return nil
		})
		if fault.KindOf(err) != fault.Deadlocked || !fault.Started(err) || !strings.Contains(err.Error(), "awaits#1") {
			t.Fatalf("got %v", err)
		}
	}
}

func TestAPromiseOfSomebodyElseIsNotTheCalls(t *testing.T) {
	inner := &fault.Error{Op: "pool: submit", Kind: fault.Overloaded, Err: io.EOF}
	for _, c := range []struct {
		err       error
		kind      fault.Kind
		retryable bool
	}{
		{inner, fault.Overloaded, true},
		{fmt.Errorf("inner: %w", inner), fault.Overloaded, true},
		{fault.Permanent(inner), fault.Failed, false},
		{fault.RetryAfter(&fault.Error{Kind: fault.Invalid}, 1), fault.Failed, true},
		{&fault.Error{Kind: fault.Cancelled}, fault.Cancelled, false},
	} {
		_, err := task.Command("d", func(context.Context, int) error { return c.err }).Do(t.Context(), task.Here, 1)
		if !fault.Started(err) || !errors.Is(err, c.err) || fault.KindOf(err) != c.kind || fault.Retryable(err) != c.retryable {
			t.Errorf("of %v: got %v, started %v, kind %v, retryable %v", c.err, err, fault.Started(err), fault.KindOf(err), fault.Retryable(err))
		}
	}
}

func TestEndedTellsACancelFromADeadline(t *testing.T) {
	ended := func(ctx context.Context) (err error) {
		_, _ = double.Do(t.Context(), runner(func(inner context.Context, c *task.Call) error {
			err = c.Ended(ctx)
			return c.Invoke(inner)
		}), 1)
		return err
	}
	if err := ended(t.Context()); err != nil {
		t.Error(err)
	}
	byCause := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		return ctx
	}
	timeout, cancel := context.WithTimeoutCause(t.Context(), -1, io.EOF)
	defer cancel()
	for _, c := range []struct {
		ctx  context.Context
		kind fault.Kind
		is   error
	}{
		{byCause(nil), fault.Cancelled, context.Canceled},
		{byCause(io.EOF), fault.Cancelled, io.EOF},
		{byCause(context.DeadlineExceeded), fault.Deadline, context.DeadlineExceeded},
		{byCause(&fault.Error{Kind: fault.Overloaded, Started: true}), fault.Cancelled, context.Canceled},
		{timeout, fault.Deadline, io.EOF},
	} {
		err := ended(c.ctx)
		if fault.KindOf(err) != c.kind || !errors.Is(err, c.is) || fault.Started(err) {
			t.Errorf("got %v, kind %v, started %v", err, fault.KindOf(err), fault.Started(err))
		}
	}
}
