package scope

import (
	"context"
	"iter"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// Map calls f for every item, at most n at once, and returns the results in
// the items' order. The first failure cancels the others' context and is
// returned, without results; all have ended on return.
//
// The calling goroutine works as one of the n: with an n of 1 nothing is
// started. Workers take items in order, one at a time.
//
// # Errors
//
// f's first error; ctx's cause if ctx ended first and items were left; an error
// of kind [fault.Invalid] if n is less than one or f is nil. No items, no
// results, no error.
//
// # Panics
//
// As [Run]: a panic of f comes out of Map when all have ended.
//
// # Cost
//
// One task a worker, whatever the number of items; about 50 ns an item.
//
//go:noinline
func Map[In, Out any](ctx context.Context, n int, items []In, f func(context.Context, In) (Out, error)) ([]Out, error) {
	if err := checkMap("scope: map", n, f == nil); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, nil
	}
	out := make([]Out, len(items))
	var next atomic.Int64
	work := func(ctx context.Context) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(items) {
				return nil
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			v, err := f(ctx, items[i])
			if err != nil {
				return err
			}
			out[i] = v
		}
	}
	spec := graph.Spec{Fn: graph.FuncPC(f), Site: graph.CallerPC()}
	err := run(ctx, func(ctx context.Context, s *Scope) error {
		for range min(n, len(items)) - 1 {
			s.start(&task{body: function(work)}, spec, nil)
		}
		return work(ctx)
	}, spec.Site, spec.Fn, nil)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func checkMap(op string, n int, nilFunc bool) error {
	switch {
	case nilFunc:
		return &fault.Error{Op: op, Kind: fault.Invalid, Err: errNilFunc}
	case n < 1:
		return &fault.Error{Op: op, Kind: fault.Invalid, Err: errWidth(n), Hint: "n is how many may run at once: at least 1"}
	}
	return nil
}

type errWidth int

func (n errWidth) Error() string { return "n is " + strconv.Itoa(int(n)) }

// Each calls f for every item that items yields, each in a task of its own and
// at most n at once. The first failure cancels the others' context, stops
// items, and is returned; all have ended on return.
//
// items runs on the calling goroutine and is asked for the next item when one
// of the n is free. It may block; it should mind ctx.
//
// Errors and panics are as with [Map]. If ctx ends before items has, its cause
// is the error even if no item was left.
//
//go:noinline
func Each[In any](ctx context.Context, n int, items iter.Seq[In], f func(context.Context, In) error) error {
	if err := checkMap("scope: each", n, f == nil || items == nil); err != nil {
		return err
	}
	spec := graph.Spec{Fn: graph.FuncPC(f), Site: graph.CallerPC()}
	return run(ctx, func(ctx context.Context, s *Scope) error {
		room := &room{s: s, free: n - 1} // one place is the next item's
		for item := range items {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			one := func(ctx context.Context) error { return f(ctx, item) }
			s.start(&task{body: roomer{one, room}}, spec, nil)
			if err := room.enter(ctx); err != nil {
				return err
			}
		}
		return nil
	}, spec.Site, spec.Fn, nil)
}

// room lets n tasks of one scope live at once. Only the scope's body enters.
type room struct {
	s *Scope

	mu     sync.Mutex
	free   int
	waiter *graph.Wait
}

// enter takes one place, waiting for a task to end if there is none. A place
// that a failure made free is nobody's: the body stops.
func (r *room) enter(ctx context.Context) error {
	if !r.tryEnter() {
		var w graph.Wait
		if err := r.wait(ctx, &w); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (r *room) tryEnter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.free == 0 {
		return false
	}
	r.free--
	return true
}

func (r *room) wait(ctx context.Context, w *graph.Wait) error {
	w.Begin(ctx, r)
	r.mu.Lock()
	if r.free > 0 {
		r.free--
		r.mu.Unlock()
		w.Abandon()
		return nil
	}
	r.waiter = w
	w.Publish()
	r.mu.Unlock()
	err := w.Park()
	if err != nil {
		r.mu.Lock()
		r.waiter = nil
		r.mu.Unlock()
	}
	return err
}

// leave gives one place back, to the waiter if there is one.
func (r *room) leave() {
	r.mu.Lock()
	w := r.waiter
	r.waiter = nil
	if w == nil || !w.Claim() {
		r.free++
		w = nil
	}
	r.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}

// Blocked is true if every task in the room is stuck: no place will be free.
func (r *room) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool {
	all := true
	r.s.group.Tasks(func(t *graph.Task) bool {
		all = stuck(t) && all
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	return all && r.free == 0
}

func (r *room) Label() graph.Label {
	return graph.Label{Kind: "place in each", Name: r.s.group.Name()}
}

// roomer is the work of one item.
type roomer struct {
	f    func(context.Context) error
	room *room
}

func (r roomer) run(ctx context.Context) error { return r.f(ctx) }

// end lets the next one in, unless the scope has ended by then.
func (r roomer) end(err error) func() {
	if err != nil {
		r.room.s.fail(nil, err)
	}
	r.room.leave()
	return nil
}
