package proc

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/origin"
	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

// An exchange is one call's way to a worker and back. The caller writes the
// request and reads what the worker answers, on its own goroutine: to have
// another one read, and wake the caller, costs as much as the pipe.
//
//	X1. It is settled once: by its caller, or, when the process has ended and
//	    the caller reads no more, by who buries the worker.
type exchange struct {
	w   *worker
	c   *task.Call
	ctx context.Context // of the caller
	id  uint64

	// Guarded by w.mu.
	wait    *graph.Wait // nil: the caller does not wait to be settled
	settled bool
	err     error
	unread  bool  // the process has ended, and had not read the request
	ended   error // of Call.Ended, once the caller's context has
	burst   error // of who listens to progress

	edge      graph.Wait     // while the caller reads
	from      int64          // how many bytes w.in had taken before the request
	bytes     int64          // how many the request has
	wrote     chan struct{}  // closed when a large request is written; nil for others
	abandoned sync.WaitGroup // of abandon, which runs beside
	grace     *time.Timer    // of abandon's
}

// inlineRequest is the size up to which a request is written by the caller
// itself: it fits into the pipe of a worker that does not read.
const inlineRequest = 32 << 10

// run has w run c. It returns when w has, or is gone. unread says that it was
// gone before it had read the call, for no fault of the caller's.
func (w *worker) run(ctx context.Context, c *task.Call, input []byte) (unread bool, err error) {
	w.lastCall++
	x := &exchange{w: w, c: c, ctx: ctx, id: w.lastCall}
	w.talk.Lock()
	if !w.begin(x) {
		w.talk.Unlock()
		return true, noWorker(c, errGone)
	}
	x.request(input)
	defer x.end(x.heed())
	x.converse()
	return x.outcome()
}

// heed has x abandoned when its caller's context ends. It comes after the
// request: a cancel is for a call that the worker knows.
func (x *exchange) heed() (stop func() bool) {
	if x.ctx.Done() == nil {
		return nil
	}
	x.abandoned.Add(1)
	return context.AfterFunc(x.ctx, x.abandon)
}

// outcome returns what x was settled with.
func (x *exchange) outcome() (unread bool, err error) {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	return x.unread && x.ended == nil, x.err
}

// end sees to it that nothing uses what is the caller's any more: R1.
func (x *exchange) end(stop func() bool) {
	if stop != nil && !stop() {
		x.abandoned.Wait()
		if x.grace != nil {
			x.grace.Stop()
		}
	}
	if x.wrote != nil {
		x.awaitWriter()
	}
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.w.exchange = nil
}

// begin makes x the call of w, unless w is gone, or has said something without
// being asked: then it is not to be trusted with a call.
func (w *worker) begin(x *exchange) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buried {
		return false
	}
	if w.strays() {
		w.breakLocked(errUnasked)
		return false
	}
	w.exchange = x
	return true
}

// converse reads until x is settled. Where somebody listens to progress another
// goroutine does, which he may end: R1 holds all the same, since nothing that is
// the caller's is touched once x is settled.
func (x *exchange) converse() {
	if task.Watched(x.ctx) {
		go x.listen()
		x.awaitSettled()
		return
	}
	x.edge.BeginHeld(x.ctx, x.w)
	x.edge.Publish()
	heard := x.listen()
	x.edge.Withdraw()
	if !heard {
		x.awaitSettled()
	}
}

// listen reads, and reports whether that has settled x. If not, the end of the
// worker will.
func (x *exchange) listen() bool {
	err := error(errListener) // unless read returns
	defer func() {
		x.w.talk.Unlock()
		if err != nil {
			x.w.breaks(err)
		}
	}()
	err = x.read()
	return err == nil
}

var errListener = &violation{"who listens to its progress has panicked", nil}

// read reads frames until one settles x.
func (x *exchange) read() error {
	for {
		f, err := x.w.r.Next()
		if err != nil {
			return err
		}
		if settled, err := x.hear(f); settled || err != nil {
			return err
		}
	}
}

// request sends the request.
func (x *exchange) request(input []byte) {
	at, _ := x.ctx.Deadline()
	trace := task.TraceOf(x.ctx)
	r := frame.Request{
		Task: x.c.Name(), Deadline: at, Watched: task.Watched(x.ctx),
		TraceParent: trace.Parent, TraceState: trace.State,
	}
	if a := origin.Of(x.ctx); a != nil {
		r.Job = a.Encode()
	}
	var room [256]byte
	head := frame.AppendRequest(room[:0], r)
	x.from, x.bytes = x.w.in.taken.Load(), int64(frame.HeaderSize+len(head)+len(input))
	if x.bytes <= inlineRequest {
		x.send(head, input)
		return
	}
	x.wrote = make(chan struct{})
	large := append([]byte(nil), head...)
	go func() {
		defer close(x.wrote)
		x.send(large, input)
	}()
}

// send writes the request. If that fails the process is about to end, mostly,
// and says by itself how; if it does not, it is killed.
func (x *exchange) send(head, input []byte) {
	if err := x.w.write(frame.Call, x.id, head, input); err != nil {
		time.AfterFunc(slowEnd, func() { x.w.kill("it cannot be written to: " + err.Error()) })
	}
}

// awaitSettled waits until x is settled.
func (x *exchange) awaitSettled() {
	wait := new(graph.Wait)
	wait.BeginHeld(x.ctx, x.w)
	x.w.mu.Lock()
	if x.settled {
		x.w.mu.Unlock()
		wait.Abandon()
		return
	}
	x.wait = wait
	wait.Publish()
	x.w.mu.Unlock()
	_ = wait.Park() // nothing else ends it
}

// settle ends x with err. It reports whether x had not been settled before.
func (x *exchange) settle(err error) bool {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	if x.settled {
		return false
	}
	x.settled, x.err = true, err
	if x.wait != nil && x.wait.Claim() {
		x.wait.Wake()
	}
	return true
}

// abandon tells the worker that the caller's context has ended. What comes of
// that the caller will read: R3. What does not end within the grace is killed.
func (x *exchange) abandon() {
	defer x.abandoned.Done()
	w, grace := x.w, x.w.house.Grace
	ended := x.c.Ended(x.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if x.settled {
		return
	}
	x.ended = ended
	go x.tellEnded(fault.Encode(ended))
	x.grace = time.AfterFunc(grace, func() {
		if !x.over() {
			w.kill(fmt.Sprintf("it went on for the grace of %v after its context had ended", grace))
		}
	})
}

// tellEnded sends the cancel. Where the request is still being written the pipe
// is full, and it waits for as long as that does: for the worker to read on, or
// to be killed.
func (x *exchange) tellEnded(cancel []byte) {
	if x.wrote != nil {
		<-x.wrote
	}
	_ = x.w.write(frame.Cancel, x.id, nil, cancel) // or the process has ended
}

func (x *exchange) over() bool {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	return x.settled
}

// awaitWriter waits until the caller's input is no longer read. A worker that
// has answered has read all of it, so there is nothing to wait for, unless it
// breaks the protocol.
func (x *exchange) awaitWriter() {
	timer := time.AfterFunc(slowEnd, func() { x.w.kill("it answered before it had read the call") })
	defer timer.Stop()
	<-x.wrote
}

// hear deals with one frame, and reports whether x is settled.
func (x *exchange) hear(f frame.Frame) (settled bool, err error) {
	switch {
	case f.Kind == frame.Hello:
		return false, &violation{"it sent a hello, and was welcomed before", nil}
	case f.Kind < frame.Progress:
		return false, &violation{"it sent a " + f.Kind.String() + ", which is for the host to send", nil}
	case f.Call != x.id:
		return false, &violation{fmt.Sprintf("it answered call %d instead of call %d", f.Call, x.id), nil}
	}
	switch f.Kind {
	case frame.Progress:
		done, total, note, err := frame.ParseProgress(f.Body)
		if err != nil {
			return false, &violation{"its progress cannot be read", err}
		}
		return false, x.report(task.Progress{Done: done, Total: total, Note: note})
	case frame.Failure:
		err := fault.Decode(f.Body)
		if err == nil || !json.Valid(f.Body) {
			return false, &violation{"it sent a failure that is none", err}
		}
		return x.settle(err), nil
	}
	limit := x.w.house.MaxPayload
	if len(f.Body) <= limit {
		return x.settle(x.c.SetOutput(f.Body)), nil
	}
	x.settle(task.Oversized(x.c.Name(), len(f.Body), limit, true))
	return true, &violation{"it sent an output that is over the limit", nil}
}

// report tells the caller's listener. If that panics, or ends the goroutine, the
// call is not heard to its end, so the worker is of no more use.
func (x *exchange) report(p task.Progress) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		burst := &fault.Panic{Value: recover(), Task: x.c.Name(), Stack: string(debug.Stack())}
		burst.Goexit = burst.Value == nil
		err = errListener
		x.w.mu.Lock()
		x.burst = burst
		x.w.mu.Unlock()
	}()
	task.Report(x.ctx, p)
	returned = true
	return nil
}

// died settles x after the end of the process, which has left unread so many
// bytes of what it was sent, -1 if that is not known. It reports whether the
// caller will hear of that, and not have another worker's answer.
func (x *exchange) died(e *ExitError, unread int64) bool {
	taken := x.w.in.taken.Load()
	f := &fault.Error{Op: "proc: run", Task: x.c.Name(), Kind: fault.Lost, Err: e, Hint: e.hint()}
	f.Started = unread < 0 || taken-unread >= x.from+x.bytes
	x.w.mu.Lock()
	ended, burst := x.ended, x.burst
	x.unread = !f.Started
	x.w.mu.Unlock()
	switch {
	case burst != nil:
		f.Kind, f.Hint, f.Err = fault.Panicked, "", burst
	case ended != nil:
		f.Kind = fault.KindOf(ended)
		f.Err = fmt.Errorf("%w: %w", context.Cause(x.ctx), e)
	case e.Reason == reasonClosed:
		f.Kind = fault.Cancelled
	}
	return x.settle(f) && (f.Started || ended != nil)
}
