package lock

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/internal/graph"
)

// Wait waits until pred holds of the value, and returns a copy of the value for
// which it held. It is what condition variables are for.
//
// pred is called with the value itself, as by [Guard.View]: at once, and after
// each change that an Update, a [Guard.Lock] or a [Guard.Reset] may have made.
// Between two looks the value may have changed and changed back. Who waits is
// woken by every change: with many waiting for different things, give each its
// own guard.
//
// # Cancellation
//
// If ctx ends first, Wait returns an error of kind [fault.Cancelled] or
// [fault.Deadline] that Is ctx's cause. A value of which pred holds is returned
// even if ctx has ended.
//
// Who will change the value is unknown. So nobody is told that pred will never
// hold: bound the wait by a deadline. It is seen in reports, as one for a
// condition. It is a [*fault.Deadlock] only if nobody can change the value, since
// who reads it waits, directly or through others, for the caller.
func (g *Guard[T]) Wait(ctx context.Context, pred func(v T) bool) (T, error) {
	var found T
	err := g.until(ctx, "lock: wait", pred != nil, func() (done bool, err error) {
		found, done, err = g.look(ctx, pred)
		return done, err
	})
	return found, err
}

// UpdateWhen waits until pred holds of the value, as [Guard.Wait] does, and then
// is [Guard.Update] with f, in the same hold of the lock: of the value that f
// gets, pred holds.
//
// # Cancellation
//
// As with Wait. Once f is called, ctx decides nothing.
func (g *Guard[T]) UpdateWhen(ctx context.Context, pred func(v T) bool, f func(v *T) error) error {
	return g.until(ctx, "lock: update", pred != nil && f != nil, func() (bool, error) {
		h, err := g.l.lock(ctx, 0)
		if err != nil {
			return false, err
		}
		return g.change(h, pred, f)
	})
}

// until calls try after each change until it is done or fails.
func (g *Guard[T]) until(ctx context.Context, op string, functions bool, try func() (done bool, err error)) error {
	if err := g.check(ctx, op, functions); err != nil {
		return err
	}
	for {
		seen := g.moved.count.Load() // before the look: a change during it counts as missed
		done, err := try()
		if done || err != nil {
			return err
		}
		if err := g.moved.await(ctx, seen); err != nil {
			return gaveUp(ctx, op, g.moved.Label(), err)
		}
	}
}

// look returns a copy of the value if pred holds of it.
func (g *Guard[T]) look(ctx context.Context, pred func(v T) bool) (v T, holds bool, err error) {
	h, err := g.l.lock(ctx, shared)
	if err != nil {
		return v, false, err
	}
	defer h.Unlock()
	if !pred(g.value) {
		return v, false, nil
	}
	return g.clone(&g.value), true, nil
}

// A condition is those who wait for a change of a guard's value.
//
// It is an event count: a waiter reads count, looks at the value, and waits only
// if count is still the same; who changes the value adds to count and then wakes
// all. So there is no need to be queued while looking, which takes a wait of its
// own, and yet no change falls in between unseen.
type condition struct {
	l *RWMutex // the guard's

	count  atomic.Uint64 // of changes; grows before the lock is given up after one
	anyone atomic.Bool   // len(queue) > 0, for who does not have mu

	mu    sync.Mutex
	queue []*looker

	// Whenever mu is free:
	//   C1. anyone is true if and only if queue is not empty.
	//   C2. Who is in queue has seen the present count, or wake has yet to take
	//       mu.
}

// A looker is one wait for a change.
type looker struct {
	graph.Wait
	seen uint64 // the count when it looked
}

// changed notes a change, for which the caller holds the lock. It has to wake
// those who wait when it has given the lock up, without which they see nothing.
func (c *condition) changed() { c.count.Add(1) }

// wake has all who wait look again.
func (c *condition) wake() {
	if !c.anyone.Load() { // await sets it before it reads count, so one sees the other
		return
	}
	c.mu.Lock()
	queue := c.queue
	c.queue = nil
	c.anyone.Store(false)
	c.mu.Unlock()
	for _, w := range queue {
		w.Grant()
	}
}

// await returns when the count is no longer seen, or with the reason why the
// wait ended otherwise.
func (c *condition) await(ctx context.Context, seen uint64) error {
	w := &looker{seen: seen}
	w.Begin(ctx, c)
	c.mu.Lock()
	c.anyone.Store(true)
	if c.count.Load() != seen {
		c.anyone.Store(len(c.queue) > 0)
		c.mu.Unlock()
		w.Abandon()
		return context.Cause(ctx) // nil but when it has ended: changes are no reason to look for ever
	}
	c.queue = append(c.queue, w)
	w.Publish()
	c.mu.Unlock()
	err := w.Park()
	if err != nil {
		c.leave(w)
	}
	return err
}

// leave takes w off the queue if it is still there.
func (c *condition) leave(w *looker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.queue, w); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
		c.anyone.Store(len(c.queue) > 0)
	}
}

// Blocked is for the graph. Anybody may change the value, but nobody can while
// it is held: so a wait is hopeless if a holder is stuck, as a reader may be who
// waits for the waiter.
//
// The count is looked at last. If it is the one that t saw, no change came
// before the holders that were asked, and none comes while they hold. Looked at
// first, a change that t is just about to be woken for could be missed.
func (c *condition) Blocked(t *graph.Task, stuck func(*graph.Task) bool) (blocked bool) {
	if writer := c.l.turn.owner.Get(); writer != nil {
		blocked = stuck(writer)
	}
	for _, reader := range c.l.readers() {
		blocked = stuck(reader) || blocked
	}
	return blocked && c.waits(t)
}

// waits reports whether t is in the queue and will not be woken for a change
// that has been.
func (c *condition) waits(t *graph.Task) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.queue, func(w *looker) bool { return w.Task() == t })
	return i >= 0 && c.queue[i].seen == c.count.Load()
}

// Label is the guard's name.
func (c *condition) Label() graph.Label {
	return graph.Label{Kind: "condition", Name: c.l.Class.name}
}
