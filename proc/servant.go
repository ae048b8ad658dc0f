package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/origin"
	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

var errUnknown = errors.New("the worker does not know the task")

// A servant is the worker's side: it runs one call at a time, on the goroutine
// that has read it. To wake another goroutine costs as much as a pipe, and
// often a thread, which then looks for work on the processor that the host
// needs. While a call lasts, a second goroutine takes over reading, to hear of
// its end.
//
//	S1. One goroutine leads, and only that one reads. It is the one that runs
//	    the call, until the watch takes the lead from it.
type servant struct {
	known map[string]task.Task
	limit int // of a payload
	r     *frame.Reader
	ended chan error // why nobody leads any more

	send sync.Mutex
	out  *os.File
	w    *frame.Writer

	mu       sync.Mutex
	call     uint64      // that runs; zero: none
	end      func(error) // of its context
	taken    bool        // the watch leads, and not who runs the call
	watching bool
}

func (s *servant) write(k frame.Kind, call uint64, body []byte) error {
	s.send.Lock()
	defer s.send.Unlock()
	return s.w.Write(k, call, nil, body)
}

// lead reads and runs calls until the host closes its end, or another leads.
func (s *servant) lead() {
	for {
		leads, err := s.next()
		if err != nil {
			s.lost(err)
			return
		}
		if !leads {
			return
		}
	}
}

// lost is the end of the lead: the host lets the worker go, or is gone itself.
// In the middle of a call it is gone: nobody is left to hear of it.
func (s *servant) lost(err error) {
	if s.current() != 0 {
		if errors.Is(err, io.EOF) {
			endTree()
		}
		fmt.Fprintln(os.Stderr, "proc: worker:", err)
		_ = s.out.Close() // the call has broken its own pipe: the host sees that, and kills
		return
	}
	s.ended <- err
}

// next reads a frame and deals with it. It reports whether the goroutine still
// leads.
func (s *servant) next() (leads bool, err error) {
	f, err := s.r.Next()
	if err != nil {
		return true, err
	}
	switch f.Kind {
	case frame.Call:
		e, ctx, err := s.accept(f)
		if err != nil {
			return true, err
		}
		return e.run(ctx), nil
	case frame.Cancel:
		s.cancel(f.Call, fault.Decode(f.Body))
		return true, nil
	}
	return true, fmt.Errorf("the host sent a %v", f.Kind)
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

// accept makes f the call that runs.
func (s *servant) accept(f frame.Frame) (*errand, context.Context, error) {
	if now := s.current(); now != 0 {
		return nil, nil, fmt.Errorf("the host sent call %d while call %d runs", f.Call, now)
	}
	body := s.r.Detach() // a task may look at its input as long as it runs
	q, input, err := frame.ParseRequest(body)
	if err != nil {
		return nil, nil, err
	}
	e := &errand{servant: s, id: f.Call, name: q.Task, body: body, input: input}
	ctx := context.Background()
	if q.TraceParent != "" {
		ctx = task.WithTrace(ctx, task.Trace{Parent: q.TraceParent, State: q.TraceState})
	}
	if q.Job != "" {
		a, err := origin.Decode(q.Job)
		if err != nil {
			return nil, nil, err
		}
		ctx = origin.With(ctx, a)
	}
	if q.Watched {
		e.reports = newReports(e)
		ctx = task.OnProgress(ctx, e.reports.add)
	}
	ctx, end := task.Mirror(ctx, q.Deadline)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call, s.end = f.Call, end
	if !s.watching {
		s.watching = true
		go s.watch()
	}
	return e, ctx, nil
}

// release forgets the call, which has ended, and reports whether who ran it
// still leads.
func (s *servant) release() (leads bool) {
	s.mu.Lock()
	end := s.end
	leads = !s.taken
	s.call, s.end, s.taken = 0, nil, false
	s.mu.Unlock()
	end(nil)
	return leads
}

const (
	// watchEvery is how long a call may run before somebody else reads: for up
	// to twice that its cancelling is not heard.
	watchEvery = time.Millisecond

	// watchIdle is for how many looks without a call the watch goes on. To
	// start it costs as much as it saves a few calls.
	watchIdle = 50
)

// watch takes the lead from who runs a call that lasts. It ends when it has, or
// when there has been nothing to watch for a while.
func (s *servant) watch() {
	var last uint64
	for idle := 0; idle < watchIdle; {
		time.Sleep(watchEvery)
		s.mu.Lock()
		switch {
		case s.call == 0:
			idle++
		case s.call == last:
			s.taken, s.watching = true, false
			s.mu.Unlock()
			s.lead()
			return
		default:
			idle = 0
		}
		last = s.call
		s.watching = idle < watchIdle
		s.mu.Unlock()
	}
}
