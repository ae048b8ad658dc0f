package scope

import (
	"context"
	"errors"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

var errFinished = errors.New("the scope is finished")

// Do runs f on the calling goroutine as a task of the scope, and returns its
// error. It adopts goroutines that somebody else started: a handler of
// net/http, a callback of a driver. f's context has the values and the
// cancellation of ctx, and ends with the scope as well.
//
// The error is the caller's: it does not fail the scope. On a finished scope f
// is not called and the error is of kind [fault.Invalid]. A panic of f goes on
// in the caller.
//
// Options are those of a task. Do panics if ctx or f is nil.
//
//go:noinline
func (s *Scope) Do(ctx context.Context, f func(context.Context) error, opts ...Option) error {
	if ctx == nil || f == nil {
		panic("scope: Do with a nil context or function")
	}
	site := graph.CallerPC()
	outer := graph.Current(ctx)
	var o Option
	if len(opts) > 0 {
		if o = merge(opts, true); o.via != nil {
			panic("scope: Do runs on the calling goroutine, and cannot be given Via")
		}
	}
	count, until := s.enter(false)
	if count == nil {
		return &fault.Error{Op: "scope: do", Task: s.group.Name(), Kind: fault.Invalid, Err: errFinished,
			Hint: "call Do while the scope's body or one of its tasks runs"}
	}
	t := task{}
	defer t.Gone()
	defer s.countDown(count)
	if until == nil {
		until = s.Context()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(until, func() { cancel(context.Cause(until)) })()

	spec := graph.Spec{Name: o.name, Fn: graph.FuncPC(f), Site: site}
	if count == &s.daemons {
		spec.State = graph.TaskDaemon
	}
	if len(opts) > 0 {
		if ctx = s.configureTask(&t, ctx, o, spec); t.own != nil {
			defer t.own.release()
		}
	}
	s.group.Add(&t.Task, ctx, spec)
	if t.own != nil {
		s.watchTask(&t)
	}
	if outer != nil {
		defer outer.StandBy(&t.Task)()
	}
	return t.adopt(f)
}

// adopt runs f as the task on the calling goroutine. Like execute, its frame
// carries the task's address.
//
//go:noinline
func (t *task) adopt(f func(context.Context) error) error {
	t.Enter()
	defer t.Leave()
	return f(&t.Task)
}
