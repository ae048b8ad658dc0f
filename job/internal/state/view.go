package state

// A Status is where a job is in its life.
//
//	             due                 claim                complete
//	Scheduled ────────▶ Ready ─────────────────▶ Running ───────────▶ Done
//	    ▲                 │ ▲       return, lost    │ │
//	    │ fail            │ └───────────────────────┘ ├─ the last fail ─▶ Dead ─ revive ─▶ Ready
//	    └─────────────────┼───────────────────────────┘
//	                      └── cancel ─▶ Cancelled   (a Running one: when its attempt ends without being Done)
//
// Scheduled, Ready and Running are live; Done, Dead and Cancelled are ended, and
// are kept for a while before they are forgotten.
type Status uint8

// The statuses.
const (
	Scheduled Status = 1 + iota
	Ready
	Running
	Done
	Dead
	Cancelled
)

// Live reports whether a job is yet to end.
func (s Status) Live() bool { return s >= Scheduled && s <= Running }

// An Info is what there is to say of a job. Its bytes are copies.
type Info struct {
	ID          uint64
	Task        string
	Queue       string
	Key         string
	Status      Status
	Cancel      bool // somebody wants it to end; only while Running
	Priority    int8
	Attempt     int    // how often it was claimed since it was entered or revived
	Attempts    int    // how often it may be
	Epoch       uint32 // how often it was claimed ever
	Session     uint64 // whose it is; only while Running
	SessionName string // its name
	Entered     int64  // microseconds, as all times
	Since       int64  // when it came to its Status
	Due         int64  // Scheduled: when it is ready; ended: when it is forgotten; else 0
	Input       []byte // nil when it is Done or Cancelled
	Result      []byte // when it is Done
	Failures    []Attempt

	// Detail is, when it is Dead or Cancelled, the last attempt's error if that
	// ended it, else why it was cancelled; and while Cancel, why. Cause says what
	// of that it is.
	Detail []byte
	Cause  Cause

	Group           string
	Limit, LimitKey string
	Unique          Unique
	Timeout         int64
	Deadline        int64
	Scope           uint64 // the session that it is attached to
	Parent          uint64
	ParentEpoch     uint32
	Attached        bool
	Called          bool

	Tags                    []string
	TraceParent, TraceState string
	Schedule                string
	Tick                    int64
}

// A Cause is what a job ended by, or is to end by.
type Cause uint8

// The causes.
const (
	CauseNone     Cause = iota
	CauseFailed         // an attempt's error, be it of one that was cancelled
	CauseLost           // the session of its last attempt ended
	CauseDeadline       // its deadline passed before an attempt could begin
	CauseAsked          // somebody cancelled it
	CauseScope          // what it belonged to ended, or was cancelled
	causes
)

// An Attempt is one that failed. Of a job's, the newest few are kept.
type Attempt struct {
	Epoch uint32
	At    int64 // when it failed
	Error string
}

// Counts are of jobs.
type Counts struct {
	Scheduled, Ready, Running, Done, Dead, Cancelled int64
	Bytes                                            int64 // of the inputs and keys of live jobs, and of what stays with a live parent
}

// Live is how many have yet to end.
func (c Counts) Live() int64 { return c.Scheduled + c.Ready + c.Running }

// A Filter says which jobs a claim is for; nil is all.
type Filter struct {
	Tasks  []string
	Queues []string
}

// An Outcome is what [State.Apply] says of a transition that it carried out. It
// is reused, so whoever keeps something of it copies it.
type Outcome struct {
	// IDs are the jobs' of an Enqueue, in order, and the session's of a
	// SessionOpen. Existing[i] tells that job i was there already.
	IDs      []uint64
	Existing []bool

	Epoch  uint32 // of a Claim
	Status Status // of the job after it: Cancel, Fail, Complete, Return, Revive; and of a Tick's
	Again  bool   // the request had been carried out before; this is its answer
}
