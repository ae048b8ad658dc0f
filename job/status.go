package job

import (
	"strconv"
	"time"

	"github.com/hemgo/hem/job/internal/state"
)

// A State is where a job is in its life.
//
//	           due               claimed              completed
//	Delayed ────────▶ Ready ─────────────────▶ Running ───────────▶ Done
//	  ▲                 │ ▲   returned, lost      │ │
//	  │ failed          │ └───────────────────────┘ ├─ for the last time ─▶ Dead ─ replayed ─▶ Ready
//	  └─────────────────┼───────────────────────────┘
//	                    └── cancelled ─▶ Cancelled   (Running: when its attempt ends without being Done)
//
// The first three are live, the others have ended.
type State uint8

// The states of a job. The zero State is none of them.
const (
	Delayed   State = 1 + iota // waits for its time, or for its next attempt
	Ready                      // waits to be claimed
	Running                    // is a session's
	Done                       // was completed
	Dead                       // has failed for good: a dead letter
	Cancelled                  // was cancelled
)

// They are numbered as in package state.
var _ [0]struct{} = [Cancelled - State(state.Cancelled)]struct{}{}

var stateNames = [...]string{
	Delayed:   "delayed",
	Ready:     "ready",
	Running:   "running",
	Done:      "done",
	Dead:      "dead",
	Cancelled: "cancelled",
}

// String gives the state's name in lower case.
func (s State) String() string {
	if int(s) < len(stateNames) && s != 0 {
		return stateNames[s]
	}
	return "state " + strconv.Itoa(int(s))
}

// Live reports whether the job is yet to end.
func (s State) Live() bool { return state.Status(s).Live() }

// A Status is what there is to say of a job.
type Status struct {
	ID         ID
	Task       string
	Queue      string
	Key        string // "" if it has none
	State      State
	Cancelling bool // Running, and to be Cancelled unless it is Done first
	Priority   int

	Group    string   // see [Group]
	Limit    string   // that it counts for, "" is none
	LimitKey string   // and under which key
	Tags     []string // in order

	Attempt  int       // how many attempts began, since the last Replay
	Attempts int       // how many there may be
	Failures []Failure // the newest few, oldest first

	// Error is why it is Dead or Cancelled, as whoever waits for it is told; else
	// nil.
	Error error

	Epoch   uint32 // how often it was claimed, ever: see [FencingToken]
	Session string // Running: the name of the session that has claimed it

	Timeout  time.Duration // of an attempt; 0 is any
	Deadline time.Time     // when it is too late to begin one; zero is never

	Entered time.Time // when it was accepted
	Since   time.Time // when it came to its State
	Due     time.Time // Delayed: when it is Ready. Ended: when it is forgotten. Else zero

	Parent   ID   // the job that has begun it through [Current]; 0 is none
	Attached bool // it ends with what it belongs to: its parent's attempt, or the session of its caller

	Schedule string    // that it comes from, "" is none
	Tick     time.Time // when it was due there
}

// A Failure is an attempt that failed.
type Failure struct {
	Epoch uint32 // which of the job's claims it was: see [FencingToken]
	At    time.Time
	Error string // cut to 1 KiB
}

// Counts are of jobs, by their State.
type Counts struct {
	Delayed, Ready, Running int64
	Done, Dead, Cancelled   int64 // those that are still kept

	// Bytes are those of the inputs and keys of live jobs.
	Bytes int64
}

// Live is how many have yet to end.
func (c Counts) Live() int64 { return c.Delayed + c.Ready + c.Running }

func countsOf(c state.Counts) Counts {
	return Counts{
		Delayed: c.Scheduled, Ready: c.Ready, Running: c.Running,
		Done: c.Done, Dead: c.Dead, Cancelled: c.Cancelled,
		Bytes: c.Bytes,
	}
}

func statusOf(i *state.Info) Status {
	s := Status{
		ID: ID(i.ID), Task: i.Task, Queue: i.Queue, Key: i.Key,
		State: State(i.Status), Cancelling: i.Cancel, Priority: int(i.Priority),
		Group: i.Group, Limit: i.Limit, LimitKey: i.LimitKey, Tags: i.Tags,
		Attempt: i.Attempt, Attempts: i.Attempts, Epoch: i.Epoch, Session: i.SessionName,
		Timeout: time.Duration(i.Timeout) * time.Microsecond, Deadline: timeOf(i.Deadline),
		Entered: timeOf(i.Entered), Since: timeOf(i.Since), Due: timeOf(i.Due),
		Parent: ID(i.Parent), Attached: i.Attached,
		Schedule: i.Schedule, Tick: timeOf(i.Tick),
	}
	for _, f := range i.Failures {
		s.Failures = append(s.Failures, Failure{Epoch: f.Epoch, At: timeOf(f.At), Error: f.Error})
	}
	if i.Status == state.Dead || i.Status == state.Cancelled {
		s.Error = outcome(opWait, i)
	}
	return s
}

// timeOf is the time that the log says, the zero Time for 0.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}
