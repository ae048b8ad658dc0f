package proc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/task"
)

// Run makes the pool a [task.Runner]: c's function runs in a worker process, and
// the caller waits for it.
//
// # Cancellation
//
// If ctx ends before a worker has the call, it does not begin. Afterwards the
// function's context ends with a cause that Is ctx's, and Run waits for the
// function: who finishes is not told otherwise. After Config.Grace the process
// is killed, with all that it has started; the error is then of ctx's kind and
// cause, and has the [ExitError].
//
// # Errors
//
// The function's own, as [fault.Decode] gives it. Of the pool:
//
//	fault.Lost        the worker has ended, or broke the protocol: an [ExitError].
//	                  Where it had not read the call another worker was given
//	                  it; not started if three have ended so. Or there is no
//	                  worker, and none can be started: not started.
//	fault.Overloaded  refused or shed: see Config.Overflow. Not started.
//	fault.Invalid     the worker does not know the task, the input cannot be
//	                  encoded or is over Config.MaxPayload, the pool is closed or
//	                  nil: not started. The output is over the limit: started.
//	fault.Cancelled   and Deadline: ctx has ended, Limits.Wall was reached, or
//	                  the pool was closed before the call had ended.
//
// # Panics
//
// Run panics if ctx or c is nil.
//
// # Cost
//
// Two messages through pipes and five allocations, beside what encoding costs
// on both sides; see the package. The clock is read twice.
//
//go:noinline
func (p *Pool) Run(ctx context.Context, c *task.Call) error {
	if ctx == nil || c == nil {
		panic("proc: Run with a nil context or call")
	}
	if p == nil {
		return &fault.Error{Op: opRun, Task: c.Name(), Kind: fault.Invalid, Err: errNil, Hint: hintLookAtNew}
	}
	if err := c.Ended(ctx); err != nil {
		return err
	}
	input, err := c.Input()
	if err != nil {
		return err
	}
	if limit := p.house.MaxPayload; len(input) > limit {
		return task.Oversized(c.Name(), len(input), limit, false)
	}
	v := visit{house: p.house, call: c, input: input}
	if err = p.slots.Do(ctx, v.run); v.begun {
		return err
	}
	return refused(ctx, c, err)
}

const opRun = "proc: run"

// refused is the error of a call for which the queue had no slot.
func refused(ctx context.Context, c *task.Call, err error) error {
	if err := c.Ended(ctx); err != nil {
		return err
	}
	e := &fault.Error{Op: opRun, Task: c.Name(), Kind: fault.KindOf(err), Started: fault.Started(err), Err: err}
	if inner := (*fault.Error)(nil); errors.As(err, &inner) && inner.Err != nil {
		e.Err, e.Hint = inner.Err, inner.Hint
	}
	return e
}

// A visit is one call that has, or waits for, one of the pool's slots.
type visit struct {
	house *house
	call  *task.Call
	input []byte
	begun bool
}

// run takes a worker and has it run the call. The slot stays taken meanwhile,
// though the task that holds it waits: its place to run is the worker.
func (v *visit) run(ctx context.Context) error {
	v.begun = true
	if t := graph.Current(ctx); t != nil {
		slot := t.SetSlot(nil)
		defer t.SetSlot(slot)
	}
	if wall := v.house.Limits.Wall; wall > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, wall, wallReached(wall))
		defer cancel()
	}
	for try := 1; ; try++ {
		unread, err := v.on(ctx)
		if !unread || try == tries {
			return err
		}
	}
}

// tries is to how many workers a call is given that end before they have read
// it: one that was killed while it was idle should be nobody's loss.
const tries = 3

// on takes a worker, has it run the call, and gives it back.
func (v *visit) on(ctx context.Context) (unread bool, err error) {
	w, err := v.house.take(ctx, v.call)
	if err != nil {
		return false, err
	}
	defer v.house.giveBack(w)
	if _, known := w.tasks[v.call.Name()]; !known {
		return false, w.unknown(v.call)
	}
	return w.run(ctx, v.call, v.input)
}

func wallReached(wall time.Duration) error {
	return &fault.Error{Op: opRun, Kind: fault.Deadline, Started: true,
		Err: fmt.Errorf("the call has run for Config.Limits.Wall, which is %v", wall)}
}

// unknown is the error of a call whose task w does not know.
func (w *worker) unknown(c *task.Call) error {
	known := make([]string, 0, len(w.tasks))
	for name := range w.tasks {
		known = append(known, name)
	}
	slices.Sort(known)
	const shown = 8
	if n := len(known); n > shown {
		known = append(known[:shown], fmt.Sprintf("and %d more", n-shown))
	}
	return &fault.Error{Op: opRun, Task: c.Name(), Kind: fault.Invalid,
		Err:  fmt.Errorf("workers of pool %q (%s) do not know the task; they know %q", w.house.Name, w.house.Command[0], known),
		Hint: "give it to proc.Serve in the main of the workers' program"}
}

// take returns a worker for a call, whose it is until giveBack.
func (h *house) take(ctx context.Context, c *task.Call) (*worker, error) {
	now := time.Now()
	h.mu.Lock()
	w, err := h.tryTakeLocked(c, now)
	h.mu.Unlock()
	if w != nil || err != nil {
		return w, err
	}
	k := new(taker)
	k.wait.Begin(ctx, h)
	h.mu.Lock()
	if w, err := h.tryTakeLocked(c, now); w != nil || err != nil {
		h.mu.Unlock()
		k.wait.Abandon()
		return w, err
	}
	h.waiting = append(h.waiting, k)
	k.wait.Publish()
	h.nudge()
	h.mu.Unlock()
	if err := k.wait.Park(); err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.waiting = slices.DeleteFunc(h.waiting, func(o *taker) bool { return o == k })
		if err := c.Ended(ctx); err != nil {
			return nil, err
		}
		return nil, &fault.Error{Op: opRun, Task: c.Name(), Kind: fault.KindOf(err), Err: err}
	}
	if k.err != nil {
		return nil, noWorker(c, k.err)
	}
	return k.got, nil
}

// tryTakeLocked returns a worker that is idle, or why none will be.
func (h *house) tryTakeLocked(c *task.Call, now time.Time) (*worker, error) {
	switch {
	case h.closing:
		return nil, noWorker(c, errClosing)
	case h.hopelessLocked():
		return nil, noWorker(c, h.lastErr)
	}
	w := h.freeLocked()
	if w != nil {
		h.busyLocked(w, now)
	}
	return w, nil
}

// noWorker is the error of a call that no worker has seen.
func noWorker(c *task.Call, why error) error {
	e := &fault.Error{Op: opRun, Task: c.Name(), Kind: fault.Lost, Err: why}
	if errors.Is(why, errClosing) {
		e.Kind = fault.Cancelled
	}
	return e
}
