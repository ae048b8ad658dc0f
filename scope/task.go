package scope

import (
	"context"
	"log/slog"
	"runtime/debug"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// task is one child of a scope: the graph's Task and what to do with its end.
type task struct {
	graph.Task // first: its address is the task's, by which stacks are found
	s          *Scope
	body       work
	under      context.Context    // what its context stands on, if not the scope's
	cancel     context.CancelFunc // of a context of its own, nil without one
	keep       bool               // its failure is its future's alone
	returned   bool
	err        error
}

// work is what a task does: a function, or a future that holds one.
type work interface {
	run(ctx context.Context) error
}

// ender is work that is told how it went, before the scope is.
type ender interface {
	end(err error)
}

type function func(context.Context) error

func (f function) run(ctx context.Context) error { return f(ctx) }

// Go starts f as a task of the scope: fire and forget, but owned. If f fails
// the scope is cancelled with its error, which [Run] returns.
//
// On a cancelled scope f still runs, with a context that has ended.
//
// # Panics
//
// Go panics if f is nil, and if the scope is finished: its owner has stopped
// waiting, so nobody could own f.
//
// # Cost
//
// One allocation of about 250 bytes beyond the goroutine, one short lock
// shared with spawners of the same scope, no clock.
//
//go:noinline
func (s *Scope) Go(f func(context.Context) error, opts ...Option) {
	if f == nil {
		panic("scope: Go with a nil function")
	}
	s.start(&task{s: s, body: function(f)}, graph.Spec{Fn: graph.FuncPC(f), Site: graph.CallerPC()}, opts)
}

// Daemon starts f as a task that serves the others: its context ends when all
// tasks that are not daemons have. To return then is no failure, whatever it
// returns of its context's end; to fail before is.
//
//go:noinline
func (s *Scope) Daemon(f func(context.Context) error, opts ...Option) {
	if f == nil {
		panic("scope: Daemon with a nil function")
	}
	s.start(&task{s: s, body: function(f)}, graph.Spec{Fn: graph.FuncPC(f), Site: graph.CallerPC(), State: graph.TaskDaemon}, opts)
}

// start registers t and gives it a goroutine. It panics on a finished scope.
func (s *Scope) start(t *task, spec graph.Spec, opts []Option) {
	if !s.tryStart(t, spec, opts) {
		panic("scope: Go on the finished scope " + s.String() + ": whoever starts a task must be one of its tasks or its body")
	}
}

// tryStart reports false if the scope is finished.
func (s *Scope) tryStart(t *task, spec graph.Spec, opts []Option) bool {
	ctx := s.ctx
	count := &s.work
	if spec.State&graph.TaskDaemon != 0 {
		ctx, count = s.daemonContext(), &s.daemons
	}
	if count.Add(1) <= 0 {
		count.Add(-1)
		return false
	}
	if len(opts) == 0 {
		s.group.Add(&t.Task, ctx, spec)
		go t.execute(nil)
		return true
	}
	o := merge(opts, true)
	spec.Name = o.name
	if t.under != nil {
		ctx = t.under
	}
	if o.values != nil {
		ctx = withValues{ctx, o.values}
	}
	if o.timeout != 0 {
		ctx, t.cancel = t.timeout(ctx, o, spec)
	}
	if o.via == nil {
		s.group.Add(&t.Task, ctx, spec)
		go t.execute(nil)
		return true
	}
	spec.State |= graph.TaskQueued
	s.group.Add(&t.Task, ctx, spec)
	o.via.Launch(&t.Task, t)
	return true
}

func (t *task) timeout(ctx context.Context, o Option, spec graph.Spec) (context.Context, context.CancelFunc) {
	name := spec.Name
	if name == "" {
		name = graph.FuncName(spec.Fn)
	}
	return context.WithTimeoutCause(ctx, o.timeout,
		&fault.Error{Op: "scope: task", Task: name, Kind: fault.Deadline, Started: true, Err: context.DeadlineExceeded})
}

// Run is for launchers: see [Launched].
func (t *task) Run(refused error) {
	t.Unqueue()
	t.execute(refused)
}

// execute is the task's whole life on its goroutine. Its frame carries the
// task's address, by which a dump finds the goroutine: keep it out of line.
//
//go:noinline
func (t *task) execute(refused error) {
	t.Enter()
	defer t.exit()
	if refused != nil {
		t.err = refused
	} else {
		t.err = t.body.run(&t.Task)
	}
	t.returned = true
}

// exit ends the task, however it came to its end.
func (t *task) exit() {
	if !t.returned {
		t.err = t.s.caught(t, recover(), debug.Stack())
	}
	if e, ok := t.body.(ender); ok {
		defer t.leave() // callbacks are users' code: they may panic or Goexit
		t.tell(e)
		return
	}
	t.leave()
}

// tell lets the task's work know how it went, on the task's account.
func (t *task) tell(e ender) {
	returned := false
	defer func() {
		if !returned {
			t.err = t.s.caught(t, recover(), debug.Stack())
		}
	}()
	e.end(t.err)
	returned = true
}

// leave tells the scope of the outcome, and that the task is no more.
func (t *task) leave() {
	s := t.s
	if t.err != nil && !t.keep && !t.dismissed() {
		s.fail(t, t.err)
	}
	if t.cancel != nil {
		t.cancel()
	}
	count := &s.work
	if t.Has(graph.TaskDaemon) {
		count = &s.daemons
	}
	t.body = nil // a context kept for long keeps no closure alive
	t.Leave()
	s.countDown(count)
}

// dismissed reports whether t is a daemon that was told to end, and did.
func (t *task) dismissed() bool {
	return t.Has(graph.TaskDaemon) && echoes(&t.Task, t.err)
}

// caught makes an error of a panic or Goexit of t, or of the body if t is nil.
// Unless the scope contains panics it also logs it, so that the stack is known
// though the join may take its time, and sees to it that Run panics.
func (s *Scope) caught(t *task, value any, stack []byte) error {
	p := &fault.Panic{Value: value, Stack: string(stack), Goexit: value == nil}
	at := s.group.Owner()
	if t != nil {
		at = &t.Task
	}
	if stack == nil {
		p.Stack = string(debug.Stack())
	}
	p.Task, p.Path = at.String(), at.Path()
	if s.contain || t == nil {
		if t == nil {
			s.fail(nil, p)
		}
		return p
	}
	if !p.Goexit {
		slog.Error("panic in a task; its scope is cancelled and will panic when the others have ended",
			"task", p.Task, "panic", value, "path", p.Path.String(), "stack", p.Stack)
	}
	s.mu.Lock()
	if len(s.panics) > 0 {
		s.panics[0].Others = append(s.panics[0].Others, p)
	}
	s.panics = append(s.panics, p)
	s.mu.Unlock()
	s.end(p)
	return p
}
