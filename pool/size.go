package pool

import (
	"fmt"
	"runtime"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// Resize gives the pool n slots from now on, and ends its following of
// GOMAXPROCS. More slots are filled at once; fewer are reached as runs end.
//
// It fails with [fault.Invalid], changing nothing, if n is not positive: a pool
// without slots would keep what waits for ever.
func (p *Pool) Resize(n int) error {
	if p == nil {
		panic("pool: Resize of a nil Pool")
	}
	if n < 1 {
		return &fault.Error{Op: "pool: resize", Task: p.room.name, Kind: fault.Invalid,
			Err: fmt.Errorf("the size is %d", n), Hint: "give at least 1; to end the pool's work, Close it"}
	}
	r := p.room
	r.lock()
	defer r.unlock()
	r.follows = false
	r.size = n
	if r.queue.n > 0 {
		r.fillLocked(r.now())
	}
	return nil
}

// sizeByDefault is what a pool's size is without a wish.
func sizeByDefault() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// followLocked looks at GOMAXPROCS. It is done when work begins to wait, every
// followEvery while work that waited ends, and by Stats.
func (r *room) followLocked() {
	if r.follows {
		r.size = sizeByDefault()
	}
}

func (r *room) followAtTimesLocked(now time.Duration) {
	if now-r.looked >= followEvery {
		r.looked = now
		r.followLocked()
	}
}

const followEvery = time.Second

// saturatedAfter is how long nobody finds a slot free before the pool is
// reported as saturated, and saturatedEvery how often while that lasts.
const (
	saturatedAfter = time.Second
	saturatedEvery = 10 * time.Second
)

// saturatedLocked returns a finding if work waits and has for too long. Only who queues or ends a run looks: no goroutine watches.
func (r *room) saturatedLocked(now time.Duration) *graph.Finding {
	if r.queue.n == 0 || now < r.reportNext {
		return nil
	}
	r.reportNext = now + saturatedEvery
	return &graph.Finding{
		Code: "pool.saturated",
		Detail: fmt.Sprintf("pool %q has had no slot free for %v: %d wait for %d slots",
			r.name, (now - r.since).Round(time.Millisecond), r.queue.n, r.size),
	}
}

// report passes a finding on. The caller does not hold mu: subscribers are
// called.
func report(f *graph.Finding) {
	if f != nil {
		graph.Report(*f)
	}
}
