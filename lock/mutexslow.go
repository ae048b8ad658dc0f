package lock

import (
	"context"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// lockSlowly is Lock when m is held, or somebody watches.
func (m *Mutex) lockSlowly(ctx context.Context) (Held, error) {
	t, err := caller(ctx, "lock: lock")
	if err != nil {
		return Held{}, err
	}
	watched := graph.Watched.Load() != 0
	if watched {
		t.Point()
		orderWants(t, m.seen(), 0)
	}
	h, ok := m.grab(t, 0)
	if !ok {
		if h, err = m.wait(ctx, t, watched, m.seen()); err != nil {
			return Held{}, err
		}
	}
	if watched {
		orderGot(t, m.seen(), 0, false)
	}
	return h, nil
}

// wait is Lock's way to sleep until m can be had. l is m or what m is a part
// of.
func (m *Mutex) wait(ctx context.Context, t *graph.Task, watched bool, l lockable) (Held, error) {
	var mine uint64 // mutexWoken while this waiter is the one awake
	if !watched && spins {
		h, ok, woken := m.spin(t)
		if ok {
			return h, nil
		}
		mine = woken
	}
	r := rareOf(&m.rare)
	var start time.Time
	for {
		w := &waiter{start: start}
		w.Begin(ctx, l)
		r.mu.Lock()
		h, ok, err := m.takeOrJoinLocked(r, w, t, mine, l)
		start = w.start
		if ok || err != nil {
			r.mu.Unlock()
			w.Abandon()
			return h, err
		}
		w.Publish()
		r.mu.Unlock()
		if lost := ended(&m.owner); lost != nil {
			l.HolderEnded(lost) // it did not see the wait
		}
		err = w.Park()
		switch {
		case err != nil:
			m.leave(r, w)
			waited(l, t, start)
			return Held{}, gaveUp(ctx, "lock: lock", l.Label(), err)
		case w.lost != nil:
			return Held{}, lostError("lock: lock", l, w.lost)
		case w.handed:
			waited(l, t, start)
			return m.taken(t, m.state.Load()), nil
		}
		mine = mutexWoken
		if h, ok := m.grab(t, mine); ok {
			waited(l, t, start)
			return h, nil
		}
	}
}

// spin waits a little while for m to become free: its holder may be running on
// another processor, and a wait costs a hundred times a short hold. woken is
// mutexWoken if the spinner has told so, to keep others asleep.
func (m *Mutex) spin(t *graph.Task) (h Held, ok bool, woken uint64) {
	for range spinTurns {
		s := m.state.Load()
		if s&(mutexHeld|mutexStarving) == mutexHeld {
			if woken == 0 && s&(mutexWoken|mutexQueued) == mutexQueued && m.state.CompareAndSwap(s, s|mutexWoken) {
				woken = mutexWoken
			}
			graph.Pause(spinPauses)
			continue
		}
		if s&mutexHeld != 0 {
			break
		}
		if h, ok = m.grab(t, woken); ok {
			return h, true, 0
		}
	}
	return Held{}, false, woken
}

// takeOrJoinLocked takes m for t if it has become free, else puts w in the
// queue: M2, M3. mine is mutexWoken if t is the one that is awake.
func (m *Mutex) takeOrJoinLocked(r *rare, w *waiter, t *graph.Task, mine uint64, l lockable) (h Held, ok bool, err error) {
	again := !w.start.IsZero()
	now := clock(t)
	if !again {
		w.start = now
	}
	for {
		s := m.state.Load()
		if s&mutexHeld == 0 {
			if m.state.CompareAndSwap(s, (s|mutexHeld)&^mine) {
				return m.taken(t, s), true, nil
			}
			continue
		}
		if lost := m.lostLocked(); lost != nil {
			m.clearLocked(mine)
			return Held{}, false, lostError("lock: lock", l, lost)
		}
		next := s&^mine | mutexQueued
		if again && now.Sub(w.start) >= starvesAfter {
			next |= mutexStarving
		}
		if m.state.CompareAndSwap(s, next) {
			r.sawHold(s&^mutexFlags, now)
			r.line.push(w, again)
			return Held{}, false, nil
		}
	}
}

// pass gives m up, for which somebody waits: to the oldest who does if it is
// owed to it; else it frees m and wakes that one. The caller holds m no more but
// for the bit, and owner is cleared.
func (m *Mutex) pass(holder *graph.Task) {
	r := rareOf(&m.rare)
	r.mu.Lock()
	long := r.heldLongLocked(m.state.Load()&^mutexFlags, holder)
	var admitted []*waiter
	if m.state.Load()&mutexReaders != 0 {
		admitted = r.rw.admitLocked(r)
	}
	w := m.passLocked(r, holder != nil && holder.Told())
	r.mu.Unlock()
	wakeAll(admitted)
	if w != nil {
		w.Wake()
	}
	reportHold(m.seen(), holder, long)
}

// passLocked returns who is to be woken, nil if nobody is. A holder that has been
// told of a deadlock owes m to the oldest too: it would else, if it tries again
// at once, have it back before who was stuck with it is awake, for ever.
func (m *Mutex) passLocked(r *rare, told bool) *waiter {
	if m.free(m.state.Load()) { // those who waited have left, or one is awake
		return nil
	}
	w := r.line.claim()
	var clear uint64
	if r.line.empty() {
		clear = mutexQueued | mutexStarving
	}
	if w == nil {
		m.clearLocked(clear)
		m.free(m.state.Load())
		return nil
	}
	if m.state.Load()&mutexStarving == 0 && !told {
		m.swapLocked(mutexHeld|clear, mutexWoken)
		return w
	}
	w.handed = true
	if clock(w.Task()).Sub(w.start) < starvesAfter {
		clear |= mutexStarving
	}
	m.owner.Set(w.Task())
	m.swapLocked(clear, 0)
	return w
}

// swapLocked ends the hold: it counts on, clears bits and sets some.
func (m *Mutex) swapLocked(clear, set uint64) {
	for {
		s := m.state.Load()
		if m.state.CompareAndSwap(s, (s+mutexHold)&^clear|set) {
			return
		}
	}
}

// leave takes w, which was not granted, out of the queue.
func (m *Mutex) leave(r *rare, w *waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.remove(w)
	if r.line.empty() {
		m.clearLocked(mutexQueued | mutexStarving)
	}
}

func (m *Mutex) clearLocked(bits uint64) {
	if bits != 0 {
		m.state.And(^bits)
	}
}

// lostLocked returns the holder if it has ended.
func (m *Mutex) lostLocked() *graph.Task { return ended(&m.owner) }

// holderEnded tells those who wait, if t, which has ended, held m.
func (m *Mutex) holderEnded(t *graph.Task) {
	r := rareOf(&m.rare)
	r.mu.Lock()
	if m.owner.Get() != t {
		r.mu.Unlock()
		return
	}
	told := r.line.claimAll()
	m.clearLocked(mutexQueued | mutexStarving)
	for _, w := range told {
		w.lost = t
	}
	r.mu.Unlock()
	for _, w := range told {
		w.Wake()
	}
}

// Reset makes m usable again after its holder ended without unlocking it, and
// does nothing to a mutex that is well. It reports whether there was a need.
// What m protects may be half changed: see to that first.
func (m *Mutex) Reset() bool {
	r := rareOf(&m.rare)
	r.mu.Lock()
	lost := m.lostLocked()
	if lost == nil {
		r.mu.Unlock()
		return false
	}
	if graph.Watched.Load() != 0 {
		orderDropped(lost, m.seen(), 0)
	}
	m.owner.Set(nil)
	r.mu.Unlock()
	m.release(lost)
	return true
}
