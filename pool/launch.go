package pool

import (
	"context"
	"slices"

	"github.com/hemgo/hem/internal/graph"
)

// A launcher is a pool seen by a scope: where its task runs, and when.
type launcher Pool

// Launch sees to it that run is run by a worker, or ended with the reason why
// the pool does not take it. It waits at the door if the queue is full.
func (l *launcher) Launch(t *graph.Task, run graph.Launched) {
	r := l.room
	r.lock()
	e, got := r.acceptLocked(l.level, t, run)
	r.unlock()
	switch got {
	case begun:
	case waits:
		r.recheck(e, t)
	case mustWait:
		r.waitAtDoor(l.level, t, run)
	default:
		run.Run(r.refusal(got, opGo, t.Name()))
	}
}

// answer is what work gets that comes to the pool.
type answer int8

const (
	begun    answer = iota // it has a slot
	waits                  // it is in the queue
	mustWait               // it could be, if its submitter waited for room or for it
	full                   // it is refused
	shed                   // it is refused after having waited
	shut                   // the pool is closed
	dropped                // the pool was closed, and there was no time left
)

// acceptLocked gives t a worker, or a place in the queue.
func (r *room) acceptLocked(level int8, t *graph.Task, run graph.Launched) (*entry, answer) {
	switch {
	case r.closed:
		r.stats.refused++
		return nil, shut
	case r.freeLocked():
		h := r.takeLocked(t, level)
		r.sampleLocked(h)
		h.run = run
		h.g.Store(0)
		go r.work(h)
		return nil, begun
	case !r.fullLocked():
		return r.queueTaskLocked(level, t, run, true), waits
	case r.overflow == Wait && graph.Goroutine() != 0:
		return nil, mustWait
	case r.overflow == Wait:
		// Nothing tells whether the submitter holds a slot here, in which case
		// waiting could be for ever: rather a queue beyond its bound.
		return r.queueTaskLocked(level, t, run, false), waits
	}
	r.stats.refused++
	return nil, full
}

// queueTaskLocked puts t, which has no goroutine, in the queue.
func (r *room) queueTaskLocked(level int8, t *graph.Task, run graph.Launched, counts bool) *entry {
	e := r.newEntryLocked(level, t, run)
	e.counts = counts
	now := r.now()
	r.joinLocked(e, now)
	t.Enqueue(r.shown)
	r.shedOthersLocked(now, e)
	return e
}

// recheck withdraws t, which was queued as e, if its context ended meanwhile:
// whoever looked for queued tasks then may have missed it. A task with a context
// of its own is withdrawn when that ends.
func (r *room) recheck(e *entry, t *graph.Task) {
	if t.Err() != nil {
		r.withdraw(e, t)
		return
	}
	if t.Context() == t.Group().Context() {
		return
	}
	stop := context.AfterFunc(t, func() { r.withdraw(e, t) })
	r.lock()
	defer r.unlock()
	if e.queued && e.task == t {
		e.stop = stop
	} else {
		stop()
	}
}

// work runs h's task, and then those that wait, until there is none or no slot
// for one. A runtime.Goexit of a task ends the worker too: then the slot goes to
// whoever is next.
func (r *room) work(h *holder) {
	h.g.Store(graph.Goroutine())
	ended := false
	defer func() {
		if !ended {
			r.next(h, false)
		}
	}()
	for {
		t, run := h.task, h.run
		h.run = nil
		h.end = panicked
		if t.Err() != nil {
			run.Run(endedTask(t))
			h.end = notBegun
		} else {
			t.SetSlot(&h.slot)
			if run.Run(nil) {
				h.end = done
			}
		}
		if !r.next(h, true) {
			break
		}
	}
	ended = true
}

// waitAtDoor queues t while its submitter waits until there is room for it. It
// holds its place from now on: only what it takes up is counted later.
func (r *room) waitAtDoor(level int8, t *graph.Task, run graph.Launched) {
	w := new(graph.Wait)
	w.BeginAs(r.submitter(t), t, (*doorway)(r))
	r.lock()
	e, got := r.acceptLocked(level, t, run)
	if got != mustWait {
		r.unlock()
		w.Abandon()
		switch got {
		case begun:
		case waits:
			r.recheck(e, t)
		default:
			run.Run(r.refusal(got, opGo, t.Name()))
		}
		return
	}
	e = r.queueTaskLocked(level, t, run, false)
	e.door = w
	r.door = append(r.door, e)
	w.Publish()
	r.unlock()
	if w.Park() != nil {
		r.withdraw(e, t)
		return
	}
	r.recheck(e, t)
}

// openDoorLocked lets submitters go on, the oldest first, once there is room
// for several: to wake one for each place would cost more than the place.
func (r *room) openDoorLocked() {
	if len(r.door) == 0 || r.counted > r.lowWater() {
		return
	}
	n := min(len(r.door), r.bound-r.counted)
	for _, e := range r.door[:n] {
		e.counts = true
		r.counted++
		e.door.Grant()
		e.door = nil
	}
	r.door = slices.Delete(r.door, 0, n)
}

// lowWater is how full the queue is when the door opens: half of it is free.
func (r *room) lowWater() int { return r.bound / 2 }

// leaveDoorLocked lets e's submitter go on because e has left the queue.
func (r *room) leaveDoorLocked(e *entry) {
	if i := slices.Index(r.door, e); i >= 0 {
		r.door = slices.Delete(r.door, i, i+1)
	}
	e.door.Grant()
	e.door = nil
}

// submitter returns the task that submits t on the calling goroutine, if it can
// be told: whoever runs here in a slot, of this pool or another, or else who
// joins t. A goroutine can be both. What waits unseen, such as a sibling of t
// outside every pool, holds no slot.
func (r *room) submitter(t *graph.Task) *graph.Task {
	if t := r.runnerHere(); t != nil {
		return t
	}
	for _, place := range graph.Places() {
		if other, ok := place.(*room); ok && other != r {
			if t := other.runnerHere(); t != nil {
				return t
			}
		}
	}
	if owner := t.Group().Owner(); owner != nil && owner.Running() {
		return owner
	}
	return nil
}

// runnerHere returns the task of the run that the calling goroutine is in.
func (r *room) runnerHere() *graph.Task {
	r.lock()
	defer r.unlock()
	if h := r.heldHereLocked(); h != nil {
		return h.task
	}
	return nil
}

// doorway is the room in a queue, seen by the wait graph.
type doorway room

// Blocked is false: there is room when a holder ends or waits.
func (d *doorway) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the pool.
func (d *doorway) Label() graph.Label {
	return graph.Label{Kind: "room in the queue of pool", Name: d.name}
}
