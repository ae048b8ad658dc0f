package scope

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A Future is the outcome of one task, now or later. Any number of goroutines
// may wait for it, any number of times. Futures are made by [Go] and [Try].
type Future[T any] struct {
	f    func(context.Context) (T, error)
	task atomic.Pointer[graph.Task] // who produces it; nil once done

	done atomic.Bool // set after value and err, and read before them

	mu      sync.Mutex
	who     graph.Ident // for reports after the task has gone
	value   T
	err     error
	waiters []*graph.Wait
	on      []func(T, error)
	closed  chan struct{} // of Done, made when asked for
}

// Go starts f as a task of s and returns its future. Like [Scope.Go]'s, its
// failure fails the scope; [Try]'s does not.
//
// # Panics
//
// Go panics if s or f is nil or s is finished. A panic of f is the scope's
// affair (see [Run]); whoever awaits the future gets the [*fault.Panic].
//
//go:noinline
func Go[T any](s *Scope, f func(context.Context) (T, error), opts ...Option) *Future[T] {
	if s == nil || f == nil {
		panic("scope: Go with a nil scope or function")
	}
	return begin(s, f, false, graph.CallerPC(), opts)
}

// Try starts f as a task of s whose failure stays in its future: the siblings
// go on, and [Run]'s result does not know of it. It is for work one can do
// without. A panic is not a failure in this sense unless the scope contains it.
//
//go:noinline
func Try[T any](s *Scope, f func(context.Context) (T, error), opts ...Option) *Future[T] {
	if s == nil || f == nil {
		panic("scope: Try with a nil scope or function")
	}
	return begin(s, f, true, graph.CallerPC(), opts)
}

func begin[T any](s *Scope, f func(context.Context) (T, error), keep bool, site uintptr, opts []Option) *Future[T] {
	fut := &Future[T]{f: f}
	t := &task{body: fut, keep: keep}
	fut.task.Store(&t.Task)
	s.start(t, graph.Spec{Fn: graph.FuncPC(f), Site: site}, opts)
	return fut
}

// run and end make Future the work of its task.
func (f *Future[T]) run(ctx context.Context) error {
	f.value, f.err = f.f(ctx)
	return f.err
}

func (f *Future[T]) end(err error) (callbacks func()) {
	f.mu.Lock()
	f.err = err
	f.who = f.task.Load().Ident()
	f.f = nil
	f.done.Store(true)
	f.task.Store(nil)
	waiters, on, closed := f.waiters, f.on, f.closed
	f.waiters, f.on = nil, nil
	f.mu.Unlock()
	if closed != nil {
		close(closed)
	}
	for _, w := range waiters {
		w.Grant()
	}
	if on == nil {
		return nil
	}
	return func() { f.call(on) }
}

// call runs the callbacks, each of them even if one panics.
func (f *Future[T]) call(on []func(T, error)) {
	for i, call := range on {
		returned := false
		func() {
			defer func() {
				if !returned {
					f.call(on[i+1:])
				}
			}()
			call(f.value, f.err)
			returned = true
		}()
	}
}

// Await returns the task's result, waiting for it if need be.
//
// # Cancellation
//
// If ctx ends first, Await returns a [*fault.Error] of kind Cancelled or
// Deadline that Is ctx's cause; the task goes on. A result that is there is
// returned even if ctx has ended.
//
// # Errors
//
// The task's own error, untouched. A [*fault.Deadlock] if the task, directly or
// through others, waits for the caller: a future awaited by its own task is the
// smallest case.
//
// # Panics
//
// Await panics if ctx is nil.
//
// # Cost
//
// One atomic load if the result is there; else one park.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("scope: Await with a nil context")
	}
	if f.done.Load() {
		return f.value, f.err
	}
	var w graph.Wait
	return f.wait(ctx, &w)
}

func (f *Future[T]) wait(ctx context.Context, w *graph.Wait) (T, error) {
	w.Begin(ctx, (*awaiting[T])(f))
	f.mu.Lock()
	if f.done.Load() {
		f.mu.Unlock()
		w.Abandon()
		return f.value, f.err
	}
	f.waiters = append(f.waiters, w)
	w.Publish()
	f.mu.Unlock()
	err := w.Park()
	if err == nil || f.done.Load() {
		return f.value, f.err
	}
	f.mu.Lock()
	if i := slices.Index(f.waiters, w); i >= 0 {
		f.waiters = slices.Delete(f.waiters, i, i+1)
	}
	f.mu.Unlock()
	var zero T
	return zero, gaveUp(ctx, "scope: await", f.producer(), err)
}

// gaveUp is the error of a wait that did not end as hoped. A verdict is
// returned as it is.
func gaveUp(ctx context.Context, op, task string, err error) error {
	if fault.KindOf(err) == fault.Deadlocked {
		return err
	}
	kind := fault.Cancelled
	if fault.KindOf(err) == fault.Deadline || ctx.Err() == context.DeadlineExceeded {
		kind = fault.Deadline // the cause may be anything
	}
	return &fault.Error{Op: op, Task: task, Kind: kind, Started: true, Err: err}
}

// Done returns a channel that is closed when the result is there, for a select
// with other channels. Waiting on it is not seen in reports; Await is.
func (f *Future[T]) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed == nil {
		f.closed = make(chan struct{})
		if f.done.Load() {
			close(f.closed)
		}
	}
	return f.closed
}

// OnDone calls f with the outcome when it is there. Whoever awaits the future
// and whoever has called OnDone learn of it alike.
//
// The callback runs on the task's own goroutine after its function has
// returned, in the order of the OnDone calls, and belongs to the task: the
// scope joins it, and a panic in it is the task's. If the outcome is there
// already the callback runs at once, on the calling goroutine, before OnDone
// returns. It should be short: the task's scope waits for it.
//
// OnDone panics if call is nil.
func (f *Future[T]) OnDone(call func(T, error)) {
	if call == nil {
		panic("scope: OnDone with a nil function")
	}
	f.mu.Lock()
	if !f.done.Load() {
		f.on = append(f.on, call)
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	call(f.value, f.err)
}

// awaiting is a future seen by the wait graph.
type awaiting[T any] Future[T]

func (a *awaiting[T]) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool {
	t := a.task.Load()
	return t != nil && stuck(t)
}

func (a *awaiting[T]) Label() graph.Label {
	return graph.Label{Kind: "future", Name: (*Future[T])(a).producer()}
}

// producer names the task.
func (f *Future[T]) producer() string {
	if t := f.task.Load(); t != nil {
		return t.String()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.who.String()
}
