package tasktest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
)

func endedStartsNothing(t *testing.T, x *exercise) {
	before := began.Load()
	ctx, cancel := context.WithCancelCause(x.ctx)
	cancel(errDeclined)
	_, err := square.Do(ctx, x.r, 3)
	if fault.KindOf(err) != fault.Cancelled || fault.Started(err) || !errors.Is(err, context.Canceled) || !errors.Is(err, errDeclined) {
		t.Errorf("cancelled before: got %v, kind %v, started %v; want Cancelled, not started, with the cause", err, fault.KindOf(err), fault.Started(err))
	}
	ctx, stop := context.WithTimeout(x.ctx, -1)
	defer stop()
	_, err = square.Do(ctx, x.r, 3)
	if fault.KindOf(err) != fault.Deadline || fault.Started(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline before: got %v, kind %v, started %v; want Deadline, not started", err, fault.KindOf(err), fault.Started(err))
	}
	if began.Load() != before {
		t.Error("a function began")
	}
}

// aWhile is long enough for a call to have begun on any rung.
const aWhile = 200 * time.Millisecond

func deadlineIsSeen(t *testing.T, x *exercise) {
	ctx, cancel := context.WithTimeout(x.ctx, aWhile)
	defer cancel()
	s, err := watch.Do(ctx, x.r, watching{})
	if err != nil {
		t.Fatalf("the function returned what it saw, and the call failed: %v", err)
	}
	want, _ := ctx.Deadline()
	if off := s.Deadline.Sub(want).Abs(); !s.HasDeadline || off > time.Second {
		t.Errorf("the function's deadline is %v (has one: %v), the caller's %v", s.Deadline, s.HasDeadline, want)
	}
	if !s.IsDeadline || !s.Derived {
		t.Errorf("the function's context ended with %q (a derived one alike: %v)", s.Err, s.Derived)
	}
}

func deadlineIsDeadline(t *testing.T, x *exercise) {
	ctx, cancel := context.WithTimeout(x.ctx, aWhile)
	defer cancel()
	_, err := watch.Do(ctx, x.r, watching{Return: "err"})
	if fault.KindOf(err) != fault.Deadline || !errors.Is(err, context.DeadlineExceeded) || !fault.Started(err) {
		t.Errorf("got %v, kind %v, started %v; want Deadline, started", err, fault.KindOf(err), fault.Started(err))
	}
}

func causeIsSeen(t *testing.T, x *exercise) {
	ctx, cancel := context.WithCancelCause(x.ctx)
	ctx, wait := x.whenBegun(ctx, func() { cancel(fmt.Errorf("by hand: %w", errDeclined)) })
	defer wait()
	s, err := watch.Do(ctx, x.r, watching{Cause: declined})
	if err != nil {
		t.Fatalf("the function returned what it saw, and the call failed: %v", err)
	}
	if !s.HasCause || !s.IsCanceled || !s.Derived {
		t.Errorf("the function's context ended with %q; the cause Is the caller's: %v; a derived one alike: %v", s.Err, s.HasCause, s.Derived)
	}
	if s.HasDeadline {
		t.Errorf("the function has a deadline that the caller has not: %v", s.Deadline)
	}
}

func timeoutCauseIsSeen(t *testing.T, x *exercise) {
	ctx, cancel := context.WithTimeoutCause(x.ctx, aWhile, errDeclined)
	defer cancel()
	s, err := watch.Do(ctx, x.r, watching{Cause: declined})
	if err != nil {
		t.Fatalf("the function returned what it saw, and the call failed: %v", err)
	}
	if !s.HasCause || !s.IsDeadline {
		t.Errorf("the function's context ended with %q; the cause Is the caller's: %v", s.Err, s.HasCause)
	}
}

func cancelIsCancelled(t *testing.T, x *exercise) {
	for _, returns := range []string{"err", "cause"} {
		ctx, cancel := context.WithCancelCause(x.ctx)
		ctx, wait := x.whenBegun(ctx, func() { cancel(&fault.Error{Op: "by hand", Kind: fault.Cancelled, Started: true, Err: errDeclined}) })
		_, err := watch.Do(ctx, x.r, watching{Return: returns})
		wait()
		if fault.KindOf(err) != fault.Cancelled || !errors.Is(err, context.Canceled) || !fault.Started(err) {
			t.Errorf("the function returned its %s: got %v, kind %v, started %v; want Cancelled, started", returns, err, fault.KindOf(err), fault.Started(err))
		}
		if returns == "cause" && !errors.Is(err, errDeclined) {
			t.Errorf("the function returned the cause, and it is not in %v", err)
		}
	}
}

func stubbornIsAwaited(t *testing.T, x *exercise) {
	ctx, cancel := context.WithCancel(x.ctx)
	ctx, wait := x.whenBegun(ctx, cancel)
	in := &board{For: aWhile}
	out, err := stubborn.Do(ctx, x.r, in)
	left := running.Load()
	in.Writes = -1 // the race detector has a word if somebody still writes
	wait()
	if left != 0 {
		t.Errorf("the call has returned while %d of its functions run", left)
	}
	if err != nil || out != "done" {
		t.Errorf("the function returned its result after its context had ended: got %q, %v", out, err)
	}
	for deadline := time.Now().Add(2 * aWhile); running.Load() != 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // leave the next case alone
	}
}

func stubbornIsKilled(t *testing.T, x *exercise) {
	ctx, cancel := context.WithCancelCause(x.ctx)
	var at time.Time
	ctx, wait := x.whenBegun(ctx, func() { at = time.Now(); cancel(errDeclined) })
	_, err := stubborn.Do(ctx, x.r, &board{For: 10 * x.KillsWithin})
	wait()
	if took := time.Since(at); took > x.KillsWithin {
		t.Errorf("it took %v to kill the function, more than %v", took, x.KillsWithin)
	}
	if fault.KindOf(err) != fault.Cancelled || !fault.Started(err) || !errors.Is(err, errDeclined) {
		t.Errorf("got %v, kind %v, started %v; want Cancelled, started, with the cause", err, fault.KindOf(err), fault.Started(err))
	}
	if out, err := square.Do(x.ctx, x.r, 3); err != nil || out != 9 {
		t.Errorf("the call after it: got %d, %v", out, err)
	}
}
