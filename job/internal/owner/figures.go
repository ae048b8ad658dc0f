package owner

import (
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// Figures are what reports show of a Core.
type Figures struct {
	Log      record.ID // zero before there is a record
	Last     uint64    // record
	Term     uint64
	Counts   state.Counts
	ForRoom  int   // Enqueues that wait for room
	ForJobs  int   // Claims that wait for a job
	Tail     int64 // bytes of records since the last snapshot began
	Snapshot bool  // one is under way
}

// Figures returns what there is to show now. It is cheap.
func (c *Core) Figures() Figures {
	last, h, _ := c.chain.Last()
	f := Figures{
		Log: h.Log, Last: last, Term: h.Term,
		ForRoom: c.rooms.len(), ForJobs: c.claims.len(),
		Tail: c.history.tail, Snapshot: c.history.begin != 0,
	}
	if c.state != nil {
		f.Counts = c.state.Counts()
	}
	return f
}
