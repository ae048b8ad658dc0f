package tasktest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/task"
)

// Tasks returns the tasks that [Exercise] runs, for workers to serve that are
// in another process:
//
//	func TestMain(m *testing.M) {
//		proc.Serve(tasktest.Tasks()...) // never returns in a worker
//		os.Exit(m.Run())
//	}
func Tasks() []task.Task {
	return []task.Task{echo, echoPointer, echoSlice, echoMap, echoBytes, echoFloat, inflate, scribble,
		obey, fail, square, watch, stubborn, burst, count, traced}
}

// The tasks tell what they saw by what they return, since they may be where
// nothing else can be seen from here.
var (
	echo        = task.Define("tasktest.echo", same[parcel])
	echoPointer = task.Define("tasktest.echo-pointer", same[*parcel])
	echoSlice   = task.Define("tasktest.echo-slice", same[[]string])
	echoMap     = task.Define("tasktest.echo-map", same[map[string]int])
	echoBytes   = task.Define("tasktest.echo-bytes", same[[]byte])
	echoFloat   = task.Define("tasktest.echo-float", same[float64])
	unknown     = task.Define("tasktest.unknown", same[int])

	inflate  = task.Define("tasktest.inflate", inflateFunc)
	scribble = task.Define("tasktest.scribble", scribbleFunc)
	obey     = task.Command("tasktest.obey", obeyFunc)
	fail     = task.Command("tasktest.fail", failFunc)
	square   = task.Define("tasktest.square", squareFunc)
	watch    = task.Define("tasktest.watch", watchFunc)
	stubborn = task.Define("tasktest.stubborn", stubbornFunc)
	burst    = task.Command("tasktest.burst", burstFunc)
	count    = task.Define("tasktest.count", countFunc)
	traced   = task.Define("tasktest.traced", tracedFunc)
)

// began and running count functions in this process.
var began, running atomic.Int64

// enter counts a function; what it returns is deferred.
func enter() (leave func()) {
	began.Add(1)
	running.Add(1)
	return func() { running.Add(-1) }
}

func same[T any](_ context.Context, in T) (T, error) {
	defer enter()()
	return in, nil
}

// inflateFunc returns n bytes, or what cannot be encoded if n is negative.
func inflateFunc(_ context.Context, n int) (inflated, error) {
	defer enter()()
	if n < 0 {
		return inflated{Number: math.NaN()}, nil
	}
	return inflated{Bytes: bytes.Repeat([]byte("x"), n)}, nil
}

type inflated struct {
	Bytes  []byte
	Number float64
}

// scribbleFunc changes its input, and returns it.
func scribbleFunc(_ context.Context, in *parcel) (*parcel, error) {
	defer enter()()
	in.Text = "scribbled"
	return in, nil
}

func obeyFunc(_ context.Context, order string) error {
	defer enter()()
	if order != "" {
		return errors.New(order)
	}
	return nil
}

// failFunc fails as the row of failures of that name says, or as the kind.
func failFunc(_ context.Context, how string) error {
	defer enter()()
	if f, ok := failures[how]; ok {
		return f.make()
	}
	for k := fault.Failed; k <= fault.Invalid; k++ {
		if "kind "+k.String() == how {
			return kinded(k)
		}
	}
	return errors.New("tasktest: no failure is called " + how)
}

func squareFunc(_ context.Context, n int) (int, error) {
	defer enter()()
	if n%7 == 0 {
		time.Sleep(time.Millisecond) // so that later calls overtake
	}
	return n * n, nil
}

// watching is what watchFunc is to do.
type watching struct {
	Cause  string // name of a Sentinel to look for in the cause
	Return string // "err", "cause" or "panic": how to fail when the context has ended
}

// saw is what a function saw of its context.
type saw struct {
	HasDeadline bool
	Deadline    time.Time
	Err         string // of the context
	IsCanceled  bool   // the context's Err is exactly that
	IsDeadline  bool
	HasCause    bool // the cause Is the Sentinel
	Derived     bool // a context derived from it sees the same
}

// watchFunc says that it has begun, and tells how its context ended.
func watchFunc(ctx context.Context, in watching) (saw, error) {
	defer enter()()
	task.Report(ctx, task.Progress{Note: "begun"})
	derived, cancel := context.WithCancel(context.WithValue(ctx, watching{}, in))
	defer cancel()
	select {
	case <-derived.Done():
	case <-time.After(5 * time.Second):
		return saw{}, errors.New("tasktest: the context did not end")
	}
	cause := context.Cause(ctx)
	switch in.Return {
	case "err":
		return saw{}, ctx.Err()
	case "cause":
		return saw{}, cause
	case "panic":
		panic(ctx.Err())
	}
	var s saw
	s.Deadline, s.HasDeadline = ctx.Deadline()
	s.Err = ctx.Err().Error()
	s.IsCanceled, s.IsDeadline = ctx.Err() == context.Canceled, ctx.Err() == context.DeadlineExceeded
	s.HasCause = in.Cause != "" && errors.Is(cause, fault.Sentinel(in.Cause))
	s.Derived = derived.Err() == ctx.Err() && errors.Is(context.Cause(derived), cause)
	return s, nil
}

// stubbornFunc says that it has begun, and works for a while without looking
// at its context, writing to its input all the time.
func stubbornFunc(ctx context.Context, in *board) (string, error) {
	defer enter()()
	task.Report(ctx, task.Progress{Note: "begun"})
	for end := time.Now().Add(in.For); time.Now().Before(end); time.Sleep(time.Millisecond) {
		in.Writes++
	}
	return "done", nil
}

// board is what a stubborn function writes to.
type board struct {
	For    time.Duration
	Writes int
}

func burstFunc(ctx context.Context, how string) error {
	defer enter()()
	burstHere(how)
	return nil
}

// burstHere is the function that a panic's stack must name.
//
//go:noinline
func burstHere(how string) {
	switch how {
	case "text":
		panic("tasktest: boom 42")
	case "error":
		panic(errDeclined)
	case "nil":
		var nothing any
		panic(nothing)
	case "goexit":
		runtime.Goexit()
	}
}

func countFunc(ctx context.Context, n int64) (int64, error) {
	defer enter()()
	for i := range n {
		task.Report(ctx, task.Progress{Done: i + 1, Total: n, Note: "counting"})
	}
	return n, nil
}

func tracedFunc(ctx context.Context, _ task.Void) (task.Trace, error) {
	defer enter()()
	return task.TraceOf(ctx), nil
}
