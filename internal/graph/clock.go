package graph

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// tick is a moment on the coarse clock: spawning and waiting must not read a
// real one (G3), so they note how many times somebody else has.
type tick uint32

var clock struct {
	count atomic.Uint32 // ticks so far

	mu   sync.Mutex
	kept []kept // some of them, the oldest first; the newest always
}

// kept is a tick and when it fell.
type kept struct {
	tick tick
	at   time.Time
}

// keepTicks bounds what is kept. When there are so many, every second one of the
// older half goes: the further back, the coarser, and nothing is forgotten.
const keepTicks = 1024

// Tick moves the coarse clock. Whoever looks at the graph does so, and
// scope.Main once a second, so that ages in a service are right to a second.
func Tick() {
	clock.mu.Lock()
	defer clock.mu.Unlock()
	n := clock.count.Load()
	clock.kept = append(clock.kept, kept{tick(n), time.Now()})
	if len(clock.kept) > keepTicks {
		thin()
	}
	clock.count.Store(n + 1)
}

// thin drops every second tick of the older half. The caller holds clock.mu.
func thin() {
	half := len(clock.kept) / 2
	n := 0
	for i := 0; i < half; i += 2 {
		clock.kept[n] = clock.kept[i]
		n++
	}
	clock.kept = append(clock.kept[:n], clock.kept[half:]...)
}

func now() tick { return tick(clock.count.Load()) }

// age returns the time since the first kept tick that was not before t: what
// was there at t is at least that old. Zero until there was one.
func (t tick) age() time.Duration {
	clock.mu.Lock()
	defer clock.mu.Unlock()
	i, _ := slices.BinarySearchFunc(clock.kept, t, func(k kept, t tick) int { return cmp.Compare(k.tick, t) })
	if i == len(clock.kept) {
		return 0
	}
	return max(0, time.Since(clock.kept[i].at))
}
