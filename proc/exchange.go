package proc

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

// An exchange is one call's way to a worker and back. The caller writes the
// request and waits; the worker's reader settles it.
type exchange struct {
	w   *worker
	c   *task.Call
	ctx context.Context // of the caller
	id  uint64

	// Guarded by w.mu.
	wait    *graph.Wait // nil: the caller does not wait
	settled bool
	err     error
	unread  bool // the process has ended, and had not read the request

	first graph.Wait
	from  int64         // how many bytes w.in had taken before the request
	bytes int64         // how many the request has
	wrote chan struct{} // closed when a large request is written; nil for others
	ended error         // of Call.Ended, once the caller's context has; guarded by w.mu
	burst error         // of who listens to progress; the reader's own
}

// inlineRequest is the size up to which a request is written by the caller
// itself: it fits into the pipe of a worker that does not read.
const inlineRequest = 32 << 10

// run has w run c. It returns when w has, or is gone. unread says that it was
// gone before it had read the call, for no fault of the caller's.
func (w *worker) run(ctx context.Context, c *task.Call, input []byte) (unread bool, err error) {
	w.lastCall++
	x := &exchange{w: w, c: c, ctx: ctx, id: w.lastCall}
	if !w.begin(x) {
		return true, noWorker(c, errGone)
	}
	x.request(input)
	if err := x.await(&x.first, ctx); err != nil {
		x.abandon()
	}
	if x.wrote != nil {
		x.awaitWriter()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchange = nil
	return x.unread && x.ended == nil, x.err
}

// begin makes x the call of w, unless w is gone. W2.
func (w *worker) begin(x *exchange) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buried {
		return false
	}
	w.exchange = x
	return true
}

// request sends the request.
func (x *exchange) request(input []byte) {
	at, _ := x.ctx.Deadline()
	trace := task.TraceOf(x.ctx)
	var room [256]byte
	head := frame.AppendRequest(room[:0], frame.Request{
		Task: x.c.Name(), Deadline: at, Watched: task.Watched(x.ctx),
		TraceParent: trace.Parent, TraceState: trace.State,
	})
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

// await waits until x is settled, or ctx ends.
func (x *exchange) await(wait *graph.Wait, ctx context.Context) error {
	if ctx == nil {
		wait.BeginHeld(x.ctx, x.w)
	} else {
		wait.Begin(ctx, x.w)
	}
	x.w.mu.Lock()
	if x.settled {
		x.w.mu.Unlock()
		wait.Abandon()
		return nil
	}
	x.wait = wait
	wait.Publish()
	x.w.mu.Unlock()
	return wait.Park()
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

// abandon tells the worker that the caller's context has ended, and waits for
// what comes of that: R3. What does not end within the grace is killed.
func (x *exchange) abandon() {
	w, grace := x.w, x.w.house.Grace
	ended := x.c.Ended(x.ctx)
	w.mu.Lock()
	x.ended = ended
	w.mu.Unlock()
	// Where the request is still being written the pipe is full, and this waits
	// for as long as that does: for the worker to read on, or to be killed.
	go w.write(frame.Cancel, x.id, nil, fault.Encode(ended))
	timer := time.AfterFunc(grace, func() {
		w.kill(fmt.Sprintf("it went on for the grace of %v after its context had ended", grace))
	})
	defer timer.Stop()
	x.await(new(graph.Wait), nil)
}

// awaitWriter waits until the caller's input is no longer read. A worker that
// has answered has read all of it, so there is nothing to wait for, unless it
// breaks the protocol.
func (x *exchange) awaitWriter() {
	timer := time.AfterFunc(slowEnd, func() { x.w.kill("it answered before it had read the call") })
	defer timer.Stop()
	<-x.wrote
}

// hear deals with one frame of the worker's.
func (x *exchange) hear(f frame.Frame) error {
	switch f.Kind {
	case frame.Progress:
		done, total, note, err := frame.ParseProgress(f.Body)
		if err != nil {
			return &violation{"its progress cannot be read", err}
		}
		return x.report(task.Progress{Done: done, Total: total, Note: note})
	case frame.Failure:
		err := fault.Decode(f.Body)
		if err == nil || !json.Valid(f.Body) {
			return &violation{"it sent a failure that is none", err}
		}
		x.settle(err)
	case frame.Result:
		if limit := x.w.house.MaxPayload; len(f.Body) > limit {
			x.settle(task.Oversized(x.c.Name(), len(f.Body), limit, true))
			return &violation{"it sent an output that is over the limit", nil}
		}
		x.settle(x.c.SetOutput(f.Body))
	}
	return nil
}

// report tells the caller's listener, whose panic is the work's. One that ends
// the goroutine leaves the worker without its reader, so another takes over.
func (x *exchange) report(p task.Progress) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		burst := &fault.Panic{Value: recover(), Task: x.c.Name(), Stack: string(debug.Stack())}
		burst.Goexit = burst.Value == nil
		x.burst = burst
		err = &violation{"who listens to its progress has panicked", nil}
		if burst.Goexit {
			go x.w.end(err)
		}
	}()
	task.Report(x.ctx, p)
	returned = true
	return nil
}

// died settles x after the end of the process, which has left unread so many
// bytes of what it was sent, -1 if that is not known. It reports whether x was
// still under way.
func (x *exchange) died(e *ExitError, unread int64) bool {
	taken := x.w.in.taken.Load()
	f := &fault.Error{Op: "proc: run", Task: x.c.Name(), Kind: fault.Lost, Err: e, Hint: e.hint()}
	f.Started = unread < 0 || taken-unread >= x.from+x.bytes
	x.w.mu.Lock()
	ended := x.ended
	x.unread = !f.Started
	x.w.mu.Unlock()
	switch {
	case x.burst != nil:
		f.Kind, f.Hint, f.Err = fault.Panicked, "", x.burst
	case ended != nil:
		f.Kind = fault.KindOf(ended)
		f.Err = fmt.Errorf("%w: %w", context.Cause(x.ctx), e)
	case e.Reason == reasonClosed:
		f.Kind = fault.Cancelled
	}
	return x.settle(f)
}
