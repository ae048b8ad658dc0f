package pool

import (
	"context"
	"errors"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

var _ task.Runner = (*Pool)(nil)

var errNil = errors.New("the pool is nil")

// Run makes the pool a [task.Runner]: c's function runs as a task with c's name
// and one of the pool's slots, and the caller waits for it. A caller that holds
// a slot of the pool lends it meanwhile, so tasks may run tasks at any depth.
//
// Unlike [Pool.Do], Run contains panics and [runtime.Goexit], which takes a
// goroutine besides the caller's: with a slot free it costs about what
// [task.Here] does.
//
// # Errors
//
// The function's own, as of task.Here. Of the pool, none of them started: those
// of Do, and [fault.Invalid] if the pool is nil.
//
// # Panics
//
// Run panics if ctx or c is nil.
//
//go:noinline
func (p *Pool) Run(ctx context.Context, c *task.Call) error {
	if ctx == nil || c == nil {
		panic("pool: Run with a nil context or call")
	}
	if p == nil {
		return &fault.Error{Op: "pool: run", Task: c.Name(), Kind: fault.Invalid, Err: errNil,
			Hint: "look at the error of pool.New"}
	}
	if err := c.Ended(ctx); err != nil {
		return err
	}
	r := &running{p: p, c: c, site: graph.CallerPC()}
	err := scope.Run(ctx, r.start, scope.Contain(), scope.Name(c.Name()))
	switch {
	case !r.begun && ctx.Err() != nil:
		return c.Ended(ctx)
	case err != nil && !errors.Is(r.err, err):
		return err // a verdict on the join
	}
	return r.err
}

// running is one call on its way.
type running struct {
	p     *Pool
	c     *task.Call
	site  uintptr
	begun bool
	err   error // these two are written by the task before the scope is joined
}

// start takes the outcome from a future, because to the scope an error that Is
// its context's is only an echo, and here it is the function's or the pool's.
func (r *running) start(_ context.Context, s *scope.Scope) error {
	scope.Try(s, r.invoke, scope.Name(r.c.Name()), scope.Via((*launcher)(r.p), r.site)).OnDone(r.end)
	return nil
}

func (r *running) invoke(ctx context.Context) (task.Void, error) {
	r.begun = true
	return task.Void{}, r.c.Invoke(ctx)
}

func (r *running) end(_ task.Void, err error) { r.err = err }
