package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
)

// Close takes no more requests, answers those that are in the log, and refuses
// the others with [fault.Cancelled], not started: nothing of them happens. It
// returns when nothing of the owner runs any more. The log stays open: it belongs
// to whoever opened it. Closing again waits likewise.
//
// # Cancellation
//
// When ctx ends, an append that is under way is given up: who waits for it gets
// [fault.Lost], started. Close then gives the log up to 100 ms to return, and
// fails with an error of kind Cancelled or Deadline that Is ctx's cause. A log
// that heeds its context leaves nothing behind.
//
// # Panics
//
// Close panics if the owner or ctx is nil.
func (o *Owner) Close(ctx context.Context) error {
	if o == nil || ctx == nil {
		panic("job: Close of a nil Owner or with a nil context")
	}
	o.closing.Store(true)
	o.inbox.wake()
	err := o.awaitEnd(ctx)
	if err == nil {
		return nil
	}
	g := goneBy(ctx, err)
	o.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	e := &fault.Error{Op: opClose, Task: o.config.Name, Kind: g.kind, Started: true, Err: err}
	if o.awaitEnd(ctx) != nil {
		e.Hint = "the log has not yet returned from a call whose context has ended"
	}
	return e
}

// awaitEnd waits until the loop has ended.
func (o *Owner) awaitEnd(ctx context.Context) error {
	w := new(graph.Wait)
	w.Begin(ctx, (*ending)(o))
	o.mu.Lock()
	if o.ended {
		o.mu.Unlock()
		w.Abandon()
		return nil
	}
	o.closers = append(o.closers, w)
	w.Publish()
	o.mu.Unlock()
	err := w.Park()
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.closers = slices.DeleteFunc(o.closers, func(c *graph.Wait) bool { return c == w })
	}
	return err
}

// An ending is an owner that is being closed, seen by the wait graph.
type ending Owner

// Blocked is false: the loop is nobody's task.
func (e *ending) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the owner.
func (e *ending) Label() graph.Label { return graph.Label{Kind: "end of jobs", Name: e.config.Name} }

// crash is why the loop has ended by a panic, or by the end of its goroutine.
func (o *Owner) crash(value any) error {
	return &fault.Panic{Value: value, Goexit: value == nil, Stack: string(debug.Stack()), Task: o.config.Name}
}

// end ends the loop, for why: nil if the owner is closed. Nobody is left waiting,
// whatever state the core is in.
func (o *Owner) end(why error) {
	told := why
	if why == nil {
		told = errClosing
	} else {
		why = o.report(why)
		if fault.KindOf(why) == fault.Panicked {
			told = errPanicked
		}
	}
	o.mu.Lock()
	o.err, o.told = why, told
	o.mu.Unlock()
	o.ends = true
	o.stop() // a trim that is under way
	for l := o.inbox.close(); l != nil; {
		next := l.next
		o.refuse(l, told)
		l = next
	}
	o.endCore(told)
	for o.held.head != nil {
		o.held.head.Err = &owner.LostError{MayHaveHappened: true, Err: told}
		o.answer(o.held.head)
	}
	o.trims.wait()
	o.unplace()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	close(o.done)
	for _, w := range o.closers {
		w.Grant()
	}
}

// report says why the owner has ended by itself, to the log and to Err.
func (o *Owner) report(why error) error {
	e := &fault.Error{Op: opOwn, Task: o.config.Name, Kind: fault.Lost, Started: true, Err: why}
	var damage *owner.DamageError
	var panicked *fault.Panic
	switch {
	case errors.As(why, &damage):
		damaged(e, damage)
	case errors.As(why, &panicked):
		e.Kind = fault.Panicked
	case errors.Is(why, owner.ErrDeposed):
		e.Err = errDeposed
	}
	o.config.Log.Error("job: the owner has ended", "name", o.config.Name, "err", e)
	return e
}

var (
	errDeposed  = fmt.Errorf("another owner has taken over: %w", ErrConflict)
	errPanicked = errors.New("the owner has panicked")
)

// refuse answers what has arrived too late.
func (o *Owner) refuse(l *letter, why error) {
	switch r := l.about; {
	case l.gone:
	case l.again != nil && r.answered:
		o.hand(r, &l.again.wait)
	case l.again != nil:
		r.again = l.again
	case r.stage.CompareAndSwap(posted, o.round.Load()):
		o.held.insert(r)
		r.Err = &owner.LostError{Err: why}
		o.answer(r)
	}
}

// endCore ends the core, and answers those who have an answer. A core that has
// panicked may do so again.
func (o *Owner) endCore(why error) {
	defer func() {
		if v := recover(); v != nil {
			o.config.Log.Error("job: the owner panicked while it ended", "name", o.config.Name, "panic", v)
		}
	}()
	o.core.End(why)
	o.release()
}

// over is why a request comes too late.
func (o *Owner) over() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return &fault.Error{Kind: fault.Invalid, Err: errClosed, Hint: "ask the Client of one that is open"}
	}
	return &owner.LostError{Err: o.told}
}
