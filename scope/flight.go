package scope

import (
	"context"
	"errors"
	"sync"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A Flight lets concurrent callers that ask for the same key share one call:
// singleflight, with a context for each caller. The call runs in the flight's
// scope and not in the first caller's, so that a caller who leaves takes
// nothing from the others.
//
// Results are shared, not kept: the next Do after the call has ended calls
// again.
type Flight[K comparable, V any] struct {
	s *Scope

	mu    sync.Mutex
	calls map[K]*flying[V]
}

// flying is one call under way.
type flying[V any] struct {
	future  *Future[V]
	callers int // who wait; guarded by Flight.mu
	cancel  context.CancelCauseFunc
}

// NewFlight returns a flight whose calls run as tasks of s. It panics if s is
// nil.
func NewFlight[K comparable, V any](s *Scope) *Flight[K, V] {
	if s == nil {
		panic("scope: NewFlight with a nil scope")
	}
	return &Flight[K, V]{s: s, calls: make(map[K]*flying[V])}
}

var errNobodyWaits = errors.New("scope: every caller of this flight has left")

// Do returns f's result for key, of a call that is under way if there is one.
// f sees the values of the first caller's context, and its context ends when
// every caller has left or the flight's scope ends.
//
// # Cancellation
//
// If ctx ends first, Do returns as [Future.Await] does and the call goes on for
// the others.
//
// # Errors
//
// f's own; a [*fault.Deadlock] if the call waits for the caller; one of kind
// [fault.Invalid] if f is nil or the flight's scope has finished.
//
//go:noinline
func (f *Flight[K, V]) Do(ctx context.Context, key K, fn func(context.Context) (V, error)) (V, error) {
	var zero V
	if ctx == nil {
		panic("scope: Flight.Do with a nil context")
	}
	if fn == nil {
		return zero, &fault.Error{Op: "scope: flight", Kind: fault.Invalid, Err: errNilFunc}
	}
	site := graph.CallerPC()
	f.mu.Lock()
	c, ok := f.calls[key]
	if !ok {
		if c = f.take(ctx, key, fn, site); c == nil {
			f.mu.Unlock()
			return zero, &fault.Error{Op: "scope: flight", Task: f.s.group.Name(), Kind: fault.Invalid, Err: errFinished}
		}
		f.calls[key] = c
	}
	c.callers++
	f.mu.Unlock()
	v, err := c.future.Await(ctx)
	f.leave(key, c)
	return v, err
}

// take starts a call; nil if the scope has finished. The caller holds f.mu.
func (f *Flight[K, V]) take(ctx context.Context, key K, fn func(context.Context) (V, error), site uintptr) *flying[V] {
	c := &flying[V]{}
	callCtx, cancel := context.WithCancelCause(f.s.Context())
	c.cancel = cancel
	c.future = &Future[V]{f: func(taskCtx context.Context) (V, error) {
		defer f.land(key, c)
		return fn(taskCtx)
	}}
	t := &task{body: c.future, keep: true, own: &own{ctx: callCtx, cancel: func() { cancel(nil) }}}
	c.future.task.Store(&t.Task)
	if !f.s.tryStart(t, graph.Spec{Fn: graph.FuncPC(fn), Site: site}, []Option{Values(ctx)}) {
		cancel(nil)
		return nil
	}
	return c
}

// land ends a call: the next caller makes a new one.
func (f *Flight[K, V]) land(key K, c *flying[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[key] == c {
		delete(f.calls, key)
	}
}

// leave takes one caller away, and ends a call that nobody waits for.
func (f *Flight[K, V]) leave(key K, c *flying[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.callers--; c.callers > 0 || c.future.done.Load() {
		return
	}
	if f.calls[key] == c {
		delete(f.calls, key)
	}
	c.cancel(errNobodyWaits)
}
