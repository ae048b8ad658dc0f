package job

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
)

// A desk is where requests are put: an [Owner] in this process, or the way to one
// in another.
type desk interface {
	// ask puts r to the owner and returns its answer: r.Err, or why there is
	// none. In the second case the caller must not look at r any more.
	ask(ctx context.Context, r *request) error

	// known says why jobs of a task are refused, if they are.
	known(task string) error

	// knownLimit says why a limit cannot be named by jobs, if it cannot.
	knownLimit(name string) error

	// logID is which log it is.
	logID() [16]byte

	// scope is the session that calls of this process are attached to. It is
	// opened when first asked for.
	scope(ctx context.Context) (session uint64, err error)

	// tend is told of a session that is open from now on.
	tend(s *Session)

	// remote reports whether it is not in this process: then sessions must be
	// heard of, and outlive their owner.
	remote() bool

	// wall is t, a time of this process, by the owner's clock: by that jobs have
	// their deadlines. And local is the time of this process when the owner's clock
	// says micros. Where the two clocks are not known to the microsecond, neither is
	// too early.
	wall(t time.Time) (micros int64)
	local(micros int64) time.Time
}

func (o *Owner) logID() [16]byte { return o.log }

func (o *Owner) tend(*Session) {}

func (o *Owner) remote() bool { return false }

// In the owner's own process its clock differs from the calendar's only when that was
// set back, or was ahead where the log was owned before.
func (o *Owner) wall(t time.Time) int64 {
	left := time.Until(t)
	return o.time() + left.Microseconds()
}

func (o *Owner) local(micros int64) time.Time {
	left := micros - o.time()
	return later(time.Now(), left)
}

// time is what the owner's clock says.
func (o *Owner) time() int64 {
	o.mu.Lock()
	clock := o.clock
	o.mu.Unlock()
	return clock.Follow(o.now())
}

// later is micros after t, as far as a Duration reaches.
func later(t time.Time, micros int64) time.Time {
	const most = math.MaxInt64 / int64(time.Microsecond)
	return t.Add(time.Duration(min(max(micros, -most), most)) * time.Microsecond)
}

func (o *Owner) scope(ctx context.Context) (uint64, error) { return o.callers.session(ctx, o) }

// callers is the session of those in this process who call.
type callers struct{ id atomic.Uint64 }

func (c *callers) session(ctx context.Context, d desk) (uint64, error) {
	if id := c.id.Load(); id != 0 {
		return id, nil
	}
	r := &request{}
	r.Op, r.Name, r.Remote = owner.OpenSession, "callers", d.remote()
	if err := d.ask(ctx, r); err != nil {
		return 0, refusal(opRun, "", err)
	}
	id := r.IDs[0]
	if c.id.CompareAndSwap(0, id) {
		return id, nil
	}
	// Somebody else was first.
	end := &request{}
	end.Op, end.Session = owner.EndSession, id
	_ = d.ask(context.WithoutCancel(ctx), end)
	return c.id.Load(), nil
}
