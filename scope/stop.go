package scope

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// hook is one function given to OnStop, and where.
type hook struct {
	f    func(context.Context) error
	site uintptr
}

// OnStop has f run when the scope is asked to stop, before its context ends:
// it drains, such as http.Server.Shutdown. f runs as a task of the scope,
// beside other hooks, with a context that lasts for [Grace]; its failure is the
// scope's. When the scope's context ends for any other reason while tasks still
// run, f runs beside them. On a scope that is already stopping f runs at once.
//
// What must be cleaned up in any case belongs to [Scope.Defer].
//
//go:noinline
func (s *Scope) OnStop(f func(context.Context) error) {
	if f == nil {
		panic("scope: OnStop with a nil function")
	}
	h := hook{f, graph.CallerPC()}
	s.mu.Lock()
	r := s.rareLocked()
	late := r.draining
	if !late {
		if r.hooks == nil {
			r.undo = append(r.undo, context.AfterFunc(s.Context(), func() { s.drain(nil) }))
		}
		r.hooks = append(r.hooks, h)
	}
	s.mu.Unlock()
	switch {
	case late:
		s.startHook(h, nil)
	case s.told():
		s.drain(nil)
	}
}

// told reports whether the scope, or one it stands in, has been asked to stop.
// Stop sets its mark before it looks for hooks, and OnStop looks for the mark
// after it has left its hook: one of them sees the other.
func (s *Scope) told() bool {
	for g := &s.group; g != nil; g = around(g) {
		if s, ok := g.Data.(*Scope); ok && s.stopping.Load() {
			return true
		}
	}
	return false
}

// around returns the group in which g was opened: by the same body, or else
// that of the task which opened it. It is nil for the roots.
func around(g *graph.Group) *graph.Group {
	if outer := g.Outer(); outer != nil {
		return outer
	}
	if owner := g.Owner(); owner != nil {
		return owner.Group()
	}
	return nil
}

// Stop asks the scope to end in two phases. First the OnStop hooks of the scope
// and of every scope inside it run, for [Grace] at most; when they have
// returned, the context ends with cause, nil standing for [context.Canceled].
// Without hooks it ends at once. Stop does not wait; a second call does nothing.
func (s *Scope) Stop(cause error) {
	if !s.stopping.CompareAndSwap(false, true) {
		return
	}
	st := &stop{s: s, cause: cause}
	st.pending.Store(1)
	st.timer.Store(time.AfterFunc(s.grace, st.expire))
	s.eachInside(func(inner *Scope) { inner.drain(st) })
	st.done()
}

// stop is one Stop under way.
type stop struct {
	s       *Scope
	cause   error
	pending atomic.Int64 // hooks, and the Stop that starts them
	timer   atomic.Pointer[time.Timer]
}

// done counts one hook off; the last one lets the second phase begin.
func (st *stop) done() {
	if st.pending.Add(-1) == 0 && st.timer.Load().Stop() {
		st.s.end(st.cause)
	}
}

// expire begins the second phase over the heads of hooks that still run.
func (st *stop) expire() {
	if st.s.grace > 0 {
		detail := "hooks of scope " + st.s.String() + " still drain after " + st.s.grace.String()
		graph.Report(graph.Finding{Code: "scope.overlong-grace", Task: st.s.group.Owner(), Detail: detail})
		slog.Warn("scope: " + detail)
	}
	st.s.end(st.cause)
}

// eachInside calls f for s and for every scope open inside it.
func (s *Scope) eachInside(f func(*Scope)) {
	// Those that its body has opened stand before s on the owner.
	var open []*graph.Group
	for g := s.group.Owner().Inner(); g != nil; g = g.Outer() {
		open = append(open, g)
		if g == &s.group {
			visit(open, f)
			return
		}
	}
}

func visit(groups []*graph.Group, f func(*Scope)) {
	for _, g := range groups {
		if s, ok := g.Data.(*Scope); ok {
			f(s)
		}
		g.Tasks(func(t *graph.Task) bool {
			for g := t.Inner(); g != nil; g = g.Outer() {
				visit([]*graph.Group{g}, f)
			}
			return true
		})
	}
}

// drain starts the hooks that have not been started. st may be nil.
func (s *Scope) drain(st *stop) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	r := s.rareLocked()
	hooks := r.hooks
	r.hooks, r.draining = nil, true
	s.mu.Unlock()
	for _, h := range hooks {
		s.startHook(h, st)
	}
}

// startHook runs h as a task with Grace to live. On a finished scope there is
// nothing left to drain.
func (s *Scope) startHook(h hook, st *stop) {
	if st != nil {
		st.pending.Add(1)
	}
	t := &task{body: drainer{h.f, st}}
	spec := graph.Spec{Fn: graph.FuncPC(h.f), Site: h.site}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(s.Context()), s.grace, tooLate("scope: drain", spec))
	t.own = &own{ctx: ctx, cancel: cancel}
	if s.tryStart(t, spec, nil) {
		return
	}
	t.own.release()
	if st != nil {
		st.done()
	}
}

// drainer is the work of one hook.
type drainer struct {
	f  func(context.Context) error
	st *stop // nil if nobody asked the scope to stop
}

func (d drainer) run(ctx context.Context) error { return d.f(ctx) }

func (d drainer) end(error) func() {
	if d.st != nil {
		d.st.done()
	}
	return nil
}

// Defer has f run when all tasks have ended, however they did; later ones run
// first. It is where what tasks use is closed: `defer` in the body runs while
// they still use it. If there is no other failure, f's error is [Run]'s.
//
// Defer panics if f is nil and if the scope is finished: nobody would run f.
func (s *Scope) Defer(f func() error) {
	if f == nil {
		panic("scope: Defer with a nil function")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		panic("scope: Defer on the finished scope " + s.String())
	}
	r := s.rareLocked()
	r.defers = append(r.defers, f)
}

// runDefers runs the deferred functions, all of them even if some panic.
func (s *Scope) runDefers() {
	for {
		f := s.popDefer()
		if f == nil {
			return
		}
		s.runDefer(f)
	}
}

// popDefer takes the last deferred function, nil if there is none.
func (s *Scope) popDefer() func() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rare == nil || len(s.rare.defers) == 0 {
		s.closed = true
		return nil
	}
	n := len(s.rare.defers) - 1
	f := s.rare.defers[n]
	s.rare.defers = s.rare.defers[:n]
	return f
}

func (s *Scope) runDefer(f func() error) {
	returned := false
	defer func() {
		if !returned {
			s.runDefers() // the others; then the panic goes on
		}
	}()
	err := f()
	returned = true
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.first == nil && !s.echoed.Load() {
			s.first = err
		}
	}
}
