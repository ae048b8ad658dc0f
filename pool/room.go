package pool

import (
	"sync"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/invariant"
)

// A room is what all views of a pool share.
type room struct {
	// Written by New, never again.
	name     string
	overflow Overflow
	bound    int
	age      time.Duration
	target   time.Duration
	interval time.Duration
	epoch    time.Time   // now counts from it
	shown    *graph.Wait // what queued tasks are seen to wait for
	unplace  func()

	mu      sync.Mutex
	size    int
	follows bool // size follows GOMAXPROCS
	running int  // slots in use
	lent    int  // slots that their holders have lent
	queue   queue
	counted int      // entries that take room
	door    []*entry // entries whose submitters wait for room, oldest first
	active  *holder  // a ring of those who hold or have lent a slot, nil if none
	spare   *holder  // a list of those nobody uses
	spares  int
	unused  *entry // a list of those that wait to be used again
	unuseds int
	closed  bool
	closers []*graph.Wait
	stats   counters

	looked     time.Duration // when GOMAXPROCS was last looked at
	idle       bool          // a slot was free when somebody last asked for one
	since      time.Duration // when that was first no longer so
	reportNext time.Duration // when the pool may next be reported as saturated

	// Whenever mu is free:
	//   P1. running + lent = the number of holders, those that wait for a slot
	//       after Yield included among the lent.
	//   P2. If anybody waits, running >= size: a free slot is given at once, so
	//       that a newcomer who sees one passes nobody.
	//   P3. counted <= bound, and is the number of queued entries that count.
	//   P4. If the door is not empty, counted > lowWater.
	//   P5. A queued entry's links, and no other's, are in a level's list.
	// Whenever work is given a slot:
	//   P6. running <= size, that slot included. Only what is taken back, by
	//       Resume or after Yield, and a smaller size lead beyond.
}

// now is the time on the pool's own clock.
func (r *room) now() time.Duration { return time.Since(r.epoch) }

// lock takes mu. Who finds it taken looks a few times more before it sleeps:
// it is held for some tens of nanoseconds.
func (r *room) lock() {
	for range lockSpins {
		if r.mu.TryLock() {
			return
		}
	}
	r.mu.Lock()
}

const lockSpins = 30

// unlock checks P1 to P5 where that is asked for, and releases mu.
func (r *room) unlock() {
	if invariant.Enabled {
		r.checkLocked()
	}
	r.mu.Unlock()
}

func (r *room) checkLocked() {
	holders := 0
	if h := r.active; h != nil {
		for {
			holders++
			if h = h.next; h == r.active {
				break
			}
		}
	}
	invariant.Checkf(r.running+r.lent == holders, "P1: %d run and %d have lent, of %d", r.running, r.lent, holders)
	invariant.Checkf(r.queue.n == 0 || r.running >= r.size, "P2: %d wait while %d run in %d slots", r.queue.n, r.running, r.size)
	n, counted := 0, 0
	r.queue.all(func(e *entry) {
		invariant.Check(e.queued, "P5: an entry that is queued says so")
		n++
		if e.counts {
			counted++
		}
	})
	invariant.Checkf(n == r.queue.n, "P5: %d entries are linked, of %d", n, r.queue.n)
	invariant.Checkf(r.counted == counted && counted <= r.bound, "P3: %d count, said to be %d, of %d", counted, r.counted, r.bound)
	invariant.Checkf(len(r.door) == 0 || r.counted > r.lowWater(), "P4: %d are at the door though %d wait, of %d", len(r.door), r.counted, r.bound)
}
