package task

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/hemgo/hem/fault"
)

// A Runner is a rung of the ladder: a place where work runs. [Here],
// *pool.Pool, *proc.Pool and *job.Client are runners, and so are the views that
// carry options, such as [Retry].
//
// Run runs c's function once, or fails, and returns nil if and only if c then
// has its output: by [Call.Invoke] where memory is shared, by [Call.SetOutput]
// where the bytes of [Call.Input] were carried elsewhere.
//
//	R1. When Run returns, nothing it started uses c, or the context and the
//	    memory of the caller, any more. A function that ignores its context is
//	    awaited where memory is shared, and killed where it can be.
//	R2. The error says whether the work had begun: see [fault.Started]. If ctx
//	    has ended before the function could begin, it does not begin and the
//	    error is that of [Call.Ended].
//	R3. The outcome of a function that returns is the call's, also after ctx has
//	    ended: who finished is not told otherwise.
//
// The function's context is derived from ctx where memory is shared. Where it
// is not, it has ctx's deadline, [Trace] and [Report], and ends when ctx does
// with a [context.Cause] that Is the caller's: see [Mirror].
//
// A panic or [runtime.Goexit] of the function comes back as a [*fault.Panic]
// with the stack of where it happened, and its other errors come back so that
// [errors.Is] finds at least every [fault.Sentinel] and the context's errors in
// them. A runner that cannot reach whoever does the work fails with
// [fault.Lost] within a bound that it states. A task that is not known there is
// [fault.Invalid], not started, unless the runner is one in which work waits
// until somebody knows it; so is a payload that is [Oversized].
//
// Run is safe for concurrent use, with different calls. tasktest.Exercise holds
// a Runner to all of this.
type Runner interface {
	Run(ctx context.Context, c *Call) error
}

// A Task is a [Def] of any types, as a worker sees it: bytes in, bytes out.
// Workers are given the tasks they know; there is no registry.
type Task interface {
	// Name returns the task's name: see [Define].
	Name() string

	// Serve runs the task on r, given the bytes of a [Call.Input], and returns
	// the bytes for a [Call.SetOutput]. See [Def.Serve].
	Serve(ctx context.Context, r Runner, in []byte) (out []byte, err error)
}

// checkRunner refuses a nil interface and a nil pointer in one, such as the
// *pool.Pool of a constructor whose error nobody looked at.
func checkRunner(r Runner, name string) error {
	if r != nil {
		switch v := reflect.ValueOf(r); v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Slice:
			if !v.IsNil() {
				return nil
			}
		default:
			return nil
		}
	}
	why := errors.New("the Runner is nil")
	if r != nil {
		why = fmt.Errorf("the Runner is a nil %T", r)
	}
	return &fault.Error{Op: "task: run", Task: name, Kind: fault.Invalid, Err: why,
		Hint: "look at the error of its constructor, or use task.Here; job.Current gives nil outside a job's handler"}
}
