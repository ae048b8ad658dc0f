package graph

import (
	"runtime"
	"time"

	"github.com/hemgo/hem/fault"
)

// A parked task reports its own stack when it is asked to: nothing is captured
// before, and the world is not stopped for it (G3).

// stackRequest is one question to one wait. Whoever moves a wait's ask from
// nil owns the answer: the asker puts a request there, the waiter puts refused
// there when it goes.
type stackRequest struct {
	stack chan fault.Stack // of capacity one
}

var refused stackRequest

// stackPatience bounds how long a verdict waits for another task's stack. The
// tasks of a knot are parked, so it passes only on a machine too busy to run
// them; the report then lacks that stack and says so nowhere else.
const stackPatience = 5 * time.Millisecond

// answer gives a waiting asker the calling goroutine's stack.
func (w *Wait) answer() {
	if r := w.ask.Load(); r != nil && r != &refused && w.ask.CompareAndSwap(r, nil) {
		r.stack <- fault.Frames(callers(4))
	}
}

// refuse answers whoever asks later than the wait lasts.
func (w *Wait) refuse() {
	if r := w.ask.Swap(&refused); r != nil && r != &refused {
		r.stack <- nil
	}
}

// stacksOf returns the stacks of waits, the first of which is the caller's own.
func stacksOf(waits []*Wait) []fault.Stack {
	stacks := make([]fault.Stack, len(waits))
	stacks[0] = fault.Frames(callers(3))
	asked := make([]*stackRequest, len(waits))
	for i, w := range waits[1:] {
		asked[i+1] = w.request()
	}
	var patience <-chan time.Time
	for i, r := range asked {
		if r == nil {
			continue
		}
		select {
		case stacks[i] = <-r.stack:
			continue
		default:
		}
		if patience == nil {
			patience = time.After(stackPatience)
		}
		select {
		case stacks[i] = <-r.stack:
		case <-patience:
			return stacks
		}
	}
	return stacks
}

// request asks w for its stack, nil if it cannot answer.
func (w *Wait) request() *stackRequest {
	r := &stackRequest{stack: make(chan fault.Stack, 1)}
	if w.bell == nil || !w.ask.CompareAndSwap(nil, r) {
		return nil
	}
	w.ring()
	return r
}

// callers returns the calling goroutine's return addresses without the
// innermost skip of them.
func callers(skip int) []uintptr {
	pcs := make([]uintptr, 64)
	return pcs[:runtime.Callers(skip, pcs)]
}
