package task

import (
	"context"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
)

// Mirror returns a context for a function whose caller is elsewhere: in another
// process, on another machine. It has ctx's values, and the caller's deadline
// if deadline is not zero and ctx's is not earlier.
//
// end ends it as the caller's context has: err is what [Call.Ended] gave there,
// carried by [fault.Encode]. [context.Cause] is then err, in which [errors.Is]
// finds the caller's cause, and Err is [context.DeadlineExceeded] if err is of
// kind [fault.Deadline], else [context.Canceled]. No function of package
// context can do that, since there only a timer makes a DeadlineExceeded. A nil
// err, or one after the first, only releases what the context holds, and end
// must be called for that.
//
// The context also ends with ctx. It does not end at its deadline: whoever
// calls end decides, because a clock over here does not know the cause.
// Contexts derived from it cost no goroutine.
func Mirror(ctx context.Context, deadline time.Time) (mirrored context.Context, end func(err error)) {
	if own, ok := ctx.Deadline(); ok && (deadline.IsZero() || own.Before(deadline)) {
		deadline = own
	}
	m := &mirror{deadline: deadline, done: make(chan struct{}), told: make(chan struct{})}
	m.Context, m.cancel = context.WithCancelCause(ctx)
	mirrored, release := context.WithCancel(m) // a standard one, for what is derived
	if ctx.Err() != nil {
		m.end(ctx.Err(), nil)
	}
	unhook := context.AfterFunc(m.Context, func() { m.end(m.Context.Err(), nil) })
	return mirrored, func(err error) {
		unhook() // first, or the hook would be run, on a goroutine of its own
		defer release()
		switch {
		case err == nil:
			m.end(context.Canceled, nil)
		case fault.KindOf(err) == fault.Deadline:
			m.end(context.DeadlineExceeded, err)
		default:
			m.end(context.Canceled, err)
		}
	}
}

// mirror is the context between ctx, which holds the cause, and the one that
// is handed out, which takes its Err from here.
type mirror struct {
	context.Context // of ctx, with a cause
	cancel          context.CancelCauseFunc
	deadline        time.Time
	done            chan struct{}
	told            chan struct{} // closed when what is derived has ended too

	mu    sync.Mutex
	err   error  // nil until it ends
	after func() // cancels the one that is handed out
}

func (m *mirror) Deadline() (time.Time, bool) { return m.deadline, !m.deadline.IsZero() }
func (m *mirror) Done() <-chan struct{}       { return m.done }

func (m *mirror) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// AfterFunc is how package context follows a context that is not its own
// without a goroutine. Only Mirror's own child is ever derived from m.
func (m *mirror) AfterFunc(f func()) (stop func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = f
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		stopped := m.after != nil
		m.after = nil
		return stopped
	}
}

// end ends m, and what was derived from it, before it returns.
func (m *mirror) end(err, cause error) {
	m.mu.Lock()
	if m.err != nil {
		m.mu.Unlock()
		<-m.told // or what is derived could be released before it knows the cause
		return
	}
	m.cancel(cause) // before Err, so that who sees the one finds the other
	m.err = err
	close(m.done)
	after := m.after
	m.after = nil
	m.mu.Unlock()
	if after != nil {
		after()
	}
	close(m.told)
}
