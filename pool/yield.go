package pool

import (
	"context"
	"runtime"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// Yield is for long loops in a pool's work: called every so often, it lets
// others run and says when to stop.
//
// About once in a millisecond of work it looks whether somebody waits for a slot
// who would go before work of the same priority that came now. If so it gives
// him the slot, queues as such work would, and returns when it has one again;
// otherwise it lets the runtime run another goroutine. In between a call costs
// a few nanoseconds: Yield learns how many calls a millisecond takes by
// doubling. In a pool that [Shed] finds overloaded it keeps the slot: what has
// begun is finished before more is.
//
// It returns the cause of ctx if that has ended, and otherwise nil. ctx must be
// the one that the work was given, or derived from it.
//
// Yield lets goroutines run that could run, and timers. It does not make the
// runtime look at the network, which it does when a processor has nothing else
// to do, or after 10 ms: leave it one, as the default size does.
//
// Outside a pool, and on goroutines that work has started by itself, it looks
// at ctx and lets the runtime run another goroutine each time.
//
// # Panics
//
// Yield panics if ctx is nil.
func Yield(ctx context.Context) error {
	if ctx == nil {
		panic("pool: Yield with a nil context")
	}
	t := graph.Current(ctx)
	if t == nil {
		runtime.Gosched()
		return endOf(ctx)
	}
	h, ok := t.Slot().(*holder)
	if !ok {
		runtime.Gosched()
		return endOf(ctx)
	}
	if h.yielder.skip > 0 {
		h.yielder.skip--
		return endOf(ctx)
	}
	if h.yielder.due(h.room.now()) {
		return h.yield(ctx, t)
	}
	return endOf(ctx)
}

func endOf(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// quantum is how much work passes between two looks for others.
const quantum = time.Millisecond

// A yielder paces the looks of one run.
type yielder struct {
	skip  int           // calls that need not look at the clock
	every int           // what skip starts from
	last  time.Duration // when others were last looked for
	clock time.Duration // when the clock was last looked at
}

// due reports whether it is time to look for others, and decides when to look
// at the clock again: four to eight times in a quantum.
func (y *yielder) due(now time.Duration) bool {
	if y.every == 0 { // the first call
		y.every, y.last, y.clock = 1, now, now
		return false
	}
	gap := now - y.clock
	y.clock = now
	switch {
	case gap < quantum/8:
		y.every = min(2*y.every, maxSkip)
	case gap > quantum/2:
		y.every = max(1, y.every/int(1+4*gap/quantum))
	}
	y.skip = y.every - 1
	if now-y.last < quantum {
		return false
	}
	y.last = now
	return true
}

// maxSkip bounds what a loop whose turns get longer must wait to notice.
const maxSkip = 1 << 20

// yield lets others run.
func (h *holder) yield(ctx context.Context, t *graph.Task) error {
	r := h.room
	r.lock()
	now := r.now()
	first := r.queue.first()
	others := first != nil && first.rank <= r.rank(now, h.level) && !r.standing(now)
	r.unlock()
	if !others {
		runtime.Gosched()
		return endOf(ctx)
	}
	c := r.newCaller(h.level, t)
	c.yields = true
	slot := t.SetSlot(nil) // what follows lends it
	c.wait.Begin(ctx, c)
	r.lock()
	r.running--
	r.lent++
	now = r.now()
	r.joinLocked(&c.entry, now)
	c.wait.Publish()
	r.fillLocked(now)
	finding := r.saturatedLocked(now)
	r.unlock()
	report(finding)
	err := c.wait.Park()
	if err != nil {
		r.takeBack(c)
	}
	t.SetSlot(slot)
	h.yielder.last = r.now()
	h.yielder.clock = h.yielder.last
	return err
}

// takeBack lets a caller whose context has ended go on, over size if it must:
// its loop is about to end.
func (r *room) takeBack(c *caller) {
	r.lock()
	defer r.unlock()
	if c.queued {
		r.dropLocked(&c.entry)
	}
	r.running++
	r.lent--
}
