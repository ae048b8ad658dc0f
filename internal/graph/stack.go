package graph

import (
	"runtime"
	"time"

	"github.com/hemgo/hem/fault"
)

// A parked task reports its own stack when it is asked to: nothing is captured
// before, and the world is not stopped for it (G3).

// stackRequest is one question to one wait. Askers put theirs at the head of
// the wait's list; the waiter takes the list to answer it, and leaves refused
// there when it goes.
type stackRequest struct {
	answer chan stackAnswer // of capacity one
	next   *stackRequest
}

type stackAnswer struct {
	stack fault.Stack // nil: the wait was over
	past  bool        // the waiter has looked for a knot, and will not again
}

var refused stackRequest

// stackPatience bounds how long a report waits for its stacks. The tasks of a
// knot are parked and answer within microseconds, so it passes only on a
// machine too busy to run them; the report then lacks those that are missing.
// (With a load of 14 on two cores, 250 ms lost one in 2,000 reports.)
const stackPatience = time.Second

// answer gives those who ask the calling goroutine's stack, and whether it is
// past its own verdict.
func (w *Wait) answer(past bool) {
	if r := w.ask.Swap(nil); r != nil {
		r.reply(stackAnswer{fault.Frames(callers(4)), past})
	}
}

// refuse answers whoever asks later than the wait lasts.
func (w *Wait) refuse() {
	if r := w.ask.Swap(&refused); r != &refused {
		r.reply(stackAnswer{})
	}
}

func (r *stackRequest) reply(a stackAnswer) {
	for ; r != nil; r = r.next {
		r.answer <- a
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
		case a := <-r.answer:
			stacks[i] = a.stack
			continue
		default:
		}
		if patience == nil {
			patience = time.After(stackPatience)
		}
		select {
		case a := <-r.answer:
			stacks[i] = a.stack
		case <-patience:
			return stacks
		}
	}
	return stacks
}

// request asks w for its stack, nil if it cannot answer any more.
func (w *Wait) request() *stackRequest {
	r := &stackRequest{answer: make(chan stackAnswer, 1)}
	for {
		r.next = w.ask.Load()
		if r.next == &refused || w.bell == nil {
			return nil
		}
		if w.ask.CompareAndSwap(r.next, r) {
			w.ring()
			return r
		}
	}
}

// callers returns the calling goroutine's return addresses without the
// innermost skip of them.
func callers(skip int) []uintptr {
	pcs := make([]uintptr, 64)
	return pcs[:runtime.Callers(skip, pcs)]
}
