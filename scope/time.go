package scope

import (
	"context"
	"fmt"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// Sleep waits for d, or until ctx ends, which it returns the cause of. Unlike
// time.Sleep it can be cancelled and is seen in dumps. A d of zero or less
// returns at once, with ctx's cause if it has ended. Sleep panics if ctx is nil.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx == nil {
		panic("scope: Sleep with a nil context")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	w := new(graph.Wait)
	w.Begin(ctx, timer(d))
	w.Publish()
	t := time.AfterFunc(d, func() { w.Grant() })
	defer t.Stop()
	return w.Park()
}

// timer is a wait that ends by itself.
type timer time.Duration

func (timer) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }
func (d timer) Label() graph.Label {
	return graph.Label{Kind: "timer", Name: time.Duration(d).String()}
}

// Every returns a function for [Scope.Daemon] or [Scope.Go] that calls f again
// and again, d after the last call has returned, until its context ends; the
// first call is after d. To end with its context is no failure: it returns nil
// then. It returns f's error if f fails for another reason.
//
// Every panics if d is not positive or f is nil.
func Every(d time.Duration, f func(context.Context) error) func(context.Context) error {
	if d <= 0 || f == nil {
		panic(fmt.Sprintf("scope: Every needs a positive duration and a function, not %v", d))
	}
	return func(ctx context.Context) error {
		for Sleep(ctx, d) == nil {
			if err := f(ctx); err != nil && !echoes(ctx, err) {
				return err
			}
		}
		return nil
	}
}

// Shield runs f, on the calling goroutine, with a context that has ctx's values
// but does not end with it: for what must be finished once begun. It ends after
// bound, with a cause of kind [fault.Deadline]; f is expected to return then,
// and Shield waits until it does.
//
// The error is f's, or of kind [fault.Invalid] if bound is not positive or f is
// nil: nothing is shielded for ever.
func Shield(ctx context.Context, bound time.Duration, f func(context.Context) error) error {
	switch {
	case ctx == nil:
		panic("scope: Shield with a nil context")
	case f == nil:
		return &fault.Error{Op: "scope: shield", Kind: fault.Invalid, Err: errNilFunc}
	case bound <= 0:
		return &fault.Error{Op: "scope: shield", Kind: fault.Invalid, Err: fmt.Errorf("the bound is %v", bound),
			Hint: "give the longest time that f may take"}
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), bound, tooLate("scope: shield", graph.Spec{}))
	defer cancel()
	return f(ctx)
}
