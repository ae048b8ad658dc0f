package proc

import (
	"context"
	"runtime/debug"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

// An errand is one call in a worker.
type errand struct {
	servant *servant
	id      uint64
	name    string
	body    []byte
	input   []byte   // in body
	reports *reports // nil: nobody listens

	out []byte
	err error
}

// run runs the call, and answers. It reports whether the goroutine still leads;
// if the function ends the goroutine, another one leads in its place.
func (e *errand) run(ctx context.Context) (leads bool) {
	returned := false
	defer func() {
		leads = e.answer()
		if leads && !returned {
			go e.servant.lead()
		}
	}()
	e.serve(ctx)
	returned = true
	return
}

func (e *errand) serve(ctx context.Context) {
	t, ok := e.servant.known[e.name]
	if !ok {
		e.err = &fault.Error{Op: "proc: serve", Task: e.name, Kind: fault.Invalid, Err: errUnknown}
		return
	}
	e.out, e.err = t.Serve(ctx, e, e.input)
}

// answer sends the outcome, and gives up what the call had.
func (e *errand) answer() (leads bool) {
	if e.reports != nil {
		e.reports.flush()
	}
	s := e.servant
	if e.err == nil && len(e.out) > s.limit {
		e.err = task.Oversized(e.name, len(e.out), s.limit, true)
	}
	if leads = s.release(); leads {
		s.r.Recycle(e.body)
	}
	var err error
	if e.err != nil {
		err = s.write(frame.Failure, e.id, fault.Encode(e.err))
	} else {
		err = s.write(frame.Result, e.id, e.out)
	}
	if err != nil {
		endTree() // nobody hears
	}
	return leads
}

// Run makes an errand a [task.Runner]: [task.Here] on the calling goroutine, for
// which nobody waits here.
func (e *errand) Run(ctx context.Context, c *task.Call) (err error) {
	if err := c.Ended(ctx); err != nil {
		return err
	}
	t := new(graph.Task)
	graph.Adopt(t, ctx, graph.Spec{Name: c.Name()})
	returned := false
	defer func() {
		if !returned {
			value := recover()
			err = &fault.Panic{
				Value: value, Goexit: value == nil,
				Stack: string(debug.Stack()), Task: t.String(), Path: t.Path(),
			}
			e.err = err // if the goroutine is ending, it is not returned
		}
		t.Leave()
		t.Gone()
	}()
	err = c.Invoke(t)
	returned = true
	return err
}
