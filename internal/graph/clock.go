package graph

import (
	"sync"
	"sync/atomic"
	"time"
)

// tick is a moment on the coarse clock: spawning and waiting must not read a
// real one (G3), so they note how many times somebody else has.
type tick uint32

var clock struct {
	count atomic.Uint32 // ticks so far

	mu sync.Mutex
	at [1024]time.Time // when tick n fell, at n % len
}

// Tick moves the coarse clock. Whoever looks at the graph does so, and
// scope.Main once a second, so that ages in a service are right to a second.
func Tick() {
	clock.mu.Lock()
	defer clock.mu.Unlock()
	n := clock.count.Load()
	clock.at[int(n)%len(clock.at)] = time.Now()
	clock.count.Store(n + 1)
}

func now() tick { return tick(clock.count.Load()) }

// age returns the time since the first tick after t: what was there at t is
// at least that old. Zero until there was one.
func (t tick) age() time.Duration {
	clock.mu.Lock()
	defer clock.mu.Unlock()
	n := clock.count.Load()
	since := n - uint32(t)
	if since == 0 {
		return 0
	}
	since = min(since, uint32(len(clock.at)))
	at := clock.at[int(n-since)%len(clock.at)]
	return max(0, time.Since(at))
}
