package job

import (
	"context"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
)

// A fuse ends the context of a handler when its time is over.
type fuse struct {
	of       *attempt
	timeout  time.Time // when that has passed, or zero
	deadline int64     // by the owner's clock, or zero

	mu    sync.Mutex
	timer *time.Timer // nil if there is no such time, and when the handler has ended
}

// lookAgain is how often a fuse asks how late it is at the owner, whose clock may be
// set, or go at another speed.
const lookAgain = time.Minute

// lit is the fuse of a's handler, and when its context is to end; nil and zero if there
// is no such time. That of an attached job is its caller's, who tells why; so it is
// only shown.
func lit(a *attempt) (f *fuse, shown time.Time) {
	info := &a.lease.info
	if info.Timeout == 0 && info.Deadline == 0 {
		return nil, shown
	}
	f = &fuse{of: a, deadline: info.Deadline}
	if info.Timeout > 0 {
		f.timeout = time.Now().Add(time.Duration(info.Timeout) * time.Microsecond)
	}
	shown = f.end()
	if info.Attached {
		f.deadline = 0
	}
	if end := f.end(); !end.IsZero() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.timer = time.AfterFunc(f.pause(time.Until(end)), f.burn)
	}
	return f, shown
}

// end is when the time is over, as far as is known by now.
func (f *fuse) end() time.Time {
	if f.deadline == 0 {
		return f.timeout
	}
	at := f.of.client.desk.local(f.deadline)
	if !f.timeout.IsZero() && f.timeout.Before(at) {
		return f.timeout
	}
	return at
}

// pause is how long to wait when so much time is left.
func (f *fuse) pause(left time.Duration) time.Duration {
	if f.deadline == 0 {
		return left
	}
	return min(max(left, 1), lookAgain)
}

// burn ends the context, unless there is time left by now.
func (f *fuse) burn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer == nil {
		return
	}
	if left := time.Until(f.end()); left > 0 {
		f.timer.Reset(f.pause(left))
		return
	}
	f.of.stop(&fault.Error{Op: opRun, Task: f.of.lease.info.Task, Kind: fault.Deadline, Err: context.DeadlineExceeded})
}

// stop puts f out, if there is one.
func (f *fuse) stop() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}
