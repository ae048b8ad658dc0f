package scope

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A Scope owns the tasks started in it: [Run] returns when all have ended. It
// is made by Run and given to its body; any goroutine may use it until then.
type Scope struct {
	group   graph.Group
	ctx     context.Context // ends when the scope is cancelled
	cancel  context.CancelCauseFunc
	release context.CancelFunc // of the timeout, nil without one
	grace   time.Duration
	contain bool
	report  func(error)

	// work counts the body and the tasks that are not daemons; daemons counts
	// the join and the daemons.
	//
	//	S1. Each falls to zero, and then to finished, once: whoever does the
	//	    second step wakes the joiner, and nobody can start a task after it.
	work    atomic.Int64
	daemons atomic.Int64
	joiner  atomic.Pointer[graph.Wait]
	last    atomic.Bool // the joiner waits for daemons

	mu           sync.Mutex
	first        error          // the failure that ended the scope
	echoed       bool           // a task failed only because the context had ended
	panics       []*fault.Panic // of tasks, oldest first
	daemonCtx    context.Context
	cancelDaemon context.CancelCauseFunc
	dismissed    bool // daemons have been told to end
	hooks        []hook
	draining     bool // hooks have been started; later ones start at once
	defers       []func() error
	unhook       func() bool // undoes the wish to drain when the context ends
	overdue      *time.Timer // armed when the context ends
	closed       bool

	stopping atomic.Bool
}

// finished is what a counter holds after its last count: far below zero, so
// that whoever adds to it sees that it is too late.
const finished = -1 << 40

// Run calls body with a new scope and a context that the scope can cancel, and
// waits until body has returned and every task started in the scope has ended.
//
// The result is nil if and only if body returned nil and no task started by Go
// failed. Otherwise it is the first failure, never a sibling's echo of being
// cancelled; if body's error wraps that failure, it is body's error. If tasks
// failed only because ctx ended, it is ctx's cause.
//
// Functions given to [Scope.Defer] run last; the error of one is the result if
// there is no other.
//
// body runs on the calling goroutine and must use the context it is given
// instead of ctx. It must not close what its tasks still use: `defer` in body
// runs before they are joined, [Scope.Defer] after.
//
// # Cancellation
//
// When ctx ends, or a task fails, the scope's context ends with that cause. Run
// goes on waiting for its tasks. Those which ignore their context are reported
// by name and stack when [Grace] has passed.
//
// # Panics
//
// A panic of a task cancels its siblings and is logged at once with its stack;
// Run panics with the [*fault.Panic] when all have ended. A panic of body goes
// on as it is, after the tasks have ended. [runtime.Goexit] in a task is
// repeated on the calling goroutine in the same way. [Contain] makes errors of
// all three. Run panics if ctx or body is nil.
//
// # Cost
//
// About 1 µs with one task, of which half is the standard context.
//
//go:noinline
func Run(ctx context.Context, body func(ctx context.Context, s *Scope) error, opts ...Option) error {
	if body == nil {
		panic("scope: Run with a nil body")
	}
	return run(ctx, body, graph.CallerPC(), graph.FuncPC(body), opts)
}

// Value is [Run] for a body with a result. The result is the zero T if there
// is an error.
//
//go:noinline
func Value[T any](ctx context.Context, body func(ctx context.Context, s *Scope) (T, error), opts ...Option) (T, error) {
	if body == nil {
		panic("scope: Value with a nil body")
	}
	var v T
	err := run(ctx, func(ctx context.Context, s *Scope) (err error) {
		v, err = body(ctx, s)
		return err
	}, graph.CallerPC(), graph.FuncPC(body), opts)
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

func run(ctx context.Context, body func(context.Context, *Scope) error, site, fn uintptr, opts []Option) (err error) {
	if ctx == nil {
		panic("scope: Run with a nil context")
	}
	s := new(Scope)
	root := s.open(ctx, site, fn, opts)
	returned := false
	defer func() {
		if !returned {
			if s.contain {
				err = s.caught(nil, recover(), nil)
			} else {
				s.end(errBodyLeft)
			}
		}
		s.close(root)
		if returned {
			s.repanic()
		}
		if returned || s.contain {
			err = s.result(err)
		}
	}()
	err = body(s.ctx, s)
	returned = true
	if err != nil {
		s.fail(nil, err)
	}
	return err
}

// errBodyLeft is the cause for tasks whose scope's body panicked or exited.
var errBodyLeft = errors.New("scope: the body panicked or called runtime.Goexit")

// open registers s with the task of the calling goroutine, or with a root
// adopted for it, which it returns.
func (s *Scope) open(ctx context.Context, site, fn uintptr, opts []Option) (root *graph.Task) {
	o := merge(opts, false)
	spec := graph.Spec{Name: o.name, Fn: fn, Site: site}
	owner := graph.Current(ctx)
	if owner == nil {
		root = new(graph.Task)
		graph.Adopt(root, ctx, spec)
		owner, ctx = root, root
	}
	if o.timeout != 0 {
		cause := &fault.Error{Op: "scope", Task: spec.Name, Kind: fault.Deadline, Started: true, Err: context.DeadlineExceeded}
		if cause.Task == "" {
			cause.Task = graph.FuncName(fn)
		}
		ctx, s.release = context.WithTimeoutCause(ctx, o.timeout, cause)
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.grace, s.contain, s.report = o.grace, o.contain, o.report
	if s.grace == 0 {
		s.grace = DefaultGrace
	}
	s.work.Store(1)
	s.daemons.Store(1)
	s.group.Data = s
	s.group.Open(owner, s.ctx, spec)
	return root
}

// close joins everything, cleans up and takes s off the registry.
func (s *Scope) close(root *graph.Task) {
	s.join()
	s.runDefers()
	s.mu.Lock()
	s.closed = true
	if s.overdue != nil {
		s.overdue.Stop()
	}
	if s.unhook != nil {
		s.unhook()
	}
	s.mu.Unlock()
	s.group.Close()
	if root != nil {
		root.Leave()
	}
	s.cancel(nil)
	if s.release != nil {
		s.release()
	}
}

// repanic passes on what tasks panicked with. It is not called while the body's
// own panic is under way: that one goes first, and the tasks' are logged.
func (s *Scope) repanic() {
	if s.contain || len(s.panics) == 0 {
		return
	}
	p := s.panics[0]
	if p.Goexit {
		runtime.Goexit()
	}
	panic(p)
}

// result is what Run returns, given what the body did.
func (s *Scope) result(body error) error {
	switch {
	case s.first == nil && !s.echoed:
		return body
	case s.first == nil:
		return context.Cause(s.ctx)
	case body != nil && errors.Is(body, s.first):
		return body
	}
	return s.first
}

// fail records that t, or the body if t is nil, failed with err, and ends the
// scope.
func (s *Scope) fail(t *task, err error) {
	echo := echoes(s.ctx, err)
	if s.report != nil && t != nil {
		if !echo {
			s.report(&fault.Error{Op: "scope: task", Task: t.String(), Kind: fault.KindOf(err), Started: true, Err: err})
		}
		return
	}
	s.mu.Lock()
	if echo {
		s.echoed = true
	} else if s.first == nil {
		s.first = err
	}
	s.mu.Unlock()
	if !echo {
		s.end(err)
	}
}

// echoes reports whether err merely says that ctx has ended.
func echoes(ctx context.Context, err error) bool {
	ended := ctx.Err()
	return ended != nil &&
		(errors.Is(err, context.Canceled) || errors.Is(err, ended) || errors.Is(err, context.Cause(ctx)))
}

// end cancels the scope.
func (s *Scope) end(cause error) {
	s.cancel(cause)
	s.watch()
}

// Cancel ends the scope's context at once, with cause; nil stands for
// [context.Canceled]. Run still waits for the tasks. OnStop hooks run beside
// them.
func (s *Scope) Cancel(cause error) { s.end(cause) }

// Context returns the scope's context: what its tasks are cancelled with.
func (s *Scope) Context() context.Context { return s.ctx }

// String returns the scope's name and where it was opened.
func (s *Scope) String() string {
	if at := s.group.Site(); at.Line > 0 {
		return s.group.Name() + " " + at.String()
	}
	return s.group.Name()
}
