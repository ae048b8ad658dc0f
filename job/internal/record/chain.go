package record

import (
	"errors"
	"fmt"
)

// A Chain checks that records follow each other. The zero Chain expects record 1,
// of any log. One goroutine may use it at a time.
type Chain struct {
	seq  uint64 // of the last record, 0 if there is none
	last Header // of the last record; zero if Next or Stored saw none since Start
	sum  Hash   // of the last record; likewise
}

// Start forgets what c knows and makes it expect the record seq, of any log and
// after any predecessor: the oldest that is left of a trimmed log.
//
// # Panics
//
// Start panics if seq is 0: records are numbered from 1.
func (c *Chain) Start(seq uint64) {
	if seq == 0 {
		panic("record: Start of a Chain at record 0")
	}
	*c = Chain{seq: seq - 1}
}

// Last returns the number, header and hash of the last record. Of a Chain that
// has seen none it returns the number before the one it expects, and zeros.
func (c Chain) Last() (seq uint64, h Header, sum Hash) {
	return c.seq, c.last, c.sum
}

// Next opens rec, which the log calls seq, and returns what [Open] does if it
// follows the last record. Otherwise its error is an [*Error] with that number,
// and c is as it was.
func (c *Chain) Next(seq uint64, rec []byte) (Header, Body, error) {
	h, body, err := Open(rec)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.Seq = seq
		}
		return Header{}, Body{}, err
	}
	if reason := c.flaw(seq, &h); reason != "" {
		return Header{}, Body{}, &Error{Seq: seq, Reason: reason}
	}
	c.advance(h, rec)
	return h, body, nil
}

// Stored tells c that rec, which has the header h and which its owner has just
// made, is the next record of the log. It costs no more than its hash.
//
// # Panics
//
// Stored panics if h does not follow the last record, or is not what rec begins
// with: the owner's mistake, and nobody will be able to read the log past it.
func (c *Chain) Stored(h Header, rec []byte) {
	switch reason := c.flaw(h.Seq, &h); {
	case reason != "":
		panic("record: Stored of a record that does not follow: " + reason)
	case len(rec) <= headerBytes+crcBytes || readHeader(rec) != h:
		panic("record: Stored of a record that has another header")
	}
	c.advance(h, rec)
}

func (c *Chain) advance(h Header, rec []byte) {
	c.seq, c.last, c.sum = h.Seq, h, Sum(rec)
}

// flaw says why h, which the log calls seq, does not follow the last record, or
// "". Of a record that was accepted before, the number and the hash say all; the
// rest is for one that a faulty owner wrote.
func (c *Chain) flaw(seq uint64, h *Header) string {
	last := &c.last
	switch {
	case seq != c.seq+1:
		return fmt.Sprintf("the log gave it after record %d", c.seq)
	case h.Seq != seq:
		return fmt.Sprintf("it says it is record %d", h.Seq)
	case last.Seq == 0:
		return "" // the first one that c sees
	case h.Log != last.Log:
		return fmt.Sprintf("it is of log %v, the one before it of %v", h.Log, last.Log)
	case h.Prev != c.sum:
		return "it follows another record than the one before it"
	case h.Term < last.Term:
		return fmt.Sprintf("its term %d is lower than %d before it", h.Term, last.Term)
	case h.Term == last.Term && h.Owner != last.Owner:
		return fmt.Sprintf("it has another owner than the one before it, in the same term %d", h.Term)
	case h.Term > last.Term && h.Owner == last.Owner:
		return fmt.Sprintf("its term %d is higher than %d before it, of the same owner", h.Term, last.Term)
	case h.Now < last.Now:
		return fmt.Sprintf("its time is %d µs before that of the one before it", last.Now-h.Now)
	}
	return ""
}
