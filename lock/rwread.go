package lock

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/hemgo/hem/internal/graph"
)

// slot is where one reader is known. It fills a cache line.
type slot struct {
	word  atomic.Uint64 // odd while there is a reader; grows with each coming and going
	owner graph.Owner
	_     [48]byte
}

// crowd holds the readers that found no slot. It is guarded by rare.mu.
type crowd struct {
	n       atomic.Int32
	next    uint64
	readers map[uint64]*graph.Task // nil: outside
}

// A reading's hold is odd: its slot's word, and the slot's index times two, or
// its number in the crowd.
const (
	slotShift = 16
	slotMask  = 1<<slotShift - 1
	slotCrowd = slotMask // odd, and more than any index
	maxSlots  = 64
)

// slotsOf returns l's slots, made if need be: twice as many as processors, and
// a power of two.
func (l *RWMutex) slotsOf() []slot {
	if all := l.slots.Load(); all != nil {
		return *all
	}
	n := 2
	for n < 2*runtime.GOMAXPROCS(0) && n < maxSlots {
		n *= 2
	}
	all := make([]slot, n)
	l.slots.CompareAndSwap(nil, &all)
	return *l.slots.Load()
}

// grabRead makes t a reader if no writer is in its way.
func (l *RWMutex) grabRead(t *graph.Task) (Held, bool) {
	if l.turn.state.Load()&mutexHeld != 0 {
		return Held{}, false
	}
	h := l.enter(t)
	if l.turn.state.Load()&mutexHeld != 0 { // R1
		l.exit(h)
		return Held{}, false
	}
	l.settle(h)
	return h, true
}

// enter takes a place among the readers, of which nobody is the owner yet.
func (l *RWMutex) enter(t *graph.Task) Held {
	hold, ok := l.takeSlot(t)
	if !ok {
		r := l.rare()
		r.mu.Lock()
		hold = l.crowdLocked(nil)
		r.mu.Unlock()
	}
	return Held{rw: l, t: t, hold: hold}
}

// slotOf returns the slot that hold names.
func (l *RWMutex) slotOf(hold uint64) *slot { return &(*l.slots.Load())[hold&slotMask>>1] }

// takeSlot enters a slot for t.
func (l *RWMutex) takeSlot(t *graph.Task) (hold uint64, ok bool) {
	all := l.slotsOf()
	from := 0
	if t != nil {
		from = t.Spread()
	}
	for i := range all {
		i = (i + from) & (len(all) - 1)
		at := &all[i]
		if s := at.word.Load(); s&1 == 0 && at.word.CompareAndSwap(s, s+1) {
			return (s+1)<<slotShift | uint64(i)<<1 | 1, true
		}
	}
	return 0, false
}

// crowdLocked enters a reader in the crowd, and returns its hold.
func (l *RWMutex) crowdLocked(t *graph.Task) (hold uint64) {
	c := &l.crowd
	if c.readers == nil {
		c.readers = make(map[uint64]*graph.Task)
	}
	c.next++
	c.readers[c.next] = t
	c.n.Add(1)
	return c.next<<slotShift | slotCrowd
}

// settle makes h's task the owner of its place. The caller is that task.
func (l *RWMutex) settle(h Held) {
	if h.t == nil {
		return
	}
	h.t.Hold()
	l.setReader(h.hold, h.t)
}

// setReader makes t the owner of the place that hold names.
func (l *RWMutex) setReader(hold uint64, t *graph.Task) {
	if hold&slotMask != slotCrowd {
		l.slotOf(hold).owner.Set(t)
		return
	}
	r := l.rare()
	r.mu.Lock()
	l.crowd.readers[hold>>slotShift] = t
	r.mu.Unlock()
}

// exit leaves a place, which is no hold any more, and wakes a writer that waits
// for that: R3.
func (l *RWMutex) exit(h Held) {
	if h.hold&slotMask != slotCrowd {
		l.leaveSlot(l.slotOf(h.hold))
		return
	}
	r := l.rare()
	r.mu.Lock()
	delete(l.crowd.readers, h.hold>>slotShift)
	l.crowd.n.Add(-1)
	r.mu.Unlock()
	l.left()
}

func (l *RWMutex) leaveSlot(at *slot) {
	at.word.Add(1)
	l.left()
}

// left is called after a reader has left.
func (l *RWMutex) left() {
	if l.turn.state.Load()&mutexHeld == 0 {
		return
	}
	r := l.rare()
	if r.drainer.Load() == nil || l.read() {
		return
	}
	r.mu.Lock()
	w := r.drainer.Load()
	if w == nil || l.read() || !w.Claim() {
		r.mu.Unlock()
		return
	}
	r.drainer.Store(nil)
	w.handed = true
	r.mu.Unlock()
	w.Wake()
}

// read reports whether there are readers.
func (l *RWMutex) read() bool {
	if all := l.slots.Load(); all != nil {
		for i := range *all {
			if (*all)[i].word.Load()&1 != 0 {
				return true
			}
		}
	}
	return l.crowd.n.Load() != 0
}

// readUnlock is Held.Unlock of a reading.
func (l *RWMutex) readUnlock(h Held) {
	if !l.reading(h.hold) {
		h.spent()
	}
	if graph.Watched.Load() != 0 {
		orderDropped(h.t, l.seen(), shared)
	}
	if h.t != nil {
		h.t.Unhold()
	}
	if h.hold&slotMask != slotCrowd {
		l.slotOf(h.hold).owner.Set(nil)
	}
	l.exit(h)
}

// reading reports whether hold has not been given up.
func (l *RWMutex) reading(hold uint64) bool {
	if hold&slotMask != slotCrowd {
		return l.slotOf(hold).word.Load()&(1<<(64-slotShift)-1) == hold>>slotShift
	}
	r := l.rare()
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := l.crowd.readers[hold>>slotShift]
	return ok
}

// lockRead is RLock.
func (l *RWMutex) lockRead(ctx context.Context, t *graph.Task, watched bool) (Held, error) {
	if h, ok := l.grabRead(t); ok {
		return h, nil
	}
	return l.waitRead(ctx, t, watched)
}

// waitRead is RLock's way to sleep until the writer is done.
func (l *RWMutex) waitRead(ctx context.Context, t *graph.Task, watched bool) (Held, error) {
	if !watched && spins {
		for range spinTurns {
			graph.Pause(spinPauses)
			if h, ok := l.grabRead(t); ok {
				return h, nil
			}
		}
	}
	r := l.rare()
	w := new(waiter)
	w.Begin(ctx, l.seen())
	r.mu.Lock()
	for {
		h, ok := l.grabReadLocked(t)
		lost := l.turn.lostLocked()
		if ok || lost != nil {
			r.mu.Unlock()
			l.left()
			w.Abandon()
			if !ok {
				return Held{}, lostError("lock: rlock", l.seen(), lost)
			}
			l.settle(h)
			return h, nil
		}
		if s := l.turn.state.Load(); s&mutexHeld != 0 && l.turn.state.CompareAndSwap(s, s|mutexReaders) {
			w.start = clock(t)
			r.sawHold(s&^mutexFlags, w.start)
			break // R2
		}
	}
	r.rw = l
	r.readers.push(w, false)
	w.Publish()
	r.mu.Unlock()
	l.left()
	if lost := ended(&l.turn.owner); lost != nil {
		l.holderEnded(lost) // it did not see the wait
	}
	err := w.Park()
	switch {
	case err != nil:
		r.mu.Lock()
		r.readers.remove(w)
		if r.readers.empty() {
			l.turn.clearLocked(mutexReaders)
		}
		r.mu.Unlock()
		waited(l.seen(), t, w.start)
		return Held{}, gaveUp(ctx, "lock: rlock", l.seen().Label(), err)
	case w.lost != nil:
		return Held{}, lostError("lock: rlock", l.seen(), w.lost)
	}
	waited(l.seen(), t, w.start)
	if t != nil {
		t.Hold()
	}
	return Held{rw: l, t: t, hold: w.hold}, nil
}

// grabReadLocked is grabRead for who holds rare.mu. It leaves the owner to be
// settled.
func (l *RWMutex) grabReadLocked(t *graph.Task) (Held, bool) {
	if l.turn.state.Load()&mutexHeld != 0 {
		return Held{}, false
	}
	h := Held{rw: l, t: t, hold: l.placeLocked(t)}
	if l.turn.state.Load()&mutexHeld == 0 { // R1
		return h, true
	}
	l.dropLocked(h.hold)
	return Held{}, false
}

// placeLocked takes a place among the readers for who holds rare.mu.
func (l *RWMutex) placeLocked(t *graph.Task) (hold uint64) {
	if hold, ok := l.takeSlot(t); ok {
		return hold
	}
	return l.crowdLocked(nil)
}

// dropLocked gives up a place that was never a hold. The caller must call left
// when it has given up rare.mu.
func (l *RWMutex) dropLocked(hold uint64) {
	if hold&slotMask != slotCrowd {
		l.slotOf(hold).word.Add(1)
		return
	}
	delete(l.crowd.readers, hold>>slotShift)
	l.crowd.n.Add(-1)
}

// admitLocked makes all readers that wait holders: R2, R3.
func (l *RWMutex) admitLocked(r *rare) (wake []*waiter) {
	wake = r.readers.claimAll()
	for _, w := range wake {
		w.hold = l.placeLocked(w.Task())
		if w.hold&slotMask == slotCrowd {
			l.crowd.readers[w.hold>>slotShift] = w.Task()
		} else {
			l.setReader(w.hold, w.Task())
		}
	}
	l.turn.clearLocked(mutexReaders)
	return wake
}
