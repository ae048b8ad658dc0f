package wire

import (
	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// sentinels are the errors that keep their identity, by number from 1. New ones go
// to the end.
var sentinels = [...]error{
	state.ErrMalformed, state.ErrUnknown,
	state.ErrNoJob, state.ErrForgotten, state.ErrEnded, state.ErrNotReady, state.ErrNotDead, state.ErrFenced,
	state.ErrNoSession, state.ErrKeyTaken, state.ErrNames, state.ErrLimited, state.ErrScope, state.ErrLate,
	state.ErrChildren, state.ErrSchedule, state.ErrOutdated, state.ErrOpen, state.ErrDifferent,
	owner.ErrDropped, owner.ErrDeposed,
	owner.ErrConflict, owner.ErrFull, owner.ErrTooLarge, owner.ErrUnknown, owner.ErrDamaged, owner.ErrTrimmed, owner.ErrClosed,
	owner.ErrUnnamed,
}

// The errors that are not, downwards from the last number.
const (
	errFault    = 255 - iota // any other, as fault.Encode has it
	errFull                  // *state.FullError
	errLost                  // *owner.LostError
	errLow                   // *owner.LowError
	errTooLarge              // *owner.TooLargeError
	errKnot                  // *state.KnotError
)

// mostNested is how deep errors are within others.
const mostNested = 4

// Err is an error, or nil. Those of packages state and owner that a caller may look
// for keep what they are; of others [fault.Encode] decides what is kept.
func (f *Fields) Err(err *error) { f.err(err, mostNested) }

func (f *Fields) err(err *error, depth int) {
	if depth == 0 {
		f.Fail()
		return
	}
	if f.takes {
		*err = f.takeErr(depth)
		return
	}
	f.putErr(*err, depth)
}

func (f *Fields) putErr(err error, depth int) {
	code := codeOf(err)
	if depth == 1 && (code == errLost || code == errLow) {
		code = errFault
	}
	f.Byte(&code)
	switch code {
	case errFull:
		f.full(err.(*state.FullError))
	case errLost:
		f.lost(err.(*owner.LostError), depth)
	case errLow:
		f.err(&err.(*owner.LowError).Err, depth-1)
	case errTooLarge:
		f.tooLarge(err.(*owner.TooLargeError))
	case errKnot:
		f.knot(err.(*state.KnotError))
	case errFault:
		b := fault.Encode(err)
		f.Data(&b)
	}
}

func codeOf(err error) byte {
	if err == nil {
		return 0
	}
	for i, s := range sentinels {
		if err == s {
			return byte(i + 1)
		}
	}
	switch err.(type) {
	case *state.FullError:
		return errFull
	case *owner.LostError:
		return errLost
	case *owner.LowError:
		return errLow
	case *owner.TooLargeError:
		return errTooLarge
	case *state.KnotError:
		return errKnot
	}
	return errFault
}

func (f *Fields) takeErr(depth int) error {
	var code byte
	switch f.Byte(&code); {
	case code == 0:
		return nil
	case int(code) <= len(sentinels):
		return sentinels[code-1]
	case code == errFull:
		e := &state.FullError{}
		f.full(e)
		return e
	case code == errLost:
		e := &owner.LostError{}
		f.lost(e, depth)
		return e
	case code == errLow:
		e := &owner.LowError{}
		f.err(&e.Err, depth-1)
		f.Demand(e.Err != nil)
		return e
	case code == errTooLarge:
		e := &owner.TooLargeError{}
		f.tooLarge(e)
		return e
	case code == errKnot:
		e := &state.KnotError{}
		f.knot(e)
		return e
	case code == errFault:
		err := fault.Decode(f.run())
		f.Demand(err != nil)
		return err
	}
	f.Fail()
	return nil
}

func (f *Fields) full(e *state.FullError) {
	f.Text(&e.Queue)
	f.Bool(&e.Bytes)
	f.Int(&e.Have)
	f.Int(&e.Limit)
	f.Bool(&e.Never)
	f.Bool(&e.Stuck)
}

func (f *Fields) lost(e *owner.LostError, depth int) {
	f.Bool(&e.MayHaveHappened)
	f.err(&e.Err, depth-1)
	f.Demand(e.Err != nil)
}

func (f *Fields) knot(e *state.KnotError) {
	f.Text(&e.Queue)
	f.Text(&e.Limit)
	f.Text(&e.Key)
	f.Int(&e.Most)
	f.Uint(&e.By)
	f.Bool(&e.Depth)
	f.Uint(&e.Of)
	List(f, &e.Ring, mostJobs, f.Uint)
}

func (f *Fields) tooLarge(e *owner.TooLargeError) {
	f.Number(&e.Bytes)
	f.Number(&e.Most)
}
