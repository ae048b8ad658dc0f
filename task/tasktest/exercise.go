package tasktest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/task"
)

// Exercise holds the runner that open returns to the contract of
// [task.Runner], by subtests of t. open is called once, with [Tasks]; a runner
// that works in this process may ignore them, another sees to it that its
// workers serve them. What it opens it closes by t.Cleanup. Exercises of one
// process wait for each other.
func Exercise(t *testing.T, traits Traits, open func(t *testing.T, tasks ...task.Task) task.Runner) {
	t.Helper()
	r := open(t, Tasks()...)
	if r == nil {
		t.Fatal("open returned no Runner")
	}
	one.Lock() // after open, which may have made t parallel
	defer one.Unlock()
	x := exercise{Traits: traits.withDefaults(), r: r}
	for _, c := range cases {
		if c.unless != nil && c.unless(x.Traits) {
			continue
		}
		t.Run(c.name, func(t *testing.T) { x.run(t, c) })
	}
}

// one keeps the exercises of one process apart: they count its functions.
var one sync.Mutex

// A rule is one sentence of the contract.
type rule struct {
	name   string
	f      func(t *testing.T, x *exercise)
	unless func(Traits) bool // the sentence does not apply; nil for never
}

var cases = []rule{
	{"payloads arrive as they left", payloadsArrive, nil},
	{"nil, empty and zero inputs stay apart", zerosStayApart, nil},
	{"a large payload arrives", largeArrives, nil},
	{"memory is shared", memoryIsShared, func(t Traits) bool { return !t.SharedMemory }},
	{"memory is not shared", memoryIsNotShared, func(t Traits) bool { return t.SharedMemory }},
	{"what cannot be encoded is refused by name", unencodableIsRefused, func(t Traits) bool { return t.SharedMemory }},
	{"a payload at the limit arrives and one over it is refused", limitHolds, func(t Traits) bool { return t.MaxPayload <= 0 }},
	{"a command returns nothing but its error", commandObeys, nil},
	{"a task nobody knows is refused", unknownIsRefused, func(t Traits) bool { return !t.CanBeUnknown }},
	{"a nil runner is refused", nilIsRefused, nil},

	{"errors answer as where they were made", errorsAnswer, nil},
	{"kinds and hints are the same here and there", kindsAnswer, nil},
	{"a promise not to have started is not passed on", promisesStay, nil},

	{"a context that has ended starts nothing", endedStartsNothing, nil},
	{"the function sees the deadline and its end", deadlineIsSeen, nil},
	{"a deadline that ran out is a Deadline", deadlineIsDeadline, nil},
	{"the function sees the cause of a cancel", causeIsSeen, nil},
	{"the function sees the cause of a timeout", timeoutCauseIsSeen, nil},
	{"a cancel that the function obeys is Cancelled", cancelIsCancelled, nil},
	{"a function that ignores its context is awaited", stubbornIsAwaited, func(t Traits) bool { return t.Kills }},
	{"a function that ignores its context is killed", stubbornIsKilled, func(t Traits) bool { return !t.Kills }},

	{"a panic brings its value and the stack of where it happened", panicBringsStack, nil},
	{"a panic with an error is that error", panicWithError, nil},
	{"a panic with nil is a panic", panicWithNil, nil},
	{"a panic with the context's error is a panic", panicWithContextError, nil},
	{"Goexit is told", goexitIsTold, nil},

	{"progress arrives in order and before the result", progressInOrder, nil},
	{"progress that nobody asked for is no harm", progressUnheard, nil},
	{"the trace is that of the caller", traceCrosses, nil},

	{"a thousand calls at once get each its own result", thousandAtOnce, nil},
	{"nothing is left running", nothingLeft, nil},
}

// exercise is one runner under test.
type exercise struct {
	Traits
	r    task.Runner
	ctx  context.Context // of the case that runs; it ends when patience does
	mute bool            // a call did not report that it had begun
}

var errPatience = errors.New("tasktest: the case takes too long")

// run runs one case. When it takes too long its context ends; if that does not
// help either, nothing but the end of the process does, as it would when go
// test loses its own patience, but with the case's name.
func (x *exercise) run(t *testing.T, c rule) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	defer time.AfterFunc(x.Patience, func() { cancel(errPatience) }).Stop()
	defer time.AfterFunc(2*x.Patience, func() {
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("tasktest: %q hangs, although its context has ended\n\n%s", c.name, stacks[:runtime.Stack(stacks, true)]))
	}).Stop()
	x.ctx = ctx
	c.f(t, x)
}

// whenBegun returns a context for a call, whose work says by a report that it
// has begun, and calls f then, once. wait waits for f. If no report comes f is
// called after a while: whether reports come is another case's affair.
func (x *exercise) whenBegun(ctx context.Context, f func()) (_ context.Context, wait func()) {
	atMost := 5 * time.Second
	if x.mute {
		atMost = aWhile
	}
	begun, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-begun:
		case <-time.After(atMost):
			x.mute = true
		}
		f()
	}()
	ctx = task.OnProgress(ctx, func(task.Progress) {
		select {
		case begun <- struct{}{}:
		default:
		}
	})
	return ctx, func() { <-done }
}
