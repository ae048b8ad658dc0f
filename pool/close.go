package pool

import (
	"context"
	"fmt"
	"slices"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// Close takes no more work, and waits until all that was accepted has run. Work
// that comes later, also from what still runs, is refused with [fault.Invalid];
// but a run may still call Do of its own pool, since it has its slot.
//
// It is needed only where somebody must know that the work has ended: a pool
// holds no goroutine while it is idle. A second Close waits likewise, and
// returns nil when nothing is left.
//
// # Cancellation
//
// When ctx ends, what has not begun is refused, its submitters being told with
// an error of kind [fault.Cancelled] which has not [fault.Started]. What runs
// goes on, owned by its scope or its caller. The error, of kind Cancelled or
// Deadline, Is ctx's cause and says how many still ran.
//
// # Errors
//
// A [*fault.Deadlock] if what runs in the pool waits, directly or through
// others, for the caller; to Close a pool from its own work is the smallest
// case. The pool is closed nevertheless.
//
// # Panics
//
// Close panics if the pool or ctx is nil.
func (p *Pool) Close(ctx context.Context) error {
	if p == nil || ctx == nil {
		panic("pool: Close of a nil Pool or with a nil context")
	}
	r := p.room
	r.lock()
	r.closed = true
	left := r.leftLocked()
	r.unlock()
	if !left {
		r.unplace()
		return nil
	}
	w := new(graph.Wait)
	w.Begin(ctx, (*draining)(r))
	r.lock()
	if !r.leftLocked() {
		r.unlock()
		w.Abandon()
		r.unplace()
		return nil
	}
	r.closers = append(r.closers, w)
	w.Publish()
	r.unlock()
	err := w.Park()
	if err == nil {
		r.unplace()
		return nil
	}
	return r.giveUp(w, err)
}

// leftLocked reports whether anything waits or runs.
func (r *room) leftLocked() bool { return r.active != nil || r.queue.n > 0 }

// drainedLocked lets those go on who wait in Close.
func (r *room) drainedLocked() {
	if !r.closed || r.leftLocked() {
		return
	}
	for _, w := range r.closers {
		w.Grant()
	}
	r.closers = nil
}

// giveUp ends a Close whose waiting ended with err.
func (r *room) giveUp(w *graph.Wait, err error) error {
	r.lock()
	defer r.unlock()
	r.closers = slices.DeleteFunc(r.closers, func(c *graph.Wait) bool { return c == w })
	if fault.KindOf(err) == fault.Deadlocked {
		return err
	}
	told := 0
	r.queue.all(func(e *entry) {
		if e.caller == nil || !e.caller.yields {
			told++
			r.refuseLocked(e, dropped)
		}
	})
	still := r.running + r.lent
	r.drainedLocked() // of others
	return &fault.Error{Op: "pool: close", Task: r.name, Kind: kindOfEnd(err), Started: true,
		Err: fmt.Errorf("%d runs go on, %d that waited were refused: %w", still, told, err)}
}

// draining is a closed pool, seen by the wait graph.
type draining room

// Blocked is true if any run is stuck: what waits for a slot gets one, but
// nobody ends a run but itself.
func (d *draining) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) (blocked bool) {
	for _, t := range (*room)(d).holders() {
		blocked = stuck(t) || blocked
	}
	return blocked
}

// Label names the pool.
func (d *draining) Label() graph.Label { return graph.Label{Kind: "end of pool", Name: d.name} }

// holders returns the tasks of all runs.
func (r *room) holders() (tasks []*graph.Task) {
	r.lock()
	defer r.unlock()
	if h := r.active; h != nil {
		for {
			if h.task != nil {
				tasks = append(tasks, h.task)
			}
			if h = h.next; h == r.active {
				break
			}
		}
	}
	return tasks
}
