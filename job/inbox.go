package job

import "sync/atomic"

// An inbox is where callers put what the owner's loop is to know: a stack that
// anybody pushes to, and that one takes as a whole. To push is one
// compare-and-swap. A slice behind a mutex is as fast with 64 and 256 producers;
// but it has to grow, and who finds it closed must look under the lock.
type inbox struct {
	top    atomic.Pointer[letter] // the newest; &closed when nobody reads any more
	asleep atomic.Bool            // the loop is about to wait for bell
	bell   chan struct{}          // of capacity one
}

// A letter is one thing for the loop to know.
type letter struct {
	next  *letter
	about *request
	again *second // its caller has gone, and waits a moment longer
	gone  bool    // its caller has gone, and waits no longer
	undo  bool    // nor has it heard the answer, should there be one

	// If it is neither, the request is new.
}

var closed letter

// push adds l, and wakes the loop if it sleeps. It is false if the inbox is
// closed.
func (b *inbox) push(l *letter) bool {
	for {
		top := b.top.Load()
		if top == &closed {
			return false
		}
		l.next = top
		if b.top.CompareAndSwap(top, l) {
			b.wake()
			return true
		}
	}
}

// wake makes the loop look, if it sleeps.
func (b *inbox) wake() {
	if b.asleep.Load() && b.asleep.CompareAndSwap(true, false) {
		select {
		case b.bell <- struct{}{}:
		default: // it rings already
		}
	}
}

// take returns what there is, the oldest first. It is the loop's.
func (b *inbox) take() *letter {
	if b.top.Load() == nil {
		return nil
	}
	return oldestFirst(b.top.Swap(nil))
}

// close returns what there is, and refuses what comes.
func (b *inbox) close() *letter {
	if newest := b.top.Swap(&closed); newest != &closed {
		return oldestFirst(newest)
	}
	return nil
}

func oldestFirst(newest *letter) (oldest *letter) {
	for newest != nil {
		older := newest.next
		newest.next = oldest
		oldest, newest = newest, older
	}
	return oldest
}

// mayWait says that the loop is about to wait for the bell. It is false if there
// is something to take.
func (b *inbox) mayWait() bool {
	b.asleep.Store(true)
	// If the swap fails somebody has rung, and the wait will be short.
	return b.top.Load() == nil || !b.asleep.CompareAndSwap(true, false)
}

// woken says that the loop waits no more.
func (b *inbox) woken() { b.asleep.Store(false) }
