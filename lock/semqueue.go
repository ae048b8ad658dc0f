package lock

import (
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// A request is one wait for units of a semaphore. Its fields are
// guarded by the semaphore's mu; what decides its wait is written before that
// is woken, and read after.
//
//	R1. A queued request has a wait, or its waiter is on the way to mu with a
//	    new one, and again is set.
//	R2. When it is queued no more, outcome says why. Who leaves does not look.
type request struct {
	next, prev *request
	n          int64
	rank       time.Time // see rankOf
	seq        uint64    // its number among those with the same rank
	level      int8
	queued     bool
	again      bool // its waiter is on the way: R1
	outcome    outcome

	own   *holding    // of With; nil if the units will be anonymous
	wait  *graph.Wait // nil while its waiter looks again: R1
	first graph.Wait  // what wait points to in the beginning
}

type outcome uint8

const (
	served  outcome = 1 + iota // the units are the waiter's
	refused                    // it asks for more than there are since a Resize
)

// before reports whether a is served before b: see Priority.
func (a *request) before(b *request) bool {
	switch c := a.rank.Compare(b.rank); {
	case c != 0:
		return c < 0
	case a.level != b.level:
		return a.level > b.level
	default:
		return a.seq < b.seq
	}
}

// A demand is the queue of a semaphore: requests by level, in each those that
// are served first before the others. It has no order between levels of its own,
// since who is served first is then found among as many as there are levels.
type demand struct {
	n     int
	seq   uint64
	level [levels]struct{ head, tail *request }
}

// number makes r, which has a rank, the last of those with the same.
func (q *demand) number(r *request) {
	q.seq++
	r.seq = q.seq
}

// push adds r, which has a number.
func (q *demand) push(r *request) {
	r.queued = true
	l := &q.level[r.level-Lowest]
	after := l.tail
	for after != nil && r.before(after) { // it read the clock first, and came to mu second
		after = after.prev
	}
	r.prev = after
	if after == nil {
		r.next, l.head = l.head, r
	} else {
		r.next, after.next = after.next, r
	}
	if r.next == nil {
		l.tail = r
	} else {
		r.next.prev = r
	}
	q.n++
}

// remove takes r out, if it is in.
func (q *demand) remove(r *request) {
	if !r.queued {
		return
	}
	r.queued = false
	l := &q.level[r.level-Lowest]
	if r.prev == nil {
		l.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		l.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.next, r.prev = nil, nil
	q.n--
}

// head returns who is to be served next, nil if nobody waits.
func (q *demand) head() (best *request) {
	for i := range q.level {
		if r := q.level[i].head; r != nil && (best == nil || r.before(best)) {
			best = r
		}
	}
	return best
}

// all calls f for every request, in no order between levels; f may remove the
// one it is given.
func (q *demand) all(f func(*request)) {
	for i := range q.level {
		for r := q.level[i].head; r != nil; {
			next := r.next
			f(r)
			r = next
		}
	}
}
