package owner

import (
	"container/heap"
	"slices"

	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// rooms are the Enqueues that wait for room. Each stands in the line of every
// queue that it names, and is served when it is the first in all of them.
//
//	R1. Nobody is entered into a queue while somebody stands in its line, but
//	    the first there.
//	R2. Nobody is entered at all while full, but those that have come before
//	    whoever waits for the shard's limits: these make one line of all.
//	R3. Unless freed, nobody who is first in every line has room.
type rooms struct {
	line  // all of them
	lines map[string]*roomLine
	named map[name]*Request // those that have a name: each is waited under once
	full  bool              // somebody waits for the shard's limits
	freed bool              // there may be room, or another first, since they were served
	heads heads

	asked  int             // how many are of handlers that do not give up
	looked int64           // in people.lived: when it was last looked whether they are stuck
	stuck  map[string]bool // the queues in which they were
}

// A name is that under which a request may come again.
type name struct{ client, n uint64 }

type roomLine struct {
	queue string
	line
}

// join lets r wait.
func (w *rooms) join(r *Request) {
	r.place, r.queues, r.need = lined, r.queues[:0], 0
	for i := range r.Specs {
		p := &r.Specs[i]
		if !slices.Contains(r.queues, p.Queue) {
			r.queues = append(r.queues, p.Queue)
		}
		if p.Key == "" {
			r.need++
		}
	}
	if r.Request.Client != 0 {
		w.named[name{r.Request.Client, r.Request.N}] = r
	}
	if r.Asker.Endless {
		w.asked++
	}
	w.push(r)
	for _, q := range r.queues {
		l := w.lines[q]
		if l == nil {
			l = &roomLine{queue: q}
			w.lines[q] = l
		}
		l.push(r)
	}
}

// leave takes r out of its lines.
func (w *rooms) leave(r *Request) {
	w.remove(r)
	if r.Asker.Endless {
		w.asked--
	}
	delete(w.named, name{r.Request.Client, r.Request.N})
	for _, q := range r.queues {
		l := w.lines[q]
		if l.remove(r); l.len() == 0 {
			delete(w.lines, q)
		}
	}
	w.full = w.full && w.len() > 0
}

// first reports whether r is the first in each of its lines.
func (w *rooms) first(r *Request) bool {
	for _, q := range r.queues {
		if w.lines[q].front() != r {
			return false
		}
	}
	return true
}

// ahead returns the queue in which somebody stands before r, which is in no line.
func (w *rooms) ahead(r *Request) (queue string, ok bool) {
	if w.len() == 0 || Mutant.Barges {
		return "", false
	}
	for i := range r.Specs {
		if q := r.Specs[i].Queue; w.lines[q] != nil {
			return q, true
		}
	}
	return "", w.full
}

// heads are lines as a heap, by whose first has come first.
type heads []*roomLine

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].front().arrival < h[j].front().arrival }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*roomLine)) }
func (h *heads) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	*h = (*h)[:last]
	return l
}

// serveRooms enters those that wait, if there may be room: always the one that
// came first of those who are first in their lines. Whom a queue has no room for
// stops its line, and whom the shard has none for all.
func (c *Core) serveRooms() {
	w := &c.rooms
	for w.freed && !c.more {
		w.freed, w.full = false, false
		w.heads = w.heads[:0]
		for _, l := range w.lines {
			w.heads = append(w.heads, l)
		}
		heap.Init(&w.heads) // the order of the map is lost here: no two have come at once
		c.servePass()
	}
}

// servePass goes through heads once. Whoever stood in several lines and leaves
// has changed who is first elsewhere, so that another pass is needed.
func (c *Core) servePass() {
	w := &c.rooms
	for len(w.heads) > 0 {
		l := w.heads[0]
		r := l.front()
		if !w.first(r) {
			heap.Pop(&w.heads)
			continue
		}
		full, ok := c.enter(r)
		switch {
		case !ok:
			c.more, w.freed, w.full = true, true, true // R2, whatever r waits for
			return
		case full == nil:
			if w.leave(r); len(r.queues) > 1 {
				w.freed = true
				return
			}
			if l.len() == 0 {
				heap.Pop(&w.heads)
			} else {
				heap.Fix(&w.heads, 0)
			}
		case full.Queue == "":
			w.full = true
			return
		default:
			heap.Pop(&w.heads)
		}
	}
}

// roomForSome reports whether one of those that wait may be served.
func (c *Core) roomForSome() bool {
	for _, l := range c.rooms.lines {
		if r := l.front(); c.rooms.first(r) && c.noRoom(r) == nil {
			return true
		}
	}
	return false
}

// noRoom is why r, which waits, cannot be entered whatever its jobs' keys are.
// Only the state knows whether it never can: it is asked when nobody else is
// there.
func (c *Core) noRoom(r *Request) *state.FullError {
	if len(r.queues) != 1 {
		return nil
	}
	full, ok := c.state.Room(r.queues[0], r.need, 0).(*state.FullError)
	if !ok || full.Have == 0 || r.need == 0 {
		return nil
	}
	return full
}

// enqueue enters r's jobs, or lets r wait. It reports false, and does nothing, if
// this record has no space for it.
func (c *Core) enqueue(r *Request) bool {
	if q, ok := c.rooms.ahead(r); ok && !c.repeated(r) && !c.joins(r) {
		if r.Wait {
			c.joinRooms(r)
		} else {
			c.refuse(r, c.busy(q))
		}
		return true
	}
	full, ok := c.enter(r)
	if full != nil {
		c.joinRooms(r)
		c.rooms.full = c.rooms.full || full.Queue == ""
	}
	return ok
}

// joinRooms lets r wait for room. If it does so already, over a connection that has
// broken perhaps, then only here from now on.
func (c *Core) joinRooms(r *Request) {
	if before := c.rooms.named[name{r.Request.Client, r.Request.N}]; before != nil {
		c.rooms.leave(before)
		c.rooms.freed = true
		c.refuse(before, ErrDropped)
	}
	c.rooms.join(r)
}

// joins reports whether all of r's jobs are there already, so that it needs no room.
func (c *Core) joins(r *Request) bool {
	for i := range r.Specs {
		if _, there := c.state.Holder(&r.Specs[i]); !there {
			return false
		}
	}
	return true
}

// enter settles r unless it waits and there is no room, which is full. It reports
// false, and does nothing, if this record has no space for it.
func (c *Core) enter(r *Request) (full *state.FullError, ok bool) {
	if r.place == lined {
		if full := c.noRoom(r); full != nil {
			return full, true
		}
	}
	if c.inherits(r) {
		return nil, true
	}
	c.t = state.AppendEnqueue(c.prefix(r), r.Specs...)
	switch cost := record.Cost(len(c.t)); {
	case cost > record.Room:
		c.refuse(r, &TooLargeError{Bytes: cost, Most: record.Room})
		return nil, true
	case cost > c.draft.room:
		return nil, false
	}
	err := c.apply()
	if full, ok := err.(*state.FullError); ok && r.Wait && !full.Never {
		return full, true
	}
	if err == state.ErrOutdated && (r.place == lined || r.Waited) {
		err = ErrUnnamed // it was not carried out when it came, and nobody else waits under its name
	}
	if err != nil {
		c.refuse(r, err)
	} else {
		c.carried(r)
	}
	return nil, true
}

// repeated reports whether the state has an answer for r already, be it that it
// is outdated.
func (c *Core) repeated(r *Request) bool {
	return r.Request.Client != 0 && c.state.Knows(r.Request)
}

// busy refuses an Enqueue that does not wait, since others do.
func (c *Core) busy(queue string) error {
	if err := c.state.Room(queue, 1, 0); err != nil {
		return err
	}
	if q, depth, _ := c.state.QueueCounts(queue); depth > 0 {
		return &state.FullError{Queue: queue, Have: q.Live(), Limit: depth}
	}
	return &state.FullError{Have: c.state.Counts().Live(), Limit: c.state.Limits().Jobs}
}

// refuseLow refuses all Enqueues while the log has little room, but those that
// were carried out before. None of this is the state's doing: it is told at once.
func (c *Core) refuseLow() {
	low := c.lowNow()
	if low == nil {
		return
	}
	for _, r := range slices.Backward(slices.Clone(c.rooms.each())) {
		c.rooms.leave(r)
		r.place = arrived
		c.arrived.pushFront(r) // it came before all that are there
	}
	stay := c.arrived.each()[:0]
	for _, r := range c.arrived.each() {
		if r.Op != Enqueue || c.repeated(r) {
			stay = append(stay, r)
			continue
		}
		r.Err = &LowError{low}
		c.tell(r)
	}
	c.arrived.keep(stay)
}
