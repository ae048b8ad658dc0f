package owner

import (
	"bytes"
	"errors"

	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// A flight is how far the draft has come. What is known of it:
//
//	           Append
//	             │
//	   ┌─────────┼────────────┬───────────────┐
//	   ▼         ▼            ▼               ▼
//	 stored   unknown,      conflict,      conflict,
//	          or full:      first time:    after an unknown:
//	          the same      another        Look at its place
//	          bytes again   owner wrote         │
//	          after a pause              ┌──────┼────────┐
//	                                     ▼      ▼        ▼
//	                                  the same  others:  nothing: a stale
//	                                  bytes:    another  reader; the same
//	                                  stored    owner    bytes again
//
//	F1. An unknown append may land whenever it likes, so nothing but the same
//	    bytes is appended until it is known whether it did. Landing twice is
//	    impossible: they name their predecessor.
//	F2. A conflict alone says nothing once an append was unknown: it may be with
//	    these very bytes.
type flight struct {
	takes   bool // the draft is that of TakeOver
	unknown bool // an append of it may land, or may have
}

// Appended tells how the append of [Next].Rec went. err is nil, or one that the
// log's stands for: ErrConflict, ErrFull, ErrTooLarge, ErrClosed, ErrDamaged; any
// other is ErrUnknown. When the record is known to be stored, Next is Idle and
// Answered has what waited for it.
func (c *Core) Appended(t Time, err error) Next {
	if c.phase == ended {
		return Next{Do: Ended, Err: c.why}
	}
	c.only(sending, "Appended")
	c.clock.Follow(t)
	c.people.live(t)
	switch {
	case err == nil:
		return c.landed()
	case errors.Is(err, ErrConflict):
		if c.flight.unknown {
			return c.look(0)
		}
		return c.overtaken()
	case errors.Is(err, ErrFull):
		c.snapshot.pressed = true
		return c.append(pause)
	case errors.Is(err, ErrTooLarge):
		return c.end(err, c.flight.unknown)
	case errors.Is(err, ErrClosed), errors.Is(err, ErrDamaged):
		return c.end(err, true)
	}
	c.flight.unknown = true
	if Mutant.ResendDifferent {
		c.alter()
	}
	return c.append(pause)
}

// Looked tells what the record is that [Look] asked for: nil if the log ends
// before it. err is nil, or one that the log's stands for; after ErrUnknown it is
// looked again.
func (c *Core) Looked(t Time, rec []byte, err error) Next {
	if c.phase == ended {
		return Next{Do: Ended, Err: c.why}
	}
	c.only(looking, "Looked")
	c.clock.Follow(t)
	c.people.live(t)
	switch {
	case errors.Is(err, ErrClosed), errors.Is(err, ErrDamaged):
		return c.end(err, true)
	case errors.Is(err, ErrTrimmed):
		// Another owner has made a snapshot since. What it was of is not known.
		return c.end(ErrDeposed, true)
	case err != nil:
		return c.look(pause)
	case rec == nil:
		return c.append(pause)
	case bytes.Equal(rec, c.draft.b):
		return c.landed()
	}
	return c.overtaken()
}

// overtaken is when another's record is known to be in the draft's place: the
// draft is not stored, nor will be.
func (c *Core) overtaken() Next {
	if c.flight.takes {
		c.phase, c.behind = reading, true
		return Next{Do: ReadOn, After: c.Last(), clock: c.clock}
	}
	if Mutant.IgnoreConflict {
		return c.landed()
	}
	return c.end(ErrDeposed, false)
}

// landed is when the draft is known to be stored.
func (c *Core) landed() Next {
	c.people.sure = c.people.made
	if c.flight.takes {
		if err := c.tookOver(); err != nil {
			return c.end(err, true)
		}
		c.phase = owning
		return c.idle()
	}
	c.chain.Stored(c.draft.header, c.draft.b)
	c.phase = owning
	c.release()
	next := c.idle()
	if !Mutant.TrimEarly {
		next.Trim = c.trim()
	}
	return next
}

// trim is where a snapshot began that ended in the draft.
func (c *Core) trim() uint64 {
	if !c.snapshot.ends {
		return 0
	}
	c.snapshot.ends = false
	return c.history.whole
}

// alter makes other bytes of the draft.
func (c *Core) alter() {
	c.draft.b = record.Add(c.draft.b[:len(c.draft.b)-4], state.AppendAdvance(nil))
	c.draft.b = record.Finish(c.draft.b)
}
