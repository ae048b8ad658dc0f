package lock

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// spins says that it is of use to wait for another processor.
var spins = runtime.NumCPU() > 1

const (
	spinTurns    = 4
	spinPauses   = 30
	starvesAfter = time.Millisecond
)

// A waiter is one wait for a lock.
type waiter struct {
	graph.Wait
	next, prev *waiter
	queued     bool
	start      time.Time

	// Written by the waker before it wakes.
	handed bool        // the lock is the waiter's
	hold   uint64      // RWMutex: as in Held
	lost   *graph.Task // the holder has ended without unlocking
}

// A line is a queue of waiters, the oldest first.
type line struct{ head, tail *waiter }

func (l *line) empty() bool { return l.head == nil }

// push puts w at the end or, if it has been at the front before, there.
func (l *line) push(w *waiter, front bool) {
	w.queued = true
	switch {
	case l.head == nil:
		l.head, l.tail = w, w
	case front:
		w.next, l.head.prev = l.head, w
		l.head = w
	default:
		w.prev, l.tail.next = l.tail, w
		l.tail = w
	}
}

// remove takes w out if it is in.
func (l *line) remove(w *waiter) {
	if !w.queued {
		return
	}
	w.queued = false
	if w.prev == nil {
		l.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
}

// claim takes out the oldest waiter that has not left, nil if there is none.
func (l *line) claim() *waiter {
	for l.head != nil {
		w := l.head
		l.remove(w)
		if w.Claim() {
			return w
		}
	}
	return nil
}

// claimAll takes out all waiters, and returns those that have not left.
func (l *line) claimAll() (all []*waiter) {
	for w := l.claim(); w != nil; w = l.claim() {
		all = append(all, w)
	}
	return all
}

// rare is what a lock has once somebody has waited for it, or watched it.
type rare struct {
	mu   sync.Mutex
	line line // for a Mutex, or an RWMutex's turn

	// Of an RWMutex.
	rw      *RWMutex
	readers line                   // who wait to read
	drainer atomic.Pointer[waiter] // the writer who waits for the readers to leave

	sawNumber uint64 // the hold that a waiter saw first at sawAt
	sawAt     time.Time
	nextHold  time.Duration // the hold that is to be a finding

	own atomic.Pointer[Class] // of a lock without
}

// rareOf returns what p points to, made if need be.
func rareOf(p *atomic.Pointer[rare]) *rare {
	if r := p.Load(); r != nil {
		return r
	}
	p.CompareAndSwap(nil, new(rare))
	return p.Load()
}

func (r *rare) class() *Class {
	if c := r.own.Load(); c != nil {
		return c
	}
	r.own.CompareAndSwap(nil, new(Class))
	return r.own.Load()
}

// label is what a lock is called: by its class or, if that has no name, by its
// address.
func label[T any](kind string, c *Class, l *T) graph.Label {
	if c != nil && c.name != "" {
		return graph.Label{Kind: kind, Name: c.name}
	}
	return graph.Label{Kind: kind, Name: fmt.Sprintf("%#x", uintptr(unsafe.Pointer(l)))}
}

// clock returns the time, which is read only by who waits: of a controlled task
// always the same, since a schedule must not depend on it.
func clock(t *graph.Task) time.Time {
	if graph.Watched.Load() != 0 && t != nil && t.Scheduler() != nil {
		return time.Time{}.Add(1)
	}
	return time.Now()
}

// ended returns who o names if that task has ended, and so has left behind what
// it owns. It looks twice: an owner may give up and end between two looks, but
// once it has ended its name stands nowhere that it gave up.
func ended(o *graph.Owner) *graph.Task {
	t := o.Get()
	if t != nil && t.Ended() && o.Get() == t {
		return t
	}
	return nil
}

var errAbandoned = errors.New("its holder ended without unlocking it")

// lostError says that holder ended while it had l.
func lostError(op string, l lockable, holder *graph.Task) error {
	err := fmt.Errorf("%w: %v", errAbandoned, holder)
	if at := orderSite(holder, l); at.File != "" {
		err = fmt.Errorf("%w: %v, which locked it at %v", errAbandoned, holder, at)
	}
	return &fault.Error{Op: op, Task: l.Label().Name, Kind: fault.Lost, Err: err,
		Hint: "unlock with defer; what the lock protects may be half changed: repair it, then call Reset"}
}

func wakeAll(all []*waiter) {
	for _, w := range all {
		w.Wake()
	}
}
