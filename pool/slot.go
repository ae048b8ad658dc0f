package pool

import (
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/invariant"
)

// A holder is one run under way: a slot, and the task that holds or has lent it.
// Holders are used again and again; a worker keeps one from item to item.
type holder struct {
	room *room      // for ever
	slot graph.Slot // the holder itself, as tasks point to it

	next, prev *holder // in active; next alone in spare

	// Guarded by room.mu.
	task    *graph.Task
	run     graph.Launched // what a worker is to run next
	started time.Duration  // if timed is not zero
	timed   uint8          // how many runs this one stands for in the histogram, zero: not timed

	// The goroutine of the run, zero until known.
	g atomic.Uintptr

	// The run's own.
	level   int8
	end     end
	skip    uint8 // how many of a worker's next runs are not timed
	short   bool  // its last timed run was short
	yielder yielder
}

// freeLocked reports whether a slot is free, looking again at GOMAXPROCS if it
// is not and nobody has waited so far.
func (r *room) freeLocked() bool {
	if r.running >= r.size && r.queue.n == 0 && r.follows {
		r.followLocked()
	}
	if r.running < r.size {
		r.idle = true
		return true
	}
	return false
}

// takeLocked makes t a holder.
func (r *room) takeLocked(t *graph.Task, level int8) *holder {
	h := r.spare
	if h == nil {
		h = &holder{room: r}
		h.slot = h
	} else {
		r.spare = h.next
		r.spares--
	}
	if r.active == nil {
		h.next, h.prev = h, h
		r.active = h
	} else {
		h.next, h.prev = r.active, r.active.prev
		h.prev.next, h.next.prev = h, h
	}
	h.task, h.level, h.skip, h.short = t, level, 0, false
	h.end = panicked // until it is known better
	h.yielder = yielder{}
	r.running++
	invariant.Checkf(r.running <= r.size, "P6: a slot is given as number %d of %d", r.running, r.size)
	return h
}

// releaseLocked ends h's holding of a slot.
func (r *room) releaseLocked(h *holder) {
	r.running--
	if h.next == h {
		r.active = nil
	} else {
		h.prev.next, h.next.prev = h.next, h.prev
		if r.active == h {
			r.active = h.next
		}
	}
	h.task, h.run, h.timed = nil, nil, 0
	h.next, h.prev = nil, nil
	if r.spares < maxSpares {
		h.next = r.spare
		r.spare = h
		r.spares++
	}
}

// maxSpares bounds what is kept of a time when many holders had lent.
const maxSpares = 64

// exit gives h's slot back after a run on the caller's goroutine.
func (h *holder) exit(t *graph.Task) {
	t.SetSlot(nil)
	h.room.next(h, false)
}

// next ends h's run and gives free slots to who waits. If keep is true, the
// first of them that is a task without a goroutine becomes h's, and next returns
// true; otherwise h holds nothing any more.
func (r *room) next(h *holder, keep bool) (kept bool) {
	var now time.Duration // zero: not looked at
	if h.timed != 0 {
		now = r.now()
	}
	r.lock()
	r.endedLocked(h, now)
	if r.queue.n == 0 || r.running > r.size {
		r.releaseLocked(h)
		r.drainedLocked()
		r.unlock()
		return false
	}
	if keep && h.untimed() && r.overflow != Shed {
		now = 0
	} else if now == 0 {
		now = r.now()
	}
	if keep {
		kept = r.refillLocked(h, &now)
	}
	if !kept {
		r.releaseLocked(h)
	}
	var finding *graph.Finding
	if now != 0 {
		r.followAtTimesLocked(now)
		r.fillLocked(now)
		finding = r.saturatedLocked(now)
	}
	r.drainedLocked()
	r.unlock()
	report(finding)
	return kept
}

// refillLocked makes a task that waits h's, if it is the task's turn. If it
// needs to know the time it looks, and says so in now.
func (r *room) refillLocked(h *holder, now *time.Duration) bool {
	r.running-- // the slot is free, and stays h's only if a task gets it
	defer func() { r.running++ }()
	for r.running < r.size {
		e := r.nextLocked(*now)
		switch {
		case e == nil:
			return false
		case e.run == nil:
			if *now == 0 {
				*now = r.now()
			}
			r.startLocked(e, *now)
			continue
		}
		invariant.Checkf(r.running < r.size, "P6: a slot is given though %d run in %d", r.running, r.size)
		h.task, h.run, h.level = e.task, e.run, e.level
		h.yielder = yielder{}
		h.timed = 0
		if *now != 0 {
			r.timeLocked(h, e, *now)
		}
		r.recycleLocked(e)
		return true
	}
	return false
}

// passOnLocked gives free slots to who waits. now is zero if nobody knows it.
func (r *room) passOnLocked(now time.Duration) *graph.Finding {
	if r.queue.n == 0 {
		r.drainedLocked()
		return nil
	}
	if now == 0 {
		now = r.now()
	}
	r.followAtTimesLocked(now)
	r.fillLocked(now)
	return r.saturatedLocked(now)
}

// fillLocked restores P2.
func (r *room) fillLocked(now time.Duration) {
	for r.running < r.size {
		e := r.nextLocked(now)
		if e == nil {
			return
		}
		r.startLocked(e, now)
	}
}

// startLocked gives e a slot.
func (r *room) startLocked(e *entry, now time.Duration) {
	c := e.caller
	if c != nil && c.yields {
		r.running++
		r.lent--
		c.wait.Wake()
		return
	}
	h := r.takeLocked(e.task, e.level)
	r.timeLocked(h, e, now)
	if c != nil {
		h.g.Store(c.g)
		c.holder = h
		c.wait.Wake()
		return
	}
	h.run = e.run
	h.g.Store(0)
	r.recycleLocked(e)
	go r.work(h)
}

// Lend gives the slot to who waits for one, while h's task waits for something
// else.
func (h *holder) Lend(*graph.Task) {
	r := h.room
	r.lock()
	r.running--
	r.lent++
	finding := r.passOnLocked(0)
	r.unlock()
	report(finding)
}

// Resume takes the slot back, over size if it must: nothing new is started
// until that is repaid.
func (h *holder) Resume(*graph.Task) {
	r := h.room
	r.lock()
	r.running++
	r.lent--
	r.unlock()
}

// Label names the pool.
func (h *holder) Label() graph.Label { return h.room.Label() }
