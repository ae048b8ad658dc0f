package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

var errUnknown = errors.New("the worker does not know the task")

// A servant is the worker's side: it runs one call at a time, and goes on
// reading meanwhile, to hear of its end.
type servant struct {
	known map[string]task.Task
	limit int // of a payload
	r     *frame.Reader

	send sync.Mutex
	w    *frame.Writer

	mu   sync.Mutex
	call uint64      // that runs; zero: none
	end  func(error) // of its context
}

func (s *servant) write(k frame.Kind, call uint64, body []byte) error {
	s.send.Lock()
	defer s.send.Unlock()
	return s.w.Write(k, call, nil, body)
}

// serve reads until the host closes its end. If a call runs then, the host is
// gone: nobody is left to hear of it, and it ends with all that it has started.
func (s *servant) serve() error {
	for {
		f, err := s.r.Next()
		if err != nil {
			if s.current() != 0 {
				if !errors.Is(err, io.EOF) {
					fmt.Fprintln(os.Stderr, "proc: worker:", err)
				}
				endTree()
			}
			return err
		}
		switch f.Kind {
		case frame.Call:
			err = s.begin(f)
		case frame.Cancel:
			s.cancel(f.Call, fault.Decode(f.Body))
		default:
			err = fmt.Errorf("the host sent a %v", f.Kind)
		}
		if err != nil {
			return err
		}
	}
}

func (s *servant) current() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call
}

// cancel ends the context of a call, if it still runs.
func (s *servant) cancel(call uint64, why error) {
	s.mu.Lock()
	end := s.end
	if s.call != call {
		end = nil
	}
	s.mu.Unlock()
	if end != nil {
		end(why)
	}
}

// begin starts a call. To run it here, and have another goroutine read in case
// it lasts, was measured: a tenth faster, and not worth a second reader.
func (s *servant) begin(f frame.Frame) error {
	if now := s.current(); now != 0 {
		return fmt.Errorf("the host sent call %d while call %d runs", f.Call, now)
	}
	q, input, err := frame.ParseRequest(s.r.Detach()) // a task may look at its input as long as it runs
	if err != nil {
		return err
	}
	e := &errand{servant: s, id: f.Call, name: q.Task, input: input}
	ctx := context.Background()
	if q.TraceParent != "" {
		ctx = task.WithTrace(ctx, task.Trace{Parent: q.TraceParent, State: q.TraceState})
	}
	if q.Watched {
		e.reports = newReports(e)
		ctx = task.OnProgress(ctx, e.reports.add)
	}
	ctx, end := task.Mirror(ctx, q.Deadline)
	s.mu.Lock()
	s.call, s.end = f.Call, end
	s.mu.Unlock()
	go e.run(ctx)
	return nil
}

// release forgets the call, which has ended.
func (s *servant) release() {
	s.mu.Lock()
	end := s.end
	s.call, s.end = 0, nil
	s.mu.Unlock()
	end(nil)
}

// An errand is one call in a worker.
type errand struct {
	servant *servant
	id      uint64
	name    string
	input   []byte
	reports *reports // nil: nobody listens
}

// run runs the call, and answers.
func (e *errand) run(ctx context.Context) {
	s := e.servant
	out, err := e.serve(ctx)
	if e.reports != nil {
		e.reports.flush()
	}
	if err == nil && len(out) > s.limit {
		err = task.Oversized(e.name, len(out), s.limit, true)
	}
	s.release()
	if err != nil {
		err = s.write(frame.Failure, e.id, fault.Encode(err))
	} else {
		err = s.write(frame.Result, e.id, out)
	}
	if err != nil {
		endTree() // nobody hears
	}
}

func (e *errand) serve(ctx context.Context) ([]byte, error) {
	t, ok := e.servant.known[e.name]
	if !ok {
		return nil, &fault.Error{Op: "proc: serve", Task: e.name, Kind: fault.Invalid, Err: errUnknown}
	}
	return t.Serve(ctx, task.Here, e.input)
}
