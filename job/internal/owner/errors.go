package owner

import (
	"errors"
	"fmt"
)

// What the log answered, as the shell tells [Core.Appended] and [Core.Looked].
// They mean what those of package job do. Every other error is ErrUnknown.
var (
	ErrConflict = errors.New("owner: the log goes on elsewhere")
	ErrFull     = errors.New("owner: the log has no room")
	ErrTooLarge = errors.New("owner: the record is too large for the log")
	ErrUnknown  = errors.New("owner: the record may or may not have been stored")
	ErrDamaged  = errors.New("owner: the log is damaged")
	ErrTrimmed  = errors.New("owner: the record has been trimmed from the log")
	ErrClosed   = errors.New("owner: the log is closed")
)

// Why a request was not carried out, if not for a reason that package state has.
var (
	ErrDropped = errors.New("owner: the caller has gone")
	ErrUnnamed = errors.New("owner: it has waited for so long that its name is forgotten: nothing has happened")
	ErrDeposed = errors.New("owner: another owner has taken over")
)

// A LostError answers what was open when a Core ended.
type LostError struct {
	// MayHaveHappened tells whether the request may have been carried out, or
	// may yet be. If not, it has left no trace.
	MayHaveHappened bool
	Err             error // why the Core has ended: [ErrDeposed], [ErrClosed], what End was told, …
}

// Error says why, and whether it may have happened.
func (e *LostError) Error() string {
	if e.MayHaveHappened {
		return e.Err.Error() + "; the request may have been carried out"
	}
	return e.Err.Error() + "; the request was not carried out"
}

// Unwrap gives why the Core has ended.
func (e *LostError) Unwrap() error { return e.Err }

// A LowError refuses an Enqueue while the log has little room.
type LowError struct{ Err error } // what the log said

// Error is what the log said.
func (e *LowError) Error() string { return e.Err.Error() }

// Unwrap gives what the log said.
func (e *LowError) Unwrap() error { return e.Err }

// A shortError says that the log has no room to be made shorter in.
type shortError struct{ left, need int64 }

func (e *shortError) Error() string {
	return fmt.Sprintf("room is low: the log takes %d bytes more, and %d are kept for a snapshot of the jobs that are there", e.left, e.need)
}

// A TooLargeError refuses a request that no record could hold.
type TooLargeError struct{ Bytes, Most int }

// Error says how large it is.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("owner: the request takes %d bytes of a record, of at most %d", e.Bytes, e.Most)
}

// A DamageError says that a log cannot be what owners wrote, or that a newer
// program wrote it. Nothing is guessed: the shard has no owner until a person
// has acted.
type DamageError struct {
	Seq        uint64 // the record
	Transition int    // which of its transitions, from 1; 0 is the record as a whole
	Reason     string // a sentence about "it"
	Hint       string // what a person can do
	Newer      bool   // nothing is known to be damaged
	Err        error  // the refusal, if it was another package's
}

// Error says where, what, and what to do.
func (e *DamageError) Error() string {
	if e.Transition == 0 {
		return fmt.Sprintf("owner: record %d: %s; %s", e.Seq, e.Reason, e.Hint)
	}
	return fmt.Sprintf("owner: record %d, transition %d: %s; %s", e.Seq, e.Transition, e.Reason, e.Hint)
}

// Unwrap gives the refusal of another package, if it was one.
func (e *DamageError) Unwrap() error { return e.Err }
