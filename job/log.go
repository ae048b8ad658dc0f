package job

import (
	"context"
	"errors"
)

// MaxRecord is the most bytes that a record has, and that a [Log] must be able
// to store: 512 KiB.
const MaxRecord = 512 << 10

// A Log is where the truth of a shard is kept: records, numbered from 1 without
// a gap, of which only the oldest are ever forgotten. Many may read it and
// several may try to append to it; whoever names the wrong predecessor is
// refused, and this alone is what keeps two owners apart.
//
// jobtest.Exercise holds every Log to what is written here, and jobtest.Memory
// is one whose disk fails when a test says so. Any goroutine may use a Log;
// Trim runs beside Append and Read.
//
// A Log whose room can end should also have the methods
//
//	Low() error
//	Room() int64
//
// which are asked before each record, so they must be cheap. While Low returns an
// error, saying how much room is left and what a person can do, the owner refuses
// new jobs with it and goes on completing those it has. Room is how many bytes of
// records there is room for. The owner keeps what a snapshot takes, and as much
// again: a log that cannot take one cannot be made shorter.
type Log interface {
	// Append stores rec as the record after+1, if after is the last one there
	// is. When it returns nil, rec survives a loss of power. It does not keep
	// rec. A ctx that ends before rec is known to be stored is ErrUnknown.
	//
	// # Errors
	//
	// ErrConflict if after is not the last record; ErrTooLarge if rec has more
	// than MaxRecord bytes, or none; ErrFull if there is no room. Then nothing
	// has been stored, nor will be. ErrUnknown, and every other error, means
	// that rec may have been stored, or may yet be.
	Append(ctx context.Context, after uint64, rec []byte) error

	// Read calls f with every record from the one numbered from to the last, in
	// order. It never ends early in silence: it returns nil only after the last
	// record that was stored when it began. From one past the last record it
	// calls nothing and returns nil. rec is f's until f returns.
	//
	// # Errors
	//
	// ErrTrimmed if from is older than what is left, also if it becomes so
	// meanwhile; ErrDamaged if a record is missing or is not what was appended,
	// or if from is more than one past the last; f's own error, untouched, which
	// ends the reading; ctx's.
	Read(ctx context.Context, from uint64, f func(seq uint64, rec []byte) error) error

	// Bounds returns the numbers of the first and the last record there are. An
	// empty log has first = last+1, a new one 1 and 0. It is a hint: both may be
	// stale by the time they are returned, and on a replica before.
	Bounds(ctx context.Context) (first, last uint64, err error)

	// Trim forgets the records before the one numbered before, some at a time,
	// so that nobody who appends waits for long. What is gone already stays
	// gone: trimming again, or to an older number, changes nothing. If it fails
	// midway, some of the oldest are gone and the rest is whole. The last record
	// is never forgotten: a before that is past it is ErrConflict, and nothing
	// is forgotten.
	Trim(ctx context.Context, before uint64) error

	// Close gives back what the log holds. It waits for calls that are under
	// way; later ones fail with ErrClosed. Closing again does nothing.
	Close() error
}

// What a [Log] answers. They are matched by errors.Is; what wraps them says
// where and why.
var (
	ErrConflict = errors.New("job: the log goes on elsewhere")
	ErrTooLarge = errors.New("job: record is too large for the log, or empty")
	ErrFull     = errors.New("job: the log has no room")
	ErrUnknown  = errors.New("job: record may or may not have been stored")
	ErrDamaged  = errors.New("job: the log is damaged")
	ErrTrimmed  = errors.New("job: record has been trimmed from the log")
	ErrClosed   = errors.New("job: the log is closed")
)
