package tasktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A Loopback is a runner with a wire and no other side: a fake of a rung with
// memory of its own, in one process. Whatever would cross does so as bytes:
// the input, the output, errors, progress, the trace, the deadline, and the end
// of the context with its cause. Nothing else does, the context's values
// included, and the wait graph sees no edge, as it could not between processes.
//
// It passes [Exercise].
type Loopback struct {
	tasks      map[string]task.Task
	maxPayload int
}

// NewLoopback returns a runner that knows tasks, and no others, and refuses
// payloads of more than maxPayload encoded bytes. The default, zero, is no
// limit.
//
// NewLoopback panics if maxPayload is negative, a task is nil, or two have the
// same name.
func NewLoopback(maxPayload int, tasks ...task.Task) *Loopback {
	if maxPayload < 0 {
		panic(fmt.Sprintf("tasktest: NewLoopback with a limit of %d bytes", maxPayload))
	}
	l := &Loopback{tasks: make(map[string]task.Task, len(tasks)), maxPayload: maxPayload}
	for _, t := range tasks {
		if t == nil {
			panic("tasktest: NewLoopback with a nil task")
		}
		if _, taken := l.tasks[t.Name()]; taken {
			panic(fmt.Sprintf("tasktest: NewLoopback with two tasks called %q", t.Name()))
		}
		l.tasks[t.Name()] = t
	}
	return l
}

// request and reply are the messages. Reports of progress and the end of the
// caller's context go beside them.
type request struct {
	Task     string
	Input    []byte
	Deadline time.Time
	Trace    task.Trace
	Watched  bool
}

type reply struct {
	Output []byte
	Fault  []byte // of fault.Encode, nil for success
}

// Run makes a Loopback a Runner.
func (l *Loopback) Run(ctx context.Context, c *task.Call) error {
	if err := c.Ended(ctx); err != nil {
		return err
	}
	in, err := c.Input()
	if err != nil {
		return err
	}
	if err := l.fits(c.Name(), in, false); err != nil {
		return err
	}
	q := request{Task: c.Name(), Input: in, Trace: task.TraceOf(ctx), Watched: task.Watched(ctx)}
	q.Deadline, _ = ctx.Deadline()
	f, err := l.accept(marshal(q), func(report []byte) {
		task.Report(ctx, unmarshal[task.Progress](report))
	})
	if err != nil {
		return err
	}
	p := unmarshal[reply](f.answer(ctx, c))
	if p.Fault != nil {
		return fault.Decode(p.Fault)
	}
	return c.SetOutput(p.Output)
}

func (l *Loopback) fits(name string, payload []byte, started bool) error {
	if l.maxPayload > 0 && len(payload) > l.maxPayload {
		return task.Oversized(name, len(payload), l.maxPayload, started)
	}
	return nil
}

var errUnknown = errors.New("the worker does not know the task")

// far is the other side of one call.
type far struct {
	l    *Loopback
	q    request
	task task.Task
	ctx  context.Context
	end  func(error)
}

// accept reads a request. What it says of its work goes to tell.
func (l *Loopback) accept(message []byte, tell func(report []byte)) (*far, error) {
	f := &far{l: l, q: unmarshal[request](message)}
	t, ok := l.tasks[f.q.Task]
	if !ok {
		return nil, &fault.Error{Op: "tasktest: loopback", Task: f.q.Task, Kind: fault.Invalid, Err: errUnknown,
			Hint: "give it to NewLoopback"}
	}
	f.task = t
	ctx := task.WithTrace(context.Background(), f.q.Trace)
	if f.q.Watched {
		ctx = task.OnProgress(ctx, func(p task.Progress) { tell(marshal(p)) })
	}
	f.ctx, f.end = task.Mirror(ctx, f.q.Deadline)
	return f, nil
}

// answer serves the request while the caller waits, and carries over the end
// of the caller's context.
func (f *far) answer(ctx context.Context, c *task.Call) (message []byte) {
	defer f.end(nil)
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		f.end(fault.Decode(fault.Encode(c.Ended(ctx))))
	})
	// Of the other side there is nothing in ctx, so the scope has another.
	err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error {
			message = marshal(f.serve())
			return nil
		}, scope.Name("worker of "+f.q.Task))
		return nil
	}, scope.Contain(), scope.Name("loopback"))
	if err != nil {
		message = marshal(reply{Fault: fault.Encode(err)})
	}
	if !stop() {
		<-told // R1: it uses ctx
	}
	return message
}

func (f *far) serve() reply {
	out, err := f.task.Serve(f.ctx, task.Here, f.q.Input)
	if err == nil {
		err = f.l.fits(f.q.Task, out, true)
	}
	if err != nil {
		return reply{Fault: fault.Encode(err)}
	}
	return reply{Output: out}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("tasktest: a message of the loopback is not JSON: " + err.Error())
	}
	return b
}

func unmarshal[T any](b []byte) (v T) {
	if err := json.Unmarshal(b, &v); err != nil {
		panic("tasktest: a message of the loopback is not JSON: " + err.Error())
	}
	return v
}
