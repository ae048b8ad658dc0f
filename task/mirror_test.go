package task_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/task"
)

func TestAMirrorEndsAsItsCallersContextHas(t *testing.T) {
	type key struct{}
	for _, c := range []struct{ cause, err error }{
		{&fault.Error{Kind: fault.Cancelled, Err: io.EOF}, context.Canceled},
		{&fault.Error{Kind: fault.Deadline, Err: io.EOF}, context.DeadlineExceeded},
		{io.EOF, context.Canceled},
		{context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		ctx, end := task.Mirror(context.WithValue(t.Context(), key{}, 1), time.Time{})
		if ctx.Value(key{}) != 1 || ctx.Err() != nil || context.Cause(ctx) != nil {
			t.Errorf("a fresh one: %v, %v", ctx.Err(), context.Cause(ctx))
		}
		derived, cancel := context.WithCancel(context.WithValue(ctx, key{}, 2))
		end(c.cause)
		end(&fault.Error{Kind: fault.Deadline, Err: io.ErrNoProgress}) // too late
		for _, ctx := range []context.Context{ctx, derived} {
			<-ctx.Done()
			if ctx.Err() != c.err || context.Cause(ctx) != c.cause {
				t.Errorf("got %v, %v; want %v, %v", ctx.Err(), context.Cause(ctx), c.err, c.cause)
			}
		}
		cancel()
	}
}

func TestAMirrorEndsWithTheContextItStandsOn(t *testing.T) {
	outer, cancel := context.WithCancelCause(t.Context())
	ctx, end := task.Mirror(outer, time.Time{})
	defer end(nil)
	cancel(io.EOF)
	<-ctx.Done()
	if ctx.Err() != context.Canceled || context.Cause(ctx) != io.EOF {
		t.Errorf("got %v, %v", ctx.Err(), context.Cause(ctx))
	}
	born, endBorn := task.Mirror(outer, time.Time{})
	defer endBorn(nil)
	if born.Err() != context.Canceled || context.Cause(born) != io.EOF {
		t.Errorf("born dead: got %v, %v", born.Err(), context.Cause(born))
	}
	timeout, stop := context.WithTimeout(t.Context(), -1)
	defer stop()
	late, endLate := task.Mirror(timeout, time.Time{})
	defer endLate(nil)
	<-late.Done()
	if late.Err() != context.DeadlineExceeded {
		t.Errorf("got %v", late.Err())
	}
}

func TestAMirrorHasTheEarlierDeadlineAndDoesNotWatchIt(t *testing.T) {
	soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	with := func(at time.Time) context.Context {
		ctx, cancel := context.WithDeadline(t.Context(), at)
		t.Cleanup(cancel)
		return ctx
	}
	for _, c := range []struct {
		ctx      context.Context
		deadline time.Time
		want     time.Time
	}{
		{t.Context(), time.Time{}, time.Time{}}, {t.Context(), soon, soon}, {with(soon), time.Time{}, soon},
		{with(soon), late, soon}, {with(late), soon, soon},
	} {
		ctx, end := task.Mirror(c.ctx, c.deadline)
		if got, ok := ctx.Deadline(); !got.Equal(c.want) || ok == c.want.IsZero() {
			t.Errorf("got %v, %v, want %v", got, ok, c.want)
		}
		end(nil)
	}
	ctx, end := task.Mirror(t.Context(), time.Now().Add(-time.Hour))
	if ctx.Err() != nil {
		t.Error("it ended by itself")
	}
	end(nil)
	if ctx.Err() != context.Canceled || context.Cause(ctx) != context.Canceled {
		t.Errorf("released: %v, %v", ctx.Err(), context.Cause(ctx))
	}
}

func TestDerivingFromAMirrorCostsNoGoroutine(t *testing.T) {
	type key struct{}
	ctx, end := task.Mirror(t.Context(), time.Time{})
	defer end(nil)
	before := runtime.NumGoroutine()
	for range 100 {
		derived, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
		defer cancel()
		_ = derived
	}
	if n := runtime.NumGoroutine(); n > before+50 {
		t.Errorf("%d goroutines became %d", before, n)
	}
}

func TestAMirrorMayEndInSeveralWaysAtOnce(t *testing.T) {
	for range 3000 {
		outer, cancel := context.WithCancelCause(context.Background())
		ctx, end := task.Mirror(outer, time.Time{})
		var wg sync.WaitGroup
		wg.Go(func() { cancel(io.EOF) })
		wg.Go(func() { end(&fault.Error{Kind: fault.Deadline, Err: io.ErrClosedPipe}) })
		wg.Go(func() { <-ctx.Done(); _ = context.Cause(ctx).Error() })
		wg.Wait()
		err, cause := ctx.Err(), context.Cause(ctx)
		if byTwo := errors.Is(cause, io.ErrClosedPipe); byTwo != (cause != io.EOF) || err == nil {
			t.Fatalf("got %v, %v", err, cause)
		}
		end(nil)
	}
}
