package scope

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

var errNilFunc = errors.New("the function is nil")

// Outcome is how one of several functions went.
type Outcome[T any] struct {
	Value T
	Err   error
}

// First runs fs at once and returns the first success; the others' context is
// cancelled, and all have ended on return. If none succeeds the errors are
// joined, in the order of fs. Without functions, or with a nil one, the error
// is of kind [fault.Invalid].
//
//go:noinline
func First[T any](ctx context.Context, fs ...func(context.Context) (T, error)) (T, error) {
	vs, err := quorum(ctx, "first", 1, fs, graph.CallerPC())
	if err != nil {
		var zero T
		return zero, err
	}
	return vs[0], nil
}

// Settle runs fs at once, waits for all, and returns every outcome in the
// order of fs. No failure cancels the others; the end of ctx reaches all. A nil
// function's outcome is an error of kind [fault.Invalid]. Panics are as with
// [Run].
//
//go:noinline
func Settle[T any](ctx context.Context, fs ...func(context.Context) (T, error)) []Outcome[T] {
	out := make([]Outcome[T], len(fs))
	site := graph.CallerPC()
	err := run(ctx, func(_ context.Context, s *Scope) error {
		for i, f := range fs {
			if f == nil {
				out[i].Err = &fault.Error{Op: "scope: settle", Kind: fault.Invalid, Err: fmt.Errorf("function %d is nil", i)}
				continue
			}
			begin(s, f, true, site, nil).OnDone(func(v T, err error) { out[i] = Outcome[T]{v, err} })
		}
		return nil
	}, site, 0, []Option{Name("settle")})
	_ = err // no body and no Go that could fail
	return out
}

// Quorum runs fs at once and returns the first n successes, in the order they
// came; then the others' context is cancelled, and all have ended on return.
// When so many have failed that n can no longer succeed, the rest are cancelled
// too and the errors are joined, in the order of fs. An n less than one or more
// than there are functions, or a nil function, is an error of kind
// [fault.Invalid].
//
//go:noinline
func Quorum[T any](ctx context.Context, n int, fs ...func(context.Context) (T, error)) ([]T, error) {
	return quorum(ctx, "quorum", n, fs, graph.CallerPC())
}

func quorum[T any](ctx context.Context, name string, n int, fs []func(context.Context) (T, error), site uintptr) ([]T, error) {
	if err := checkQuorum("scope: "+name, n, fs); err != nil {
		return nil, err
	}
	var (
		mu     sync.Mutex
		values []T
		errs   = make([]error, len(fs))
		failed int
	)
	err := run(ctx, func(_ context.Context, s *Scope) error {
		for i, f := range fs {
			begin(s, f, true, site, nil).OnDone(func(v T, err error) {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case len(values) == n || failed > len(fs)-n:
					return // decided
				case err == nil:
					values = append(values, v)
				default:
					errs[i] = err
					failed++
				}
				if len(values) == n || failed > len(fs)-n {
					s.Cancel(errDecided)
				}
			})
		}
		return nil
	}, site, 0, []Option{Name(name)})
	if err == nil && len(values) < n {
		err = errors.Join(errs...)
	}
	if err != nil {
		return nil, err
	}
	return values, nil
}

// errDecided is the cause for those who no longer matter.
var errDecided = errors.New("scope: the others have decided")

func checkQuorum[T any](op string, n int, fs []func(context.Context) (T, error)) error {
	if n < 1 || n > len(fs) {
		return &fault.Error{Op: op, Kind: fault.Invalid, Err: fmt.Errorf("%d of %d functions cannot succeed", n, len(fs)),
			Hint: "give at least one function, and ask for between one and all of them"}
	}
	for i, f := range fs {
		if f == nil {
			return &fault.Error{Op: op, Kind: fault.Invalid, Err: fmt.Errorf("function %d is nil", i)}
		}
	}
	return nil
}
