package pool

import (
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// An entry is somebody or something that waits for a slot: a caller with a
// goroutine, or a task without one. Those of tasks are used again and again, so
// that only with mu held, and queued and task looked at, it is known whose one
// is.
type entry struct {
	next, prev *entry
	rank       time.Duration // who goes first: see room.rank

	task   *graph.Task
	run    graph.Launched // of a task; nil for a caller
	caller *caller        // nil for a task
	door   *graph.Wait    // of a submitter who waits for room
	stop   func() bool    // undoes the wish to hear of the end of the task's own context

	level  int8
	queued bool // it is in the queue
	counts bool // it takes room
}

// A queue holds entries by level, in each the oldest first.
type queue struct {
	n     int
	level [levels]struct{ head, tail *entry }
}

func (q *queue) push(e *entry) {
	l := &q.level[e.level]
	e.prev = l.tail
	if l.tail == nil {
		l.head = e
	} else {
		l.tail.next = e
	}
	l.tail = e
	q.n++
}

func (q *queue) remove(e *entry) {
	l := &q.level[e.level]
	if e.prev == nil {
		l.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.next, e.prev = nil, nil
	q.n--
}

// first returns who is to be served next: the smallest rank, and of equals the
// highest level. It is nil if nobody waits.
func (q *queue) first() (best *entry) {
	for l := levels - 1; l >= 0; l-- {
		if e := q.level[l].head; e != nil && (best == nil || e.rank < best.rank) {
			best = e
		}
	}
	return best
}

// newest returns the entry that came last of those of the highest level.
func (q *queue) newest() *entry {
	for l := levels - 1; l >= 0; l-- {
		if e := q.level[l].tail; e != nil {
			return e
		}
	}
	return nil
}

// all calls f for every entry; f may remove the one it is given.
func (q *queue) all(f func(*entry)) {
	for l := range q.level {
		for e := q.level[l].head; e != nil; {
			next := e.next
			f(e)
			e = next
		}
	}
}

// newEntryLocked returns an entry for t.
func (r *room) newEntryLocked(level int8, t *graph.Task, run graph.Launched) *entry {
	e := r.unused
	if e == nil {
		e = new(entry)
	} else {
		r.unused, e.next = e.next, nil
		r.unuseds--
	}
	e.level, e.task, e.run = level, t, run
	return e
}

// recycleLocked keeps e, which has left the queue, for another task.
func (r *room) recycleLocked(e *entry) {
	*e = entry{}
	if r.unuseds < r.bound {
		e.next = r.unused
		r.unused = e
		r.unuseds++
	}
}

// joinLocked puts e in the queue at now. Its level is set.
func (r *room) joinLocked(e *entry, now time.Duration) {
	e.rank = r.rank(now, e.level)
	e.queued = true
	if r.idle {
		r.idle = false
		r.since = now
		r.reportNext = now + saturatedAfter
	}
	if e.counts {
		r.counted++
	}
	r.queue.push(e)
}

// dropLocked takes e out of the queue and, if its submitter waits at the door,
// lets him go on.
func (r *room) dropLocked(e *entry) {
	r.queue.remove(e)
	e.queued = false
	if e.counts {
		r.counted--
	}
	if e.run != nil {
		e.task.Enqueue(nil)
	}
	if e.door != nil {
		r.leaveDoorLocked(e)
	}
	if e.stop != nil {
		e.stop()
	}
	r.openDoorLocked()
}

// nextLocked takes out whoever is to have the next slot: see Priority, and Shed
// for the order in overload. It is nil if nobody waits.
func (r *room) nextLocked(now time.Duration) *entry {
	for r.queue.n > 0 {
		var e *entry
		if r.standing(now) {
			e = r.shedLocked(now, r.queue.newest())
		} else {
			e = r.queue.first()
		}
		if e.caller != nil && !e.caller.wait.Claim() {
			r.dropLocked(e) // it has given up, and comes for mu
			continue
		}
		r.dropLocked(e)
		return e
	}
	return nil
}

// withdraw ends t, whose context has ended, if e is still its entry. The caller
// is a goroutine of its own: functions that were given to the OnDone of t's
// future run on it.
func (r *room) withdraw(e *entry, t *graph.Task) {
	r.lock()
	if !e.queued || e.task != t {
		r.unlock()
		return
	}
	run := r.takeOutLocked(e)
	r.unlock()
	run.Run(endedTask(t))
}

// takeOutLocked takes a task out of the queue that is not to run.
func (r *room) takeOutLocked(e *entry) graph.Launched {
	run := e.run
	r.dropLocked(e)
	r.recycleLocked(e)
	r.stats.cancelled++
	return run
}

func (r *room) slotLabel() graph.Label { return graph.Label{Kind: "slot of pool", Name: r.name} }

// A line is a room's queue, seen by the wait graph: what tasks wait for that
// have no goroutine.
type line room

// Blocked is false, as a caller's.
func (l *line) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the pool.
func (l *line) Label() graph.Label { return (*room)(l).slotLabel() }

// Withdraw takes all tasks out of the queue whose contexts have ended. A scope
// calls it when its own has. Each task ends on a goroutine of its own.
func (l *line) Withdraw(*graph.Wait) {
	r := (*room)(l)
	r.lock()
	defer r.unlock()
	r.queue.all(func(e *entry) {
		if e.run == nil || e.task.Err() == nil {
			return
		}
		t := e.task
		run := r.takeOutLocked(e)
		go func() { run.Run(endedTask(t)) }()
	})
}
