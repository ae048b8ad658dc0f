package lock

import (
	"context"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// lockWrite is Lock: it takes the turn and waits until the readers have left.
func (l *RWMutex) lockWrite(ctx context.Context, t *graph.Task, watched bool) (Held, error) {
	h, ok := l.turn.grab(t, 0)
	if !ok {
		if l.reads(t) {
			return Held{}, l.upgrade()
		}
		var err error
		if h, err = l.turn.wait(ctx, t, watched, l.seen()); err != nil {
			return Held{}, err
		}
	}
	if l.read() {
		if err := l.drain(ctx, t, watched); err != nil {
			l.turn.giveUp(t)
			return Held{}, err
		}
	}
	return Held{rw: l, t: t, hold: h.hold}, nil
}

func (l *RWMutex) upgrade() error {
	return &fault.Error{Op: "lock: lock", Task: l.seen().Label().Name, Kind: fault.Invalid, Err: ErrUpgrade,
		Hint: "unlock what is held for reading first, lock for writing, and look again at what was read"}
}

// drain waits until the readers have left. The caller holds turn.
func (l *RWMutex) drain(ctx context.Context, t *graph.Task, watched bool) error {
	if l.reads(t) {
		return l.upgrade()
	}
	if !watched && spins {
		for i := 0; i < spinTurns && l.read(); i++ {
			graph.Pause(spinPauses)
		}
	}
	if !l.read() {
		return nil
	}
	r := l.rare()
	w := new(waiter)
	w.Begin(ctx, l.seen())
	r.mu.Lock()
	w.start = clock(t)
	r.drainer.Store(w)
	w.Publish()
	lost := l.lostReader()
	if !l.read() || lost != nil { // R3: who left before did not see the wait
		r.drainer.Store(nil)
		r.mu.Unlock()
		w.Withdraw() // nobody knows of it any more
		if lost != nil {
			return lostError("lock: lock", l.seen(), lost)
		}
		return nil
	}
	r.mu.Unlock()
	err := w.Park()
	switch {
	case err != nil:
		r.mu.Lock()
		r.drainer.Store(nil)
		r.mu.Unlock()
		err = gaveUp(ctx, "lock: lock", l.seen().Label(), err)
	case w.lost != nil:
		err = lostError("lock: lock", l.seen(), w.lost)
	}
	waited(l.seen(), t, w.start)
	return err
}

// lostReader returns a reader that has ended without unlocking, nil if there is
// none. The caller holds rare.mu.
func (l *RWMutex) lostReader() *graph.Task {
	if all := l.slots.Load(); all != nil {
		for i := range *all {
			if t := ended(&(*all)[i].owner); t != nil {
				return t
			}
		}
	}
	for _, t := range l.crowd.readers {
		if t != nil && t.Ended() {
			return t
		}
	}
	return nil
}

// writeUnlock is Held.Unlock of a writing.
func (l *RWMutex) writeUnlock(h Held) {
	if s := l.turn.state.Load(); s&mutexHeld == 0 || s&^mutexFlags != h.hold {
		h.spent()
	}
	if graph.Watched.Load() != 0 {
		orderDropped(h.t, l.seen(), 0)
	}
	l.turn.giveUp(h.t)
}

// unlock is Held.Unlock.
func (l *RWMutex) unlock(h Held) {
	if h.mode() == shared {
		l.readUnlock(h)
	} else {
		l.writeUnlock(h)
	}
}

// mode says how h is held.
func (h Held) mode() mode {
	if h.rw != nil && h.hold&1 != 0 {
		return shared
	}
	return 0
}

// handoff is Held.Handoff. A hold on its way has another number, so that h is
// spent.
func (l *RWMutex) handoff(h Held) Transfer {
	to, ok := l.renumber(h, nil)
	if !ok {
		h.spent()
	}
	if h.t != nil {
		h.t.Unhold()
	}
	if graph.Watched.Load() != 0 {
		orderMoved(h.t, nil, l.seen(), h.mode(), false)
	}
	return Transfer{to}
}

func (l *RWMutex) take(h Held, t *graph.Task) (Held, bool) {
	to, ok := l.renumber(h, t)
	if ok && graph.Watched.Load() != 0 {
		orderMoved(nil, t, l.seen(), h.mode(), true)
	}
	return to, ok
}

// renumber makes h another hold, of t's; false if it has been given up.
func (l *RWMutex) renumber(h Held, t *graph.Task) (to Held, ok bool) {
	to = Held{rw: l, t: t}
	switch {
	case h.mode() != shared:
		to.hold, ok = l.turn.renumber(h.hold, t)
	case h.hold&slotMask != slotCrowd:
		at, s := l.slotOf(h.hold), h.hold>>slotShift
		if ok = at.word.CompareAndSwap(s, s+2); ok {
			at.owner.Set(t)
		}
		to.hold = h.hold + 2<<slotShift
	default:
		r := l.rare()
		r.mu.Lock()
		if _, ok = l.crowd.readers[h.hold>>slotShift]; ok {
			delete(l.crowd.readers, h.hold>>slotShift)
			l.crowd.n.Add(-1)
			to.hold = l.crowdLocked(t)
		}
		r.mu.Unlock()
	}
	return to, ok
}
