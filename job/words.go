package job

import (
	"errors"
	"fmt"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/state"
)

// words has the refusals of the state that are always the same, as their callers are
// told them.
var words = map[error]struct {
	kind fault.Kind
	err  error
	hint string
}{
	state.ErrNoJob:     {fault.Invalid, ErrNoJob, "an ID is of one log: take it from Enqueue or Search there"},
	state.ErrForgotten: {fault.Invalid, fmt.Errorf("%w: it has ended, and is no longer kept", ErrNoJob), "ask sooner, or keep more: Config.Kept, Buried and KeptBytes"},
	state.ErrSchedule:  {fault.Invalid, ErrNoSchedule, "Schedules lists those there are"},
	state.ErrNotDead:   {fault.Invalid, errNotDead, "only what is Dead is replayed; enqueue it anew"},
	state.ErrKeyTaken:  {fault.Invalid, errKeyTaken, "let that one end, or cancel it"},
	state.ErrChildren:  {fault.Invalid, errChildren, "give one child several pieces of work, or let children have children"},
	state.ErrDifferent: {fault.Invalid, errDifferent, ""},
	state.ErrFenced:    {fault.Fenced, errFenced, hintFenced},
	state.ErrEnded:     {fault.Fenced, errFenced, hintFenced},
	state.ErrNotReady:  {fault.Fenced, errNotReady, ""},
	state.ErrNoSession: {fault.Fenced, errNoSession, "open another"},
	state.ErrScope:     {fault.Fenced, errScope, "what is to outlive it is enqueued by the owner's own Client"},
	state.ErrNames:     {fault.Overloaded, errNames, "what differs from job to job goes into keys, tags or inputs"},
	state.ErrLimited:   {fault.Overloaded, errLimited, "Why says which"},
	state.ErrOpen:      {fault.Overloaded, errOpen, ""},
	state.ErrLate:      {fault.Deadline, errLate, "give it more time, or enqueue it sooner"},
	state.ErrOutdated:  {fault.Lost, errOutdated, "look whether it has happened before asking again"},
}

// hintFenced is for whoever has lost a job to another attempt.
const hintFenced = "leave it: another attempt, or its end, has taken its place"

var (
	errClosed    = errors.New("the owner is closed")
	errClosing   = errors.New("the owner was closed meanwhile")
	errFenced    = errors.New("the job is not this session's any more")
	errNoSession = errors.New("the session has ended")
	errNotDead   = errors.New("the job is not a dead letter")
	errNotReady  = errors.New("the job is not ready")
	errKeyTaken  = errors.New("another job has the same key")
	errNames     = errors.New("there are too many names of tasks and queues, of groups, of limits or of schedules: 65,536 of each, 1,048,576 of groups")
	errLimited   = errors.New("the job cannot be claimed now: its queue is paused, or a limit is reached")
	errScope     = errors.New("what the job is to belong to has ended")
	errLate      = errors.New("the job's deadline has passed")
	errChildren  = fmt.Errorf("the job that it is to belong to has %d children, which is as many as it may have", state.MaxChildren)
	errOutdated  = errors.New("the request comes too late: it was answered before, or who asks is not known any more")
	errOpen      = fmt.Errorf("there are %d requests open, which is as many as there may be", state.MaxOpen)
	errDifferent = errors.New("another request was made under the same number")
)
