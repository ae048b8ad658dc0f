package pool

import (
	"context"

	"github.com/hemgo/hem/internal/graph"
)

// A caller is a goroutine that waits for a slot.
type caller struct {
	entry
	room   *room
	wait   graph.Wait
	g      uintptr // its goroutine
	holder *holder // when it has been granted a slot
	denied answer  // why it was woken without one
	yields bool    // it has begun already: nothing refuses it
}

// newCaller makes an entry for the calling goroutine, which acts for t.
func (r *room) newCaller(level int8, t *graph.Task) *caller {
	c := &caller{room: r, g: graph.Goroutine()}
	c.level, c.task, c.caller = level, t, c
	return c
}

// Blocked is false: whoever waits for a slot can be helped by any holder, who
// lends his when he waits. So slots are in no knot (G7).
func (c *caller) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the pool.
func (c *caller) Label() graph.Label { return c.room.slotLabel() }

// enter gives t a slot, waiting for one if need be. It returns nil and no error
// if the calling goroutine turns out to hold one already.
func (r *room) enter(ctx context.Context, t *graph.Task, level int8, fn uintptr) (*holder, error) {
	r.lock()
	h, got := r.tryEnterLocked(t, level)
	if got == mustWait && r.heldHereLocked() != nil {
		// The caller came under a context that does not say whose slot it
		// runs in: to wait for another would be to wait for itself.
		got = begun
	}
	r.unlock()
	switch got {
	case begun:
		return h, nil
	case mustWait:
		return r.waitForSlot(ctx, t, level, fn)
	}
	return nil, r.refusal(got, opDo, graph.FuncName(fn))
}

// tryEnterLocked gives t a slot if one is free. P2: then nobody waits.
func (r *room) tryEnterLocked(t *graph.Task, level int8) (*holder, answer) {
	switch {
	case r.closed:
		r.stats.refused++
		return nil, shut
	case r.freeLocked():
		h := r.takeLocked(t, level)
		h.g.Store(graph.Goroutine())
		r.sampleLocked(h)
		return h, begun
	}
	return nil, mustWait
}

// waitForSlot queues the calling goroutine, which acts for t.
func (r *room) waitForSlot(ctx context.Context, t *graph.Task, level int8, fn uintptr) (*holder, error) {
	c := r.newCaller(level, t)
	c.counts = r.overflow != Wait
	c.wait.Begin(ctx, c)
	r.lock()
	h, got := r.tryEnterLocked(t, level)
	if got == mustWait && c.counts && r.fullLocked() {
		r.stats.refused++
		got = full
	}
	if got != mustWait {
		r.unlock()
		c.wait.Abandon()
		if got == begun {
			return h, nil
		}
		return nil, r.refusal(got, opDo, graph.FuncName(fn))
	}
	now := r.now()
	r.joinLocked(&c.entry, now)
	c.wait.Publish()
	r.shedOthersLocked(now, &c.entry)
	finding := r.saturatedLocked(now)
	r.unlock()
	report(finding)

	if err := c.wait.Park(); err != nil {
		r.leave(c)
		return nil, endedBefore(opDo, graph.FuncName(fn), err)
	}
	if c.denied != begun {
		return nil, r.refusal(c.denied, opDo, graph.FuncName(fn))
	}
	return c.holder, nil
}

// leave withdraws a caller whose context has ended.
func (r *room) leave(c *caller) {
	r.lock()
	defer r.unlock()
	if c.queued {
		r.dropLocked(&c.entry)
	}
	r.stats.cancelled++
}

// heldHereLocked returns the holder whose run the calling goroutine is in.
func (r *room) heldHereLocked() *holder {
	g := graph.Goroutine()
	if h := r.active; h != nil && g != 0 {
		for {
			if h.g.Load() == g {
				return h
			}
			if h = h.next; h == r.active {
				break
			}
		}
	}
	return nil
}
