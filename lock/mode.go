package lock

import (
	"context"
	"errors"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// mode says how a lock is wanted or held.
type mode uint8

const (
	shared  mode = 1 << iota // for reading, beside other readers
	ordered                  // one of several that are taken in their global order: no nesting
)

// lockable is a lock as the order checker and reports see it.
type lockable interface {
	graph.Estate
	class() *Class // never nil, the same for the lock's whole life
}

var errNoContext = errors.New("the context is nil")

// caller returns the task that the calling goroutine acts for under ctx, nil if
// it is outside. op names the operation for the error about a nil context.
func caller(ctx context.Context, op string) (*graph.Task, error) {
	if ctx == nil {
		return nil, &fault.Error{Op: op, Kind: fault.Invalid, Err: errNoContext,
			Hint: "pass the context that your function was given, or context.Background()"}
	}
	return graph.Current(ctx), nil
}

// gaveUp is the error of a wait for what is called label that did not end as
// hoped. A verdict is returned as it is.
func gaveUp(ctx context.Context, op string, label graph.Label, err error) error {
	if fault.KindOf(err) == fault.Deadlocked {
		return err
	}
	kind := fault.Cancelled
	if fault.KindOf(err) == fault.Deadline || ctx.Err() == context.DeadlineExceeded {
		kind = fault.Deadline // the cause may be anything
	}
	return &fault.Error{Op: op, Task: label.Name, Kind: kind, Err: err}
}
