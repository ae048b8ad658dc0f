package scope

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A Scope owns the tasks started in it: [Run] returns when all have ended. It
// is made by Run and given to its body; any goroutine may use it until then.
type Scope struct {
	group  graph.Group // with the context that is its tasks'
	cancel context.CancelCauseFunc
	grace  time.Duration

	// work counts the body and the tasks that are not daemons, ordinary ones by
	// the shard (see graph.Group.AddCounted); daemons counts the join and the
	// daemons.
	//
	//	S1. Each falls to zero, and then to finished, once: whoever does the
	//	    second step wakes the joiner, and nobody can start a task after it.
	work    atomic.Int64
	daemons atomic.Int64
	joiner  atomic.Pointer[graph.Wait]
	wait    graph.Wait  // the first that joiner points to
	last    atomic.Bool // the joiner waits for daemons

	stopping atomic.Bool
	sweeps   atomic.Bool // tasks wait for goroutines; see sweepAtEnd
	echoed   atomic.Bool // a task failed only because the context had ended

	contain bool
	foreign bool // its context may end without any scope of ours ending it

	mu     sync.Mutex
	closed bool  // everything has ended, deferred functions included
	first  error // the failure that ended the scope
	rare   *rare // nil in most scopes
}

// rare is what few scopes have. It is guarded by Scope.mu.
type rare struct {
	report       func(error)
	release      context.CancelFunc // of the timeout
	panics       []*fault.Panic     // of tasks, oldest first
	daemonCtx    context.Context
	cancelDaemon context.CancelCauseFunc
	hooks        []hook
	draining     bool // hooks have been started; later ones start at once
	defers       []func() error
	undo         []func() bool // wishes to hear of the context's end
	overdue      *time.Timer   // armed when the context ends
}

// rareLocked returns s.rare, made if need be.
func (s *Scope) rareLocked() *rare {
	if s.rare == nil {
		s.rare = new(rare)
	}
	return s.rare
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
	err = body(s.Context(), s)
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
	spec := graph.Spec{Fn: fn, Site: site}
	owner := graph.Current(ctx)
	s.grace = DefaultGrace
	if len(opts) > 0 {
		spec.Name = s.configure(merge(opts, false))
	}
	if owner == nil {
		root = new(graph.Task)
		graph.Adopt(root, ctx, spec)
		s.foreign = ctx.Done() != nil
		owner, ctx = root, root
	} else {
		s.foreign = !owner.Owns(ctx)
	}
	timed := false
	if len(opts) > 0 {
		timeout := merge(opts, false).timeout
		ctx, timed = s.limit(ctx, timeout, spec), timeout != 0
	}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.work.Store(1)
	s.daemons.Store(1)
	s.group.Data = s
	s.group.Open(owner, ctx, spec)
	if timed {
		s.mu.Lock() // others can see s, and the time may be up already
		s.rare.undo = append(s.rare.undo, context.AfterFunc(ctx, s.watch))
		s.mu.Unlock()
	}
	return root
}

// configure takes over what o says of the scope, and returns its name.
func (s *Scope) configure(o Option) string {
	s.contain = o.contain
	if o.grace != 0 {
		s.grace = max(0, o.grace)
	}
	if o.report != nil {
		s.rareLocked().report = o.report
	}
	return o.name
}

// limit puts the scope's timeout, if it has one, on ctx.
func (s *Scope) limit(ctx context.Context, timeout time.Duration, spec graph.Spec) context.Context {
	if timeout == 0 {
		return ctx
	}
	s.foreign = true
	ctx, s.rareLocked().release = context.WithTimeoutCause(ctx, timeout, tooLate("scope", spec))
	return ctx
}

// tooLate is the cause of a context whose time was up.
func tooLate(op string, spec graph.Spec) error {
	name := spec.Name
	if name == "" && spec.Fn != 0 {
		name = graph.FuncName(spec.Fn)
	}
	return &fault.Error{Op: op, Task: name, Kind: fault.Deadline, Started: true, Err: context.DeadlineExceeded}
}

// close joins everything and cleans up.
func (s *Scope) close(root *graph.Task) {
	s.join()
	defer s.retire(root) // though a deferred function may panic
	s.runDefers()
}

// retire takes s off the registry.
func (s *Scope) retire(root *graph.Task) {
	s.mu.Lock()
	r := s.rare
	if r != nil {
		if r.overdue != nil {
			r.overdue.Stop()
		}
		for _, undo := range r.undo {
			undo()
		}
	}
	s.mu.Unlock()
	s.group.Close()
	if root != nil {
		root.Leave()
		defer root.Gone()
	}
	s.cancel(nil)
	if r != nil && r.release != nil {
		r.release()
	}
}

// repanic passes on what tasks panicked with, a panic before a Goexit. It is
// not called while the body's own panic is under way: that one goes first, and
// the tasks' are logged.
func (s *Scope) repanic() {
	if s.contain || s.rare == nil || len(s.rare.panics) == 0 {
		return
	}
	all := s.rare.panics
	i := slices.IndexFunc(all, func(p *fault.Panic) bool { return !p.Goexit })
	if i < 0 {
		runtime.Goexit()
	}
	p := *all[i] // a copy: the original is the context's cause, which others read
	p.Others = slices.Delete(slices.Clone(all), i, i+1)
	panic(&p)
}

// result is what Run returns, given what the body did.
func (s *Scope) result(body error) error {
	switch {
	case s.first == nil && !s.echoed.Load():
		return body
	case s.first == nil:
		return context.Cause(s.Context())
	case body != nil && errors.Is(body, s.first):
		return body
	}
	return s.first
}

// fail records that t, or the body if t is nil, failed with err, and ends the
// scope.
func (s *Scope) fail(t *task, err error) {
	echo := echoes(s.Context(), err)
	s.mu.Lock()
	supervised := t != nil && s.rare != nil && s.rare.report != nil
	if !echo && !supervised && s.first == nil {
		s.first = err
	}
	s.mu.Unlock()
	switch {
	case supervised && echo:
	case supervised:
		s.rare.report(&fault.Error{Op: "scope: task", Task: t.String(), Kind: fault.KindOf(err), Started: true, Err: err})
	case echo:
		s.echoed.Store(true)
	default:
		s.end(err)
	}
}

// echoes reports whether err merely says that ctx has ended.
func echoes(ctx context.Context, err error) bool {
	ended := ctx.Err()
	if ended == nil {
		return false
	}
	cause := context.Cause(ctx)
	if fault.KindOf(err) == fault.Panicked && fault.KindOf(cause) != fault.Panicked {
		return false // whatever the panic's value is
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, ended) || errors.Is(err, cause)
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
func (s *Scope) Context() context.Context { return s.group.Context() }

// String returns the scope's name and where it was opened.
func (s *Scope) String() string {
	if at := s.group.Site(); at.Line > 0 {
		return s.group.Name() + " " + at.String()
	}
	return s.group.Name()
}
