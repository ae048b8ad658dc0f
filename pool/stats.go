package pool

import (
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// Stats is what a pool does now and has done so far.
type Stats struct {
	Size    int // slots
	Running int // slots in use; more than Size while lent ones have been taken back
	Lent    int // slots lent by runs that wait for something, or were asked to by Yield
	Queued  int // who waits for a slot, those at the door included
	AtDoor  int // submitters who wait for room in the queue

	Done      uint64 // runs that returned
	Panicked  uint64 // runs that panicked, or ended their goroutine
	Cancelled uint64 // work whose context ended before it began
	Refused   uint64 // work that found the queue full or the pool closed
	Shed      uint64 // work refused after it had waited: see Shed

	Wait Spread // from arrival to slot: everybody's
	Run  Spread // with a slot, lent times included: see Pool.Stats
}

// Spread says how durations were spread. The quantiles are at most an eighth
// too long.
type Spread struct {
	P50, P90, P99, Max time.Duration
}

// Stats returns the pool's figures at one moment.
//
// The clock is not read for every run. Of those which found a slot free one in
// 64 is timed, and of those that a worker gets through in less than 4 µs each
// one in 8; they stand for the others. Callers who had to wait, and longer runs
// after others, are all timed. A run is counted when it gives its slot up, which
// for a task is shortly after its scope has heard of its end.
func (p *Pool) Stats() Stats {
	if p == nil {
		panic("pool: Stats of a nil Pool")
	}
	return p.room.snapshot()
}

func (r *room) snapshot() Stats {
	r.lock()
	r.followLocked()
	if r.queue.n > 0 {
		r.fillLocked(r.now())
	}
	c := &r.stats
	s := Stats{
		Size: r.size, Running: r.running, Lent: r.lent, Queued: r.queue.n, AtDoor: len(r.door),
		Done: c.done, Panicked: c.panicked, Cancelled: c.cancelled, Refused: c.refused, Shed: c.shed,
	}
	wait, run := c.wait, c.run
	r.unlock()
	s.Wait, s.Run = wait.spread(), run.spread()
	return s
}

// counters is what is counted under room.mu.
type counters struct {
	done, panicked, cancelled, refused, shed uint64

	free uint64 // runs that found a slot free
	wait histogram
	run  histogram
}

const sampleEvery = 64

// sampleLocked decides whether h's run, which has not waited, is timed.
func (r *room) sampleLocked(h *holder) {
	if r.stats.free%sampleEvery == 0 {
		h.timed = sampleEvery
		h.started = r.now()
		r.followAtTimesLocked(h.started)
	}
	r.stats.free++
	r.stats.wait.n++
	r.stats.wait.bucket[0]++
}

// A worker that gets through one short run after another times one in shortEvery
// of them, which stands for the others.
const (
	shortRun   = 4 * time.Microsecond
	shortEvery = 8
)

// untimed reports whether h's worker need not time its next run.
func (h *holder) untimed() bool {
	if h.skip == 0 {
		return false
	}
	h.skip--
	return true
}

// timeLocked counts how long e has waited, and times h's run. Both stand for
// those that h's worker has not timed before.
func (r *room) timeLocked(h *holder, e *entry, now time.Duration) {
	h.timed = 1
	if h.short {
		h.timed = shortEvery
	}
	h.started = now
	r.stats.wait.add(now-r.arrived(e), uint64(h.timed))
}

// An end is how a run ended.
type end uint8

const (
	panicked end = iota // or ended its goroutine
	done
	notBegun
)

// endedLocked counts h's run. now is zero if nobody knows it.
func (r *room) endedLocked(h *holder, now time.Duration) {
	switch h.end {
	case done:
		r.stats.done++
	case panicked:
		r.stats.panicked++
	case notBegun:
		r.stats.cancelled++
		return
	}
	if h.timed != 0 {
		took := now - h.started
		r.stats.run.add(took, uint64(h.timed))
		if h.short = took < shortRun; h.short {
			h.skip = shortEvery - 1
		}
	}
}

// Label names the pool in dumps.
func (r *room) Label() graph.Label { return graph.Label{Kind: "pool", Name: r.name} }

// Figures returns what dumps show of the pool.
func (r *room) Figures() []graph.Figure {
	s := r.snapshot()
	return []graph.Figure{
		{Name: "size", Value: s.Size},
		{Name: "running", Value: s.Running},
		{Name: "lent", Value: s.Lent},
		{Name: "queued", Value: s.Queued},
		{Name: "at_door", Value: s.AtDoor},
		{Name: "done", Value: s.Done},
		{Name: "panicked", Value: s.Panicked},
		{Name: "cancelled", Value: s.Cancelled},
		{Name: "refused", Value: s.Refused},
		{Name: "shed", Value: s.Shed},
		{Name: "wait_p50", Value: s.Wait.P50},
		{Name: "wait_p99", Value: s.Wait.P99},
		{Name: "wait_max", Value: s.Wait.Max},
		{Name: "run_p50", Value: s.Run.P50},
		{Name: "run_p99", Value: s.Run.P99},
		{Name: "run_max", Value: s.Run.Max},
	}
}
