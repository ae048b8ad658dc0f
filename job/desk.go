package job

import (
	"context"
	"sync/atomic"

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
}

func (o *Owner) logID() [16]byte { return o.log }

func (o *Owner) tend(*Session) {}

func (o *Owner) remote() bool { return false }

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
