package owner

import (
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// A draft is the record that is being made, and then that which is in flight.
type draft struct {
	header record.Header
	b      []byte
	room   int  // of record.Room, what is left
	n      int  // transitions
	open   bool // Decide adds to it
}

// begin begins a record of this owner's at a time, as the next of the log.
func (c *Core) begin(now int64, term uint64) {
	last, h, sum := c.chain.Last()
	if last == 0 {
		h.Log = c.config.Log
	}
	d := &c.draft
	d.header = record.Header{Log: h.Log, Seq: last + 1, Prev: sum, Owner: c.config.Owner, Term: term, Now: now}
	d.b = record.Begin(d.b, d.header)
	d.room, d.n, d.open = record.Room, 0, true
	c.people.made = c.people.lived
}

// fits reports whether there is room for a transition of n bytes.
func (d *draft) fits(n int) bool { return record.Cost(n) <= d.room }

// add adds a transition, which fits.
func (d *draft) add(t []byte) {
	d.b = record.Add(d.b, t)
	d.room -= record.Cost(len(t))
	d.n++
}

func (d *draft) finish() {
	d.b = record.Finish(d.b)
	d.open = false
}

// apply carries out c.t as the draft's next transition, which fits. When it is
// refused, or was carried out before, it is not added.
func (c *Core) apply() error {
	if err := c.state.Apply(c.t, &c.out); err != nil {
		return err
	}
	if !c.out.Again {
		c.draft.add(c.t)
		c.heed()
	}
	return nil
}

// carryOut settles r with what comes of c.t, which is what it asks for. It
// reports false, and does nothing, if this record has no space for it.
func (c *Core) carryOut(r *Request) bool {
	switch cost := record.Cost(len(c.t)); {
	case cost > record.Room:
		c.refuse(r, &TooLargeError{Bytes: cost, Most: record.Room})
		return true
	case cost > c.draft.room:
		return false
	}
	if err := c.apply(); err != nil {
		r.Status = c.out.Status // of a Cancel that comes after the end
		c.refuse(r, err)
		return true
	}
	c.carried(r)
	return true
}

// carried settles r, which was carried out now or before.
func (c *Core) carried(r *Request) {
	r.trace = drafted
	if c.out.Again {
		r.trace = before
	}
	c.keep(r, &c.out)
	if r.Follow && r.Op == Enqueue {
		c.watchFrom(r)
	}
	c.settle(r)
}

// prefix begins c.t for r.
func (c *Core) prefix(r *Request) []byte {
	t := c.t[:0]
	if r.Request.Client != 0 {
		t = state.AppendRequest(t, r.Request)
	}
	return t
}
