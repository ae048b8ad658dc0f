package lock

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/hemgo/hem/internal/graph"
)

// ErrUpgrade is found in the error of who holds an [RWMutex] for reading and
// wants it for writing: two such readers would wait for each other. Give up the
// reading, and look again at what was read.
var ErrUpgrade = errors.New("its reader cannot become its writer")

// An RWMutex is held by one writer or by any number of readers. Its zero value
// is unlocked. It must not be copied after its first use.
//
// # Order
//
// Reading and writing alternate: once a writer is next, new readers wait; when
// it is done, all readers who wait by then are let in together, and the writer
// after it waits for them. So a reader waits for the reading that is under way
// and one writing, and no more. Writers take turns as at a [Mutex]. (It is the
// phase-fair lock of Brandenburg and Anderson, "Reader-Writer Synchronization
// for Shared-Memory Multiprocessor Real-Time Systems", ECRTS 2009.)
//
// # Deadlocks
//
// A wait that could never end is refused: see [Mutex.Lock]. A reader may read
// again, but that deadlocks if a writer has come between: the reader is told
// then, and the checker of lock orders tells before.
//
// # Cost
//
// Readers on different processors do not touch the same memory: each enters
// itself in a slot of its own, and a writer looks at all slots (BRAVO of Dice
// and Kogan, USENIX ATC 2019, has that from). There are twice as many slots as
// processors; more readers at once take a short lock. Reading allocates nothing.
// An RWMutex is 48 bytes, 64 a slot more with its first reader, and 150 once
// somebody has waited.
type RWMutex struct {
	_ noCopy

	// Class is what the lock is called and ordered by. It must not be changed
	// once the lock is used. Default: a class of its own.
	Class *Class

	// turn is held by the writer, or by who will be when the readers have left.
	//
	//	R1. A reader enters a slot and then looks at turn: held, it leaves again
	//	    and waits. A writer takes turn and then looks at the slots. So one
	//	    sees the other.
	//	R2. mutexReaders of turn's state is set if and only if readers wait,
	//	    whenever turn.rare.mu is free. Then turn is held.
	//	R3. Who gives turn up lets these readers in first. Who leaves a slot while
	//	    turn is held wakes the writer if it was the last.
	turn  Mutex
	slots atomic.Pointer[[]slot]
	crowd crowd
}

// NewRWMutex returns a lock that is called by its [Name], is [In] a class, or
// else is of the class of all that its caller's line makes.
//
//go:noinline
func NewRWMutex(opts ...Option) *RWMutex {
	return &RWMutex{Class: made("NewRWMutex", graph.CallerPC(), opts)}
}

// Lock locks l for writing, waiting until it can. All that is said of
// [Mutex.Lock] holds; besides, a caller who holds l for reading gets an error
// of kind Invalid that Is [ErrUpgrade].
func (l *RWMutex) Lock(ctx context.Context) (Held, error) { return l.lock(ctx, 0) }

// RLock locks l for reading, waiting while a writer holds it or is next. All
// that is said of [Mutex.Lock] holds.
func (l *RWMutex) RLock(ctx context.Context) (Held, error) {
	t, ok := ctx.(*graph.Task)
	if !ok && ctx != nil {
		t = graph.FromContext(ctx)
	}
	if t == nil || !t.Running() || graph.Watched.Load() != 0 {
		return l.lockSlowly(ctx, shared)
	}
	if all := l.slots.Load(); all != nil {
		i := t.Spread() & (len(*all) - 1)
		at := &(*all)[i]
		if s := at.word.Load(); s&1 == 0 && l.turn.state.Load()&mutexHeld == 0 && at.word.CompareAndSwap(s, s+1) {
			if l.turn.state.Load()&mutexHeld == 0 {
				at.owner.Set(t)
				t.Hold()
				return Held{rw: l, t: t, hold: (s+1)<<slotShift | uint64(i)<<1 | 1}, nil
			}
			l.leaveSlot(at)
		}
	}
	return l.lockSlowly(ctx, shared)
}

// TryLock locks l for writing if it is free, and never waits: h is zero if ok
// is false. ctx says who the caller is; whether it has ended does not matter.
//
// TryLock panics if ctx is nil.
func (l *RWMutex) TryLock(ctx context.Context) (h Held, ok bool) { return l.tryLock(ctx, 0) }

// TryRLock locks l for reading if no writer holds it or is next; else it is as
// [RWMutex.TryLock].
func (l *RWMutex) TryRLock(ctx context.Context) (h Held, ok bool) { return l.tryLock(ctx, shared) }

func (l *RWMutex) tryLock(ctx context.Context, m mode) (h Held, ok bool) {
	if ctx == nil {
		panic("lock: TryLock with a nil context")
	}
	t := graph.Current(ctx)
	t.Point()
	if h, ok = l.grab(t, m); ok && graph.Watched.Load() != 0 {
		orderGot(t, l.seen(), m, true)
	}
	return h, ok
}

// grab takes l for t if it can be had at once.
func (l *RWMutex) grab(t *graph.Task, m mode) (Held, bool) {
	if m&shared != 0 {
		return l.grabRead(t)
	}
	h, ok := l.turn.grab(t, 0)
	if !ok {
		return Held{}, false
	}
	if l.read() {
		l.turn.giveUp(t)
		return Held{}, false
	}
	return Held{rw: l, t: t, hold: h.hold}, true
}

// lock is Lock or, with shared, RLock; with ordered it is one of several that
// are taken in their global order.
func (l *RWMutex) lock(ctx context.Context, m mode) (Held, error) {
	if m == shared {
		return l.RLock(ctx)
	}
	if t, ok := ctx.(*graph.Task); ok && m == 0 && t.Running() && graph.Watched.Load() == 0 {
		return l.lockWrite(ctx, t, false)
	}
	return l.lockSlowly(ctx, m)
}

// Reset makes l usable again after a holder ended without unlocking it. It
// reports whether there was such a need.
func (l *RWMutex) Reset() bool { return l.reset(nil) }

// String returns what l is called in reports: "rwmutex stock".
func (l *RWMutex) String() string { return l.seen().Label().String() }

// rare is what l shares with its turn.
func (l *RWMutex) rare() *rare { return rareOf(&l.turn.rare) }

// op is the operation, for errors.
func (m mode) op() string {
	if m&shared != 0 {
		return "lock: rlock"
	}
	return "lock: lock"
}

// lockSlowly is lock when l is held, or somebody watches.
func (l *RWMutex) lockSlowly(ctx context.Context, m mode) (Held, error) {
	t, err := caller(ctx, m.op())
	if err != nil {
		return Held{}, err
	}
	watched := graph.Watched.Load() != 0
	if watched {
		t.Point()
		orderWants(t, l.seen(), m)
	}
	var h Held
	if m&shared == 0 {
		h, err = l.lockWrite(ctx, t, watched)
	} else {
		h, err = l.lockRead(ctx, t, watched)
	}
	if err == nil && watched {
		orderGot(t, l.seen(), m, false)
	}
	return h, err
}
