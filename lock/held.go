package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// Held is one hold of a lock, by the task that locked it, which gives it up
// with [Held.Unlock]. The zero Held holds nothing. It may be copied; all copies
// are the same hold.
type Held struct {
	m    *Mutex
	rw   *RWMutex
	t    *graph.Task // nil: outside every task
	hold uint64      // its number
}

// Unlock gives the lock up; on a zero Held it does nothing, so that a defer may
// stand before the error is looked at.
//
// # Panics
//
// Unlock panics, and nothing is unlocked, if the hold has been given up before,
// or if the goroutine is not that of the task which locked it: see
// [Held.Handoff]. A hold of a caller outside every task has no such owner, and
// any goroutine may give it up.
func (h Held) Unlock() {
	if h.t == nil || !h.t.Running() || graph.Watched.Load() != 0 {
		h.unlockSlowly()
		return
	}
	if m, s := h.m, h.hold|mutexHeld; m != nil {
		if m.state.Load() != s {
			m.unlock(h)
			return
		}
		m.owner.Set(nil)
		h.t.Unhold()
		if !m.state.CompareAndSwap(s, s+mutexHold-mutexHeld) {
			m.release(h.t)
		}
		return
	}
	if i := h.hold & slotMask; i&1 != 0 && i != slotCrowd {
		if at := &(*h.rw.slots.Load())[i>>1]; at.word.Load() == h.hold>>slotShift {
			at.owner.Set(nil)
			h.t.Unhold()
			at.word.Add(1)
			if h.rw.turn.state.Load()&mutexHeld != 0 {
				h.rw.left()
			}
			return
		}
	}
	h.rw.unlock(h)
}

// unlockSlowly is Unlock for all but the simplest case.
func (h Held) unlockSlowly() {
	switch {
	case h.m == nil && h.rw == nil:
	case h.t != nil && !h.t.Running():
		h.foreign("Unlock")
	case h.m != nil:
		h.m.unlock(h)
	default:
		h.rw.unlock(h)
	}
}

// Handoff gives the hold away without unlocking: whoever gets the [Transfer]
// takes it. Until then nobody is known to hold the lock, and a task that waits
// for it counts as running. h holds nothing any more.
//
// Handoff panics as [Held.Unlock] does. On a zero Held the Transfer is zero.
func (h Held) Handoff() Transfer {
	if h.t != nil && !h.t.Running() {
		h.foreign("Handoff")
	}
	switch {
	case h.m != nil:
		return h.m.handoff(h)
	case h.rw != nil:
		return h.rw.handoff(h)
	}
	return Transfer{}
}

// A Transfer is a hold on its way from one task to another. It is made by
// [Held.Handoff] and taken once. It may be copied; all copies are the same.
type Transfer struct{ h Held }

var errTaken = errors.New("the hold has been taken, or there was none")

// Take makes the caller the holder: the task whose context ctx is, on its own
// goroutine. It does not wait. The error is of kind [fault.Invalid] if the
// transfer is zero or was taken before, or ctx is nil.
func (x Transfer) Take(ctx context.Context) (Held, error) {
	t, err := caller(ctx, "lock: take")
	if err != nil {
		return Held{}, err
	}
	h, ok := x.h, false
	switch {
	case h.m != nil:
		h, ok = h.m.take(h, t)
	case h.rw != nil:
		h, ok = h.rw.take(h, t)
	}
	if !ok {
		return Held{}, &fault.Error{Op: "lock: take", Kind: fault.Invalid, Err: errTaken,
			Hint: "a Transfer is made by Handoff and taken once"}
	}
	if t != nil {
		t.Hold()
	}
	return h, nil
}

func (m *Mutex) handoff(h Held) Transfer {
	number, ok := m.renumber(h.hold, nil)
	if !ok {
		h.spent()
	}
	if h.t != nil {
		h.t.Unhold()
	}
	if graph.Watched.Load() != 0 {
		orderMoved(h.t, nil, m.seen(), 0, false)
	}
	return Transfer{Held{m: m, hold: number}}
}

func (m *Mutex) take(h Held, t *graph.Task) (Held, bool) {
	number, ok := m.renumber(h.hold, t)
	if ok && graph.Watched.Load() != 0 {
		orderMoved(nil, t, m.seen(), 0, true)
	}
	return Held{m: m, t: t, hold: number}, ok
}

// renumber makes the hold that has this number another one, of t's.
func (m *Mutex) renumber(number uint64, t *graph.Task) (uint64, bool) {
	for {
		s := m.state.Load()
		if s&mutexHeld == 0 || s&^mutexFlags != number {
			return 0, false
		}
		if m.state.CompareAndSwap(s, s+mutexHold) {
			m.owner.Set(t)
			return number + mutexHold, true
		}
	}
}

// lockable returns h's lock.
func (h Held) lockable() lockable {
	if h.m != nil {
		return h.m.seen()
	}
	return h.rw.seen()
}

// spent panics because h has been given up before.
func (h Held) spent() {
	panic(fmt.Sprintf("lock: Unlock of a hold of %v that has been given up before", h.lockable().Label()))
}

// foreign panics because the calling goroutine is not the holder's.
func (h Held) foreign(verb string) {
	if h.m == nil && h.rw == nil {
		return
	}
	l := h.lockable().Label()
	if h.t.Ended() {
		panic(fmt.Sprintf("lock: %s of %v, which %v locked, after that task has ended: the hold is lost, see Reset", verb, l, h.t))
	}
	panic(fmt.Sprintf("lock: %s of %v on another goroutine than that of %v, which locked it: use Handoff and Take", verb, l, h.t))
}
