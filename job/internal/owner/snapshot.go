package owner

import "github.com/hemgo/hem/job/internal/state"

// A snapshot is the one that the owner writes, if it does.
type snapshot struct {
	open    *state.Snapshot // nil if none is
	first   bool            // the next page comes before requests, since the last record had no space for one
	pressed bool            // the log was full
	ends    bool            // the draft has its end
	bytes   int             // of the draft that belong to the snapshot
	parts   int             // transitions, likewise
}

// snapshotDue reports whether the next record begins a snapshot: when more has
// been logged since the last than a snapshot takes, or an eighth of that while
// the log has little room. With nothing logged since it would shorten nothing.
func (c *Core) snapshotDue() bool {
	h := &c.history
	if h.tail == 0 || h.begin != 0 || c.short(c.snapshotRoom()) {
		return false
	}
	least := max(c.config.SnapshotAfter, c.state.Size())
	if c.lowNow() != nil || c.snapshot.pressed {
		least = max(c.state.Size()/8, int64(c.config.PageBytes/16))
	}
	return h.tail > least
}

// beginSnapshot makes the draft, which is empty, the beginning of one.
func (c *Core) beginSnapshot() {
	c.t = state.AppendSnapBegin(c.t[:0])
	c.addSnapshot()
	c.snapshot.open = c.state.Snapshot()
	c.snapshot.pressed, c.snapshot.first = false, false
}

// waitingPages is how many pages' worth of pre-images may wait before records
// take more than a page each.
const waitingPages = 4

// pageHead is the most bytes of a page that are not content.
const pageHead = 32

// pages adds the next page, or the end of the snapshot, or more pages if much
// waits. A record which requests have filled has none, but then the next one has
// its page first: so neither keeps the other from coming.
func (c *Core) pages() {
	s := &c.snapshot
	for n := 0; s.open != nil; n++ {
		if n > 0 && s.open.Waiting() < waitingPages*c.config.PageBytes {
			return
		}
		if !c.draft.fits(c.config.PageBytes + state.MaxUnit + pageHead) {
			s.first = n == 0
			return
		}
		s.first = false
		c.page()
	}
}

func (c *Core) page() {
	h, s := &c.history, &c.snapshot
	c.t = state.AppendSnapPage(c.t[:0], h.begin, h.pages, nil)
	var more bool
	if c.t, more = s.open.Next(c.t, c.config.PageBytes); !more {
		c.t = state.AppendSnapEnd(c.t[:0], h.begin, h.pages)
		s.open, s.ends = nil, true
	}
	c.addSnapshot()
}

// addSnapshot adds c.t, which is of a snapshot and fits.
func (c *Core) addSnapshot() {
	d, s := &c.draft, &c.snapshot
	if err := c.apply(); err != nil {
		panic("owner: a transition of a snapshot is refused: " + err.Error())
	}
	l, err := state.Look(c.t)
	if err != nil {
		panic("owner: a transition of a snapshot is malformed: " + err.Error())
	}
	if reason := c.history.note(d.header.Seq, d.n-1, &l); reason != "" {
		panic("owner: a transition of a snapshot: " + reason)
	}
	s.bytes += len(c.t)
	s.parts++
}
