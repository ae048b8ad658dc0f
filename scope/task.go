package scope

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// task is one child of a scope: the graph's Task and what to do with its end.
type task struct {
	graph.Task // first: its address is the task's, by which stacks are found
	body       work
	own        *own // nil if its context is the scope's
	keep       bool // its failure is its future's alone
}

// scope returns whose task t is, once it has been added.
func (t *task) scope() *Scope { return t.Group().Data.(*Scope) }

// own is what a task with a context of its own must let go of.
type own struct {
	ctx     context.Context
	cancel  context.CancelFunc
	overdue *time.Timer
}

// work is what a task does: a function, or a future that holds one.
type work interface {
	run(ctx context.Context) error
	// end is told how it went, before the scope is. What it returns is users'
	// code to be called then, nil if there is none.
	end(err error) (callbacks func())
}

type function func(context.Context) error

func (f function) run(ctx context.Context) error { return f(ctx) }
func (f function) end(error) func()              { return nil }

func (o *own) release() {
	o.cancel()
	if o.overdue != nil {
		o.overdue.Stop()
	}
}

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
	s.start(&task{body: function(f)}, graph.Spec{Fn: graph.FuncPC(f), Site: graph.CallerPC()}, opts)
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
	s.start(&task{body: function(f)}, graph.Spec{Fn: graph.FuncPC(f), Site: graph.CallerPC(), State: graph.TaskDaemon}, opts)
}

// start registers t and gives it a goroutine. It panics on a finished scope.
func (s *Scope) start(t *task, spec graph.Spec, opts []Option) {
	if !s.tryStart(t, spec, opts) {
		panic("scope: Go on the finished scope " + s.String() + ": whoever starts a task must be one of its tasks or its body")
	}
}

// tryStart reports false if the scope is finished.
func (s *Scope) tryStart(t *task, spec graph.Spec, opts []Option) bool {
	if len(opts) == 0 && spec.State == 0 && t.own == nil && s.group.AddCounted(&t.Task, &s.work, spec) {
		go t.execute(nil)
		return true
	}
	return s.tryStartApart(t, spec, opts)
}

// tryStartApart is tryStart for a task that is unlike the others, or comes when
// they have ended.
func (s *Scope) tryStartApart(t *task, spec graph.Spec, opts []Option) bool {
	var o Option
	if len(opts) > 0 {
		o = merge(opts, true) // may panic: nothing has been counted yet
	}
	count, ctx := s.enter(spec.State&graph.TaskDaemon != 0)
	switch count {
	case nil:
		return false
	case &s.daemons:
		spec.State |= graph.TaskDaemon
	}
	if t.own != nil {
		ctx = t.own.ctx
	}
	if len(opts) > 0 {
		spec.Name = o.name
		if o.site != 0 {
			spec.Site = o.site
		}
		ctx = s.configureTask(t, ctx, o, spec)
	}
	if o.via != nil {
		spec.State |= graph.TaskQueued
	}
	s.group.Add(&t.Task, ctx, spec)
	if t.own != nil {
		s.watchTask(t)
	}
	if o.via != nil {
		s.sweepAtEnd()
		o.via.Launch(&t.Task, t)
		return true
	}
	go t.execute(nil)
	return true
}

// enter counts a task in, and returns its count and its context, nil for the
// scope's. When only daemons are left, whoever they still start is one too: its
// context has ended, and it is joined. On a finished scope the count is nil.
func (s *Scope) enter(daemon bool) (count *atomic.Int64, ctx context.Context) {
	if !daemon {
		if s.work.Add(1) > 0 {
			return &s.work, nil
		}
		s.work.Add(-1)
	}
	if s.daemons.Add(1) > 0 {
		return &s.daemons, s.daemonContext()
	}
	s.daemons.Add(-1)
	return nil, nil
}

// configureTask lays what o says of t's context over ctx, nil for the scope's.
func (s *Scope) configureTask(t *task, ctx context.Context, o Option, spec graph.Spec) context.Context {
	if o.values != nil {
		if ctx == nil {
			ctx = s.Context()
		}
		ctx = withValues{ctx, o.values}
	}
	if o.timeout == 0 {
		return ctx
	}
	if ctx == nil {
		ctx = s.Context()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, tooLate("scope: task", spec))
	t.own = &own{ctx: ctx, cancel: cancel}
	return ctx
}

// Run is for launchers: see [Launched].
func (t *task) Run(refused error) (returned bool) {
	t.Unqueue()
	return t.execute(refused)
}

// execute is the task's whole life on its goroutine; it reports whether the
// function returned, not panicked. Its frame carries the
// task's address, by which a dump finds the goroutine: keep it out of line.
//
//go:noinline
func (t *task) execute(refused error) (returned bool) {
	t.Enter()
	var err error
	defer func() {
		if !returned {
			err = t.scope().caught(t, recover(), debug.Stack())
		}
		t.exit(err)
	}()
	if err = refused; err == nil {
		err = t.body.run(&t.Task)
	}
	returned = true
	return returned
}

// exit ends the task, however it came to its end.
//
// It and what it calls run on what is left of a new goroutine's 2 KB of stack:
// to grow that costs more than all of it. So the rare ways are in exitSlowly.
func (t *task) exit(err error) {
	callbacks := t.body.end(err)
	if err == nil && callbacks == nil {
		t.leave()
		return
	}
	t.exitSlowly(err, callbacks)
}

// exitSlowly is exit where users' code has to be told, which may itself panic
// or call Goexit.
func (t *task) exitSlowly(err error, callbacks func()) {
	defer t.leave()
	s := t.scope()
	defer t.guard(func() {
		if err != nil && !t.keep && !t.dismissed(err) {
			s.fail(t, err)
		}
	}, func(p error) { s.fail(nil, p) })
	if callbacks != nil {
		t.guard(callbacks, func(p error) {
			err, t.keep = p, false // who awaits t has its outcome, and would not hear
		})
	}
}

// guard calls f, and failed if f panics or calls Goexit.
func (t *task) guard(f func(), failed func(error)) {
	returned := false
	defer func() {
		if !returned {
			failed(t.scope().caught(t, recover(), debug.Stack()))
		}
	}()
	f()
	returned = true
}

// leave ends the task for good, and tells the scope that it is no more.
func (t *task) leave() {
	s := t.scope()
	if t.own != nil {
		t.own.release()
	}
	t.body = nil // a context kept for long keeps no closure alive
	if t.Leave() || t.Apart() {
		count := &s.work
		if t.Has(graph.TaskDaemon) {
			count = &s.daemons
		}
		s.countDown(count)
	}
	t.Gone()
}

// dismissed reports whether t is a daemon that was told to end, and did.
func (t *task) dismissed(err error) bool {
	return t.Has(graph.TaskDaemon) && echoes(&t.Task, err)
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
	r := s.rareLocked()
	r.panics = append(r.panics, p)
	s.mu.Unlock()
	s.end(p)
	return p
}
