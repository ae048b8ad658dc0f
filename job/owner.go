package job

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
)

// An Owner decides for a log of jobs: it alone appends to it. It is made by
// [Open], and whoever opened it closes it, before its log.
type Owner struct {
	// Written before the loop begins, never again.
	config  Config
	store   Log
	low     func() error // the store's, or nil
	room    func() int64 // likewise
	tasks   map[string]bool
	limits  map[string]bool // by name
	log     [16]byte        // the id that the records have
	now     func() owner.Time
	unplace func()
	ctx     context.Context    // of what the owner does with the store
	stop    context.CancelFunc // ends ctx
	done    chan struct{}      // closed when the loop has ended

	inbox   inbox
	closing atomic.Bool
	round   atomic.Uint64 // of deciding and appending; from 1

	// mine is held by the loop but while it waits, for others or for the log: who
	// has it may look at core.
	mine sync.Mutex

	// The loop's.
	core    *owner.Core
	held    ring          // requests that were taken and not answered
	took    time.Duration // the last append
	trouble bool          // with it
	ends    bool          // nothing is asked of the core any more

	trims   trimmer
	callers callers
	seats   seats

	mu      sync.Mutex
	stats   Stats         // as of the last round
	clock   owner.Clock   // likewise
	err     error         // why the owner has ended by itself
	told    error         // what of that those are told who still wanted something
	ended   bool          // done is closed
	closers []*graph.Wait // callers of Close
}

// Client returns a client of the owner, without options.
func (o *Owner) Client() *Client {
	if o == nil {
		panic("job: Client of a nil Owner")
	}
	return &Client{desk: o, settings: defaults()}
}

// Done returns a channel that is closed when the owner has ended: it was closed,
// or see [Owner.Err].
func (o *Owner) Done() <-chan struct{} {
	if o == nil {
		panic("job: Done of a nil Owner")
	}
	return o.done
}

// Err returns why the owner has ended by itself: another one took over, or the
// log failed. It is nil as long as the owner lives, and after Close of one that
// lived.
func (o *Owner) Err() error {
	if o == nil {
		panic("job: Err of a nil Owner")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
