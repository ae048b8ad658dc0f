package owner

import "github.com/hemgo/hem/job/internal/state"

// unstick looks once a second whether those who wait for room wait for each other. Room
// in a queue is made by the end of one of its jobs; and
//
//   - one that runs does not end while its handler waits for room that nobody makes,
//   - one that does not run yet needs a worker, and all who claim from its queue have
//     their slots full of such handlers.
//
// Where it was so the last time as well, and nobody has claimed since, they are refused,
// but for the first in each line if there are others: so their slots go to jobs that may
// make room.
//
// A handler that gives up at some time is not counted, nor one that waits for something
// else: so what is refused is stuck, but what is stuck by more than this may be missed.
func (c *Core) unstick() {
	w := &c.rooms
	if w.asked == 0 {
		w.stuck = nil
		return
	}
	if c.people.lived-w.looked < second {
		return
	}
	w.looked = c.people.lived
	before := w.stuck
	w.stuck = c.stuckLines()
	var askers []*Request
	of := make(map[string]int)
	for _, r := range w.each() {
		if r.Asker.Endless && len(r.queues) == 1 && w.stuck[r.queues[0]] && before[r.queues[0]] {
			askers = append(askers, r)
			of[r.queues[0]]++
		}
	}
	if len(askers) > 0 {
		w.stuck = nil // whoever is refused goes on
	}
	first := make(map[string]bool)
	for _, r := range askers {
		q := r.queues[0]
		if !first[q] && of[q] > 1 {
			first[q] = true // it has waited longest; but the slot of one alone may be needed
			continue
		}
		w.leave(r)
		w.freed = true // whoever it stood before may fit
		c.refuse(r, c.noMore(q))
	}
}

// claimed is told that somebody has a slot for what a filter lets through. Had one of the
// queues been stuck nobody would, and others may seem to be because of that one.
func (w *rooms) claimed(f state.Filter) {
	for q := range w.stuck {
		if w.full || hasName(f.Queues, q) {
			w.stuck = nil
			return
		}
	}
}

// noMore is what is told of a queue in which there will be no room.
func (c *Core) noMore(queue string) error {
	err := c.busy(queue)
	if full, ok := err.(*state.FullError); ok {
		full.Stuck = true
	}
	return err
}

// stuckLines are the queues in whose lines all wait for each other. All are taken to be so
// until one is found that is not, and then again from the beginning, as others may have
// waited for that alone.
func (c *Core) stuckLines() map[string]bool {
	stuck := make(map[string]bool, len(c.rooms.lines))
	for q := range c.rooms.lines {
		stuck[q] = true
	}
	for again := true; again; {
		again = false
		waits := c.waitForRoom(stuck)
		for q := range stuck {
			if c.frees(q, waits) {
				delete(stuck, q)
				again = true
			}
		}
	}
	return stuck
}

// waitForRoom are the attempts whose handlers wait in one of these lines.
func (c *Core) waitForRoom(lines map[string]bool) map[Lease]bool {
	waits := make(map[Lease]bool)
	for q := range lines {
		for _, r := range c.rooms.lines[q].each() {
			if a := r.Asker; a.Endless && len(r.queues) == 1 && c.state.Asks(a.Job, a.Epoch) {
				waits[Lease{Job: a.Job, Epoch: a.Epoch}] = true
			}
		}
	}
	return waits
}

// frees reports whether there may be room for who waits in a queue though none of the
// waits end. Where the shard is full, any job's end makes it.
func (c *Core) frees(queue string, waits map[Lease]bool) bool {
	all := c.rooms.full
	counts := c.state.Counts()
	if !all {
		counts, _, _ = c.state.QueueCounts(queue)
	}
	if counts.Running > int64(len(waits)) { // as most often
		return true
	}
	claims := func(session uint64) (ok, known bool) {
		f, known := c.people.filters[session]
		return !known || all || hasName(f.Queues, queue), known
	}
	begins := counts.Live() > counts.Running && (all || !c.state.RunsAll(queue)) // somebody could begin one
	frees := false
	c.state.EachRunning(func(session, job uint64, epoch uint32, in string) bool {
		if !waits[Lease{Job: job, Epoch: epoch}] {
			ok, _ := claims(session)
			frees = all || in == queue || begins && ok
		}
		return !frees
	})
	if frees || !begins {
		return frees
	}
	workers := false
	for _, s := range c.state.Sessions() {
		ok, known := claims(s.ID)
		workers = workers || ok && known
	}
	for _, r := range c.claims.each() {
		frees = frees || all || hasName(r.Filter.Queues, queue)
	}
	return frees || !workers // who comes later has slots
}
