package scope_test

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"
)

// The sequential model of what scopes do: one event after the other, no
// goroutine. simulation_test.go lets it and the real thing run the same plans.

// planned is one scope: what its body does, after it has started its tasks.
type planned struct {
	name     string
	timeout  time.Duration // 0: none
	cancelAt time.Duration // 0: never; by s.Cancel, with cancelBy
	cancelBy error
	body     act
	tasks    []plannedTask
}

type plannedTask struct {
	name    string
	how     string // go, future, try, daemon
	timeout time.Duration
	inner   *planned // instead of act
	act     act
}

// act is work: it takes its time and ends as planned. If it obeys and its
// context ends before, it cleans up and ends as planned for that case.
type act struct {
	takes   time.Duration
	ends    ending
	obeys   bool
	cleanup time.Duration
	late    ending
}

// ending is how work ends: by nothing, an error, a panic, or what its context
// says.
type ending struct {
	how string // nil, error, panic, err, cause, wrap
	err error
}

// What the model has in place of errors that the real thing makes.
type (
	timeUp  struct{ name string } // the cause of a timeout
	panicOf struct{ err error }
	wrapOf  struct{ err error }
)

func (e timeUp) Error() string      { return "time of " + e.name }
func (timeUp) Is(target error) bool { return target == context.DeadlineExceeded }
func (e panicOf) Error() string     { return "panic of " + e.err.Error() }
func (e wrapOf) Error() string      { return "wrapped " + e.err.Error() }
func (e wrapOf) Unwrap() error      { return e.err }

var errDismissed = errors.New("dismissed")

// mctx is the model's context.
type mctx struct {
	err, errCause error
	under         []*mctx
	hear          []func()
}

func (c *mctx) child() *mctx {
	k := &mctx{err: c.err, errCause: c.errCause}
	c.under = append(c.under, k)
	return k
}

func (c *mctx) end(err, errCause error) {
	if c.err != nil {
		return
	}
	c.err, c.errCause = err, errCause
	for _, f := range c.hear {
		f()
	}
	for _, k := range c.under {
		k.end(err, errCause)
	}
}

// event and events are the model's clock.
type event struct {
	at time.Duration
	do func()
}
type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

type model struct {
	now  time.Duration
	todo events
}

func (m *model) after(d time.Duration, do func()) { heap.Push(&m.todo, event{m.now + d, do}) }

// predict returns when Run of p returns, and what.
func predict(p *planned) (at time.Duration, result error) {
	m := &model{}
	m.scope(p, &mctx{}, func(err error) { result, at = err, m.now })
	for m.todo.Len() > 0 {
		e := heap.Pop(&m.todo).(event)
		m.now = e.at
		e.do()
	}
	return at, result
}

// work plays a under ctx and calls done with its outcome.
func (m *model) work(a act, ctx *mctx, done func(error)) {
	over := false
	finish := func(e ending) {
		switch e.how {
		case "nil":
			done(nil)
		case "error":
			done(e.err)
		case "panic":
			done(panicOf{e.err})
		case "err":
			done(ctx.err)
		case "cause":
			done(ctx.errCause)
		case "wrap":
			done(wrapOf{ctx.errCause})
		default:
			panic(fmt.Sprint("unknown ending ", e))
		}
	}
	told := func() {
		if !over {
			over = true
			m.after(a.cleanup, func() { finish(a.late) })
		}
	}
	if a.obeys {
		if ctx.err != nil {
			told()
			return
		}
		ctx.hear = append(ctx.hear, told)
	}
	m.after(a.takes, func() {
		if !over {
			over = true
			finish(a.ends)
		}
	})
}

// mscope is a scope of the model.
type mscope struct {
	m         *model
	ctx       *mctx
	daemonCtx *mctx
	work      int // the body and the tasks
	daemons   int // the join and the daemons
	first     error
	echoed    bool
	body      error
	done      func(error)
}

func (m *model) scope(p *planned, under *mctx, done func(error)) {
	s := &mscope{m: m, ctx: under.child(), work: 1, daemons: 1, done: done}
	s.daemonCtx = s.ctx.child()
	if p.timeout > 0 {
		m.after(p.timeout, func() { s.ctx.end(context.DeadlineExceeded, timeUp{p.name}) })
	}
	if p.cancelAt > 0 {
		m.after(p.cancelAt, func() { s.ctx.end(context.Canceled, p.cancelBy) })
	}
	for _, t := range p.tasks {
		s.start(t)
	}
	m.work(p.body, s.ctx, func(err error) {
		if s.body = err; err != nil {
			s.fail(err)
		}
		s.countDown(&s.work)
	})
}

func (s *mscope) start(t plannedTask) {
	count, ctx := &s.work, s.ctx
	if t.how == "daemon" {
		count, ctx = &s.daemons, s.daemonCtx
	}
	*count++
	if t.timeout > 0 {
		ctx = ctx.child()
		s.m.after(t.timeout, func() { ctx.end(context.DeadlineExceeded, timeUp{t.name}) })
	}
	done := func(err error) {
		dismissed := t.how == "daemon" && mechoes(ctx, err)
		if err != nil && t.how != "try" && !dismissed {
			s.fail(err)
		}
		s.countDown(count)
	}
	if t.inner != nil {
		s.m.scope(t.inner, ctx, done)
	} else {
		s.m.work(t.act, ctx, done)
	}
}

// mechoes says that err only repeats that ctx has ended.
func mechoes(ctx *mctx, err error) bool {
	if p := (panicOf{}); errors.As(err, &p) {
		return errors.Is(err, ctx.errCause)
	}
	return ctx.err != nil && (errors.Is(err, context.Canceled) || errors.Is(err, ctx.err) || errors.Is(err, ctx.errCause))
}

func (s *mscope) fail(err error) {
	if mechoes(s.ctx, err) {
		s.echoed = true
		return
	}
	if s.first == nil {
		s.first = err
	}
	s.ctx.end(context.Canceled, err)
}

func (s *mscope) countDown(count *int) {
	if *count--; *count > 0 {
		return
	}
	if count == &s.work {
		s.daemonCtx.end(context.Canceled, errDismissed)
		s.countDown(&s.daemons)
		return
	}
	switch {
	case s.first == nil && !s.echoed:
		s.done(s.body)
	case s.first == nil:
		s.done(s.ctx.errCause)
	case s.body != nil && errors.Is(s.body, s.first):
		s.done(s.body)
	default:
		s.done(s.first)
	}
}
