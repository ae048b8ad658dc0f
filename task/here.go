package task

import (
	"context"
	"errors"

	"github.com/hemgo/hem/scope"
)

// Here is the goroutine rung: a call runs on a goroutine of its own, as a task
// with the call's name, and its caller waits for it. Memory is shared, nothing
// is encoded, and there is no limit to how many run at once.
//
// A function that waits for its own caller is a deadlock: its context ends with
// the [*fault.Deadlock], which is the call's error unless the function's own
// wraps it.
//
// # Cost
//
// Three to five times that of a bare goroutine and a channel (BenchmarkHereRun):
// the scope that owns it, and two standard contexts.
var Here Runner = here{}

type here struct{}

// Run makes here a Runner.
func (here) Run(ctx context.Context, c *Call) error {
	if err := c.Ended(ctx); err != nil {
		return err
	}
	h := &hereCall{c: c}
	err := scope.Run(ctx, h.start, scope.Contain(), scope.Name(c.name))
	if err != nil && !errors.Is(h.err, err) {
		return err // a panic, or a verdict on the join
	}
	return h.err
}

// hereCall is one call on its goroutine.
type hereCall struct {
	c   *Call
	err error // the function's; written before the scope is joined
}

func (h *hereCall) start(_ context.Context, s *scope.Scope) error {
	s.Go(h.invoke, scope.Name(h.c.name))
	return nil
}

// invoke keeps the function's error from the scope, to which one that Is its
// context's is only an echo, and here it is the outcome.
func (h *hereCall) invoke(ctx context.Context) error {
	h.err = h.c.Invoke(ctx)
	return nil
}
