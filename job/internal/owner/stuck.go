package owner

import "github.com/hemgo/hem/job/internal/state"

// unstick looks once a second whether those who wait for room wait for each other. Room
// in a queue is made by the end of one of its jobs; and
//
//   - one that runs does not end while its handler waits for room that nobody makes,
//   - one that does not run yet needs a worker, and all who claim from its queue have
//     their slots full of such handlers. It may also pass its deadline, or be cancelled:
//     that is not waited for.
//
// Where it was so the last time as well, and nobody has claimed since, they are refused,
// but for the first in each line if there are others: so their slots go to jobs that may
// make room.
//
// A handler that gives up at some time is not counted, nor one that waits for something
// else: so what is stuck by more than this may be missed.
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
	for _, r := range c.arrived.each() { // it came before this look, and is decided after it
		if r.Op == Claim {
			w.claimed(r.Filter)
		}
	}
	before := w.stuck
	w.stuck = c.stuckLines()
	var askers []*Request
	of := make(map[string]int)
	for _, r := range w.each() {
		if c.holds(r) && w.stuck[r.queues[0]] && before[r.queues[0]] {
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
		c.refuse(r, c.noMore(r))
	}
}

// holds reports whether a handler that is at work does not end before r, which is in a
// line, has its room there.
func (c *Core) holds(r *Request) bool {
	return r.Asker.Endless && len(r.queues) == 1 && c.state.Asks(r.Asker.Job, r.Asker.Epoch)
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

// noMore is what r is told, for whom there will be no room.
func (c *Core) noMore(r *Request) error {
	var bytes int64
	for i := range r.Specs {
		bytes += int64(len(r.Specs[i].Input) + len(r.Specs[i].Key))
	}
	err := c.state.Room(r.queues[0], max(r.need, 1), bytes)
	if err == nil {
		err = c.busy(r.queues[0]) // others stand before it
	}
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
		g := c.going(c.waitForRoom(stuck))
		for q := range stuck {
			if c.frees(q, g) {
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
			if c.holds(r) {
				waits[Lease{Job: r.Asker.Job, Epoch: r.Asker.Epoch}] = true
			}
		}
	}
	return waits
}

// A going is who may go on, of those that run and those that claim, if some attempts do
// not.
type going struct {
	waits   int             // how many those are
	ends    map[string]bool // queues in which another runs
	takes   names           // queues from which sessions claim that have a slot, or will
	workers names           // likewise, of all sessions
}

// names are of some queues, or of all.
type names struct {
	every bool
	some  map[string]bool
}

func (n *names) add(queues []string) {
	if queues == nil {
		n.every = true
		return
	}
	for _, q := range queues {
		n.some[q] = true
	}
}

func (n *names) has(q string) bool { return n.every || n.some[q] }

func (n *names) any() bool { return n.every || len(n.some) > 0 }

// going goes through all attempts, sessions and claims once, for any number of queues.
func (c *Core) going(waits map[Lease]bool) *going {
	g := &going{waits: len(waits), ends: make(map[string]bool)}
	g.takes.some, g.workers.some = make(map[string]bool), make(map[string]bool)
	free, runs := make(map[uint64]bool), make(map[uint64]bool)
	c.state.EachRunning(func(session, job uint64, epoch uint32, in string) {
		if runs[session] = true; !waits[Lease{Job: job, Epoch: epoch}] {
			g.ends[in], free[session] = true, true
		}
	})
	for _, s := range c.state.Sessions() {
		f, known := c.people.filters[s.ID]
		if known {
			g.workers.add(f.Queues)
			if free[s.ID] || !runs[s.ID] { // its next claim is on its way
				g.takes.add(f.Queues)
			}
			continue
		}
		g.takes.every = g.takes.every || free[s.ID]
		if runs[s.ID] && c.people.lived >= SessionTTL { // it would have claimed from this Core, had it a slot
			g.workers.every = true
		}
	}
	for _, r := range c.claims.each() {
		g.takes.add(r.Filter.Queues)
	}
	return g
}

// frees reports whether there may be room for who waits in a queue though none of the
// waits end. Where the shard is full, any job's end makes it.
func (c *Core) frees(queue string, g *going) bool {
	if c.rooms.full {
		n := c.state.Counts()
		return n.Running > int64(g.waits) || n.Live() > n.Running && (g.takes.any() || !g.workers.any())
	}
	counts, _, _ := c.state.QueueCounts(queue)
	switch {
	case counts.Running > int64(g.waits) || g.ends[queue]:
		return true
	case counts.Live() == counts.Running || c.state.RunsAll(queue):
		return false // nobody could begin one
	}
	return g.takes.has(queue) || !g.workers.has(queue) // who comes later has slots
}
