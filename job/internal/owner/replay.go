package owner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// Start makes the Core expect a log whose first record has this number: what it
// has read is forgotten. From record 1 on everything is applied. In a log of which
// the oldest records are gone, the first snapshot that is complete is all of the
// state: what comes before it is passed over, its pages are gathered, and what was
// logged meanwhile is applied when it is complete. It need not be the first record,
// for a trim may have been interrupted.
//
// # Panics
//
// Start panics if first is 0, or once the Core has begun to take over.
func (c *Core) Start(first uint64) {
	c.only(reading, "Start")
	c.chain.Start(first)
	c.state, c.restore, c.history, c.damage, c.behind = state.New(), nil, history{}, nil, false
	if first != 1 {
		c.state, c.restore = nil, new(restore)
		c.history.first = first
	}
}

// Last returns the number of the record that was replayed last, or that before
// the first.
func (c *Core) Last() uint64 {
	last, _, _ := c.chain.Last()
	return last
}

// Replay takes the next record of the log. It does not keep it.
//
// # Errors
//
// A [*DamageError] if no owner can have written it there. It stays.
//
// # Panics
//
// Replay panics while taking over or owning.
func (c *Core) Replay(seq uint64, rec []byte) error {
	c.only(reading, "Replay")
	c.behind = false
	if c.damage == nil {
		c.damage = c.replay(seq, rec)
	}
	return c.damage
}

func (c *Core) replay(seq uint64, rec []byte) error {
	_, last, _ := c.chain.Last()
	h, body, err := c.chain.Next(seq, rec)
	if err != nil {
		reason := err.Error()
		if e, ok := errors.AsType[*record.Error](err); ok {
			reason = e.Reason
		}
		return damage(seq, -1, reason, err)
	}
	if h.Now > state.MaxTime {
		return damage(seq, -1, "its time is out of range", nil)
	}
	opens := h.Term != last.Term
	switch {
	case last.Seq == 0 && seq > 1:
		opens = firstKind(body) == state.KindTakeover // or its term began in a record that is gone
	case opens && h.Term != last.Term+1:
		return damage(seq, -1, fmt.Sprintf("its term is %d, and that before it %d", h.Term, last.Term), nil)
	}
	if err := c.survey(seq, body, opens, len(rec)); err != nil {
		return err
	}
	if c.restore != nil {
		return c.gather(h, body)
	}
	c.state.Begin(h.Now)
	return c.replayAll(seq, body)
}

// firstKind is what the first transition of a record is.
func firstKind(body record.Body) state.Kind {
	t, _ := body.Next()
	l, _ := state.Look(t)
	return l.Kind
}

// survey looks at what a record does to the log: who owns it, and its snapshots.
func (c *Core) survey(seq uint64, body record.Body, opens bool, bytes int) error {
	var snapshots int
	var other bool
	for i := 0; ; i++ {
		t, ok := body.Next()
		if !ok {
			break
		}
		l, err := state.Look(t)
		if err != nil {
			return refused(seq, i, err)
		}
		switch takes := l.Kind == state.KindTakeover; {
		case takes && i > 0:
			return damage(seq, i, "it is a takeover, but not the first of its record", nil)
		case takes && !opens:
			return damage(seq, i, "it is a takeover, but no new term", nil)
		case !takes && opens && i == 0:
			return damage(seq, i, "it is the first of a new term, but no takeover", nil)
		}
		if l.Kind == state.KindOther || l.Kind == state.KindTakeover {
			other = true
		} else {
			snapshots += len(t)
		}
		if reason := c.history.note(seq, i, &l); reason != "" {
			return damage(seq, i, reason, nil)
		}
	}
	c.history.grow(bytes, snapshots, other)
	return nil
}

// replayAll applies the transitions of a record.
func (c *Core) replayAll(seq uint64, body record.Body) error {
	for i := 0; ; i++ {
		t, ok := body.Next()
		if !ok {
			return nil
		}
		if err := c.state.Apply(t, nil); err != nil {
			return refused(seq, i, err)
		}
	}
}

// A restore looks for the first complete snapshot of a log, and reads it.
type restore struct {
	first   uint64 // the record in which the one at hand began; 0 if none has, or it was abandoned
	now     int64  // of that
	pages   *state.Restore
	pending []pending // records, for afterwards
}

// A pending record has its transitions one after the other, each with its length
// before it.
type pending struct {
	seq  uint64
	now  int64
	body []byte
}

// gather takes a record while the log's first complete snapshot is looked for.
func (c *Core) gather(h record.Header, body record.Body) error {
	r := c.restore
	switch firstKind(body) {
	case state.KindTakeover:
		*r = restore{} // nobody ends the snapshot at hand
		return nil
	case state.KindSnapBegin:
		*r = restore{first: h.Seq, now: h.Now, pages: state.NewRestore()}
	}
	if r.first == 0 {
		return nil
	}
	p := pending{seq: h.Seq, now: h.Now}
	c.t = c.t[:0]
	for i := 0; ; i++ {
		t, ok := body.Next()
		if !ok {
			break
		}
		l, _ := state.Look(t)
		if l.Kind == state.KindSnapPage {
			if err := r.pages.Page(l.Content); err != nil {
				return damage(h.Seq, i, "it is a page of a snapshot, which is refused: "+err.Error(), err)
			}
		}
		if l.Kind != state.KindOther {
			t = advance // keeps the place, so that those after it have their index
		}
		c.t = record.Add(c.t, t)
	}
	p.body = slices.Clone(c.t)
	r.pending = append(r.pending, p)
	if c.history.whole == r.first {
		return c.restored(h.Seq)
	}
	return nil
}

var advance = state.AppendAdvance(nil)

// restored applies what was logged while the snapshot was taken.
func (c *Core) restored(end uint64) (err error) {
	r := c.restore
	if c.state, err = r.pages.State(); err != nil {
		return damage(end, -1, "the snapshot that ends in it is refused: "+err.Error(), err)
	}
	if c.state.Now() != r.now {
		return damage(end, -1, "the snapshot that ends in it is of another time than the record in which it began", nil)
	}
	c.restore = nil
	for n, p := range r.pending {
		if n > 0 { // the snapshot is of the first after its beginning
			c.state.Begin(p.now)
		}
		for i := 0; len(p.body) > 0; i++ {
			length, prefix := binary.Uvarint(p.body)
			end := prefix + int(length)
			if err := c.state.Apply(p.body[prefix:end], nil); err != nil {
				return refused(p.seq, i, err)
			}
			p.body = p.body[end:]
		}
	}
	return nil
}

// refused is the damage that the state refuses transition i of record seq.
func refused(seq uint64, i int, err error) error {
	return damage(seq, i, "it is refused: "+err.Error(), err)
}

const (
	hintRestore = "restore the directory of the log from a backup"
	hintUpdate  = "update this program"
)

// damage is that of transition i of record seq; -1 is the whole.
func damage(seq uint64, i int, reason string, err error) error {
	e := &DamageError{Seq: seq, Transition: i + 1, Reason: reason, Hint: hintRestore, Err: err}
	rec, ok := errors.AsType[*record.Error](err)
	if ok && rec.Newer || errors.Is(err, state.ErrUnknown) {
		e.Newer, e.Hint = true, hintUpdate
	}
	return e
}

// only panics unless the phase is p.
func (c *Core) only(p phase, call string) {
	if c.phase != p {
		panic("owner: " + call + " while " + c.phase.String())
	}
}

func (p phase) String() string {
	return [...]string{"reading", "sending", "looking", "owning", "ended"}[p]
}
