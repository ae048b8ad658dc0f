package state

import (
	"errors"
	"fmt"
)

// Why [State.Apply] does not carry a transition out. The state is then as it was.
// An owner answers its client with it; in a log it is damage, for an owner logs
// only what was carried out.
var (
	ErrMalformed = errors.New("state: transition is malformed")
	ErrUnknown   = errors.New("state: transition is of a kind that is not known")

	ErrNoJob     = errors.New("state: there is no such job, nor was there one")
	ErrForgotten = errors.New("state: the job has ended, and is no longer kept")
	ErrEnded     = errors.New("state: the job has ended")
	ErrNotReady  = errors.New("state: the job is not ready")
	ErrNotDead   = errors.New("state: the job is not a dead letter")
	ErrFenced    = errors.New("state: the job is not this session's, under this epoch")
	ErrNoSession = errors.New("state: there is no such session")
	ErrKeyTaken  = errors.New("state: a live job has the same key")
	ErrNames     = errors.New("state: there are too many tasks and queues by name")
	ErrLimited   = errors.New("state: the job cannot be claimed now: its queue is paused, or a limit is reached")
	ErrScope     = errors.New("state: what the job is to belong to has ended")
	ErrLate      = errors.New("state: the job's deadline has passed")
	ErrChildren  = errors.New("state: the job has as many children as it may")
	ErrSchedule  = errors.New("state: there is no such schedule, or it was moved on")

	ErrOutdated  = errors.New("state: the client has the answer to this request already, or is not known any more")
	ErrOpen      = errors.New("state: the client has too many requests open")
	ErrDifferent = errors.New("state: the client's request was another one")
)

// A KnotError says that a job was not entered, or is not waited for, because it could
// not run before those have ended who wait for it: they have all that its queue, or
// its limit's key, allows to run; or, with Depth, all its room. With Of they wait
// for one of themselves.
type KnotError struct {
	Queue, Limit, Key string // Limit is "" if it is the queue's
	Most              int64
	By                uint64 // the nearest of them
	Depth             bool
	Of                uint64 // By, or one above it, whose end is waited for; or, if there is a Queue, which runs in it

	// Ring are those that would wait for each other: By for the first, each for the
	// next, the last for By. If there is a Queue, By would wait for what runs in it,
	// of which the first is one.
	Ring []uint64
}

// Error says what they have.
func (e *KnotError) Error() string {
	if len(e.Ring) > 0 {
		return fmt.Sprintf("state: job %d would wait for job %d, which waits for it", e.By, e.Ring[0])
	}
	if e.Of != 0 {
		return fmt.Sprintf("state: job %d would wait for job %d, which is itself or above it", e.By, e.Of)
	}
	if e.Limit == "" {
		return fmt.Sprintf("state: queue %q runs %d jobs at a time, and those that wait for this one are as many", e.Queue, e.Most)
	}
	return fmt.Sprintf("state: limit %q of key %q lets %d jobs run at a time, and those that wait for this one are as many", e.Limit, e.Key, e.Most)
}

// A FullError says that jobs were not entered because a limit was reached.
type FullError struct {
	Queue string // "" if the limit is the shard's
	Bytes bool   // the limit is one of bytes, not of jobs
	Have  int64
	Limit int64
	Never bool // not even if there were no other jobs
	Stuck bool // whoever could make room waits for it as well
}

// Error says which limit.
func (e *FullError) Error() string {
	unit := "jobs"
	if e.Bytes {
		unit = "bytes"
	}
	if e.Queue == "" {
		return fmt.Sprintf("state: the shard has %d %s, of at most %d", e.Have, unit, e.Limit)
	}
	return fmt.Sprintf("state: queue %q has %d %s, of at most %d", e.Queue, e.Have, unit, e.Limit)
}
