package owner

import "github.com/hemgo/hem/job/internal/state"

// An Op is what a [Request] asks for.
type Op uint8

// What can be asked for.
const (
	Enqueue Op = 1 + iota
	Claim
	Return
	Complete
	Fail
	Cancel
	Revive
	OpenSession
	EndSession
	OpenClient
	Pause      // of the queue Name; see Paused
	Leave      // a caller waits for Job no longer: if nobody else does, and it was called, it is cancelled
	Schedule   // makes or replaces one
	Unschedule // the one of Name
	Job        // a read
	Counts     // a read
	View       // a read
	Progress   // a read: what was reported of Job
	Report     // of a lease
	Beat       // the session is there
	Attach     // the session is there again, and holds Leases
	Await      // the end of Job, or a report of it
	Listen     // for what the session is to know
	Drained    // waits until nothing of the queue Name is running
	ops
)

var opNames = [...]string{
	Enqueue: "enqueue", Claim: "claim", Return: "return", Complete: "complete",
	Fail: "fail", Cancel: "cancel", Revive: "revive", OpenSession: "open session",
	EndSession: "end session", OpenClient: "open client", Job: "job", Counts: "counts",
	Pause: "pause", Leave: "leave", Schedule: "schedule", Unschedule: "unschedule", View: "view",
	Progress: "progress", Report: "report", Beat: "beat", Attach: "attach", Await: "await",
	Listen: "listen", Drained: "drained",
}

// logs reports whether an Op may have something to be logged. A Claim has if
// there is a job for it.
func (o Op) logs() bool { return o < Job }

// String returns, for example, "enqueue".
func (o Op) String() string {
	if int(o) < len(opNames) && opNames[o] != "" {
		return opNames[o]
	}
	return "no op"
}

// A Request is one that a caller has of the shard, with its answer. From
// [Core.Add] until [Core.Answered] returns it, it is the Core's alone.
type Request struct {
	Op Op

	// Request lets the same request come again, after its answer was lost: it
	// is then answered as before. A Claim has none, as the session's jobs are
	// there to be asked for. The zero Client is none.
	Request state.Request

	// Specs are the jobs of an Enqueue, entered all or none. A RunAt below zero
	// is so many microseconds after they are entered.
	Specs []state.Spec

	// Follow lets an Enqueue of one job be answered when that has ended, or by a
	// report, as an Await is. IDs is the job, also if the caller leaves in the
	// meantime. A job of its key that is about to be cancelled it does not join, but
	// waits for its end and then enters another.
	Follow bool

	// Caller is, of an Enqueue that follows, of the Awaits that go on with it, and of
	// the Leave at the end, who it is that calls: the same number for all of them, and
	// for nobody else. So whoever comes twice, or was answered what he has not heard, is
	// counted once. 0 is nobody who can leave.
	Caller uint64

	// Wait lets an Enqueue wait for room, and a Claim for a job, both in order
	// of arrival. The default is the answer that there is none.
	Wait bool

	Session uint64 // Claim, Return, Complete, Fail, EndSession, Report, Beat, Attach, Listen
	Job     uint64 // Return, Complete, Fail, Cancel, Revive, Leave, Job, Progress, Report, Await
	Epoch   uint32 // Return, Complete, Fail, Report

	Most    int           // of a Claim: jobs, at most; the default is 1
	Filter  state.Filter  // of a Claim; its lists are not changed any more
	Result  []byte        // of a Complete
	Failure state.Failure // of a Fail
	Name    string        // of an OpenSession, the session's; of Pause, Drained and Counts, the queue's, or "" for the shard; of Unschedule
	Remote  bool          // of an OpenSession: it must be heard of, and outlives the owner
	Paused  bool          // of a Pause
	Cause   []byte        // of a Cancel and a Leave: why
	Leases  []Lease       // of an Attach

	// Asker is the attempt whose handler waits: of an Await, of an Enqueue that follows
	// or waits, of a Drained, and of the Pause that it begins with. If it would wait for
	// its own end it is refused, with a [*state.KnotError]. The zero Asker is none.
	Asker Asker

	// Schedule is that of a Schedule. A Next of 0 is the next time after now,
	// by Config.Calendar.
	Schedule *state.Schedule

	// View looks at what there is. It must be quick: nobody is served meanwhile.
	View func(Sight)

	// Report is what a Report says, and what an Await or a Progress gets. An
	// Await that is Watched is answered by a report later than Seen as well, and
	// then has no Jobs. A Listen gets what came later than Seen.
	Report  Reported
	Watched bool
	Seen    uint64

	// Err is why the request was not carried out: a refusal of package state as
	// it is, a [*state.FullError], a [*state.KnotError], a [*LowError], a [*TooLargeError],
	// [ErrDropped], or a [*LostError].
	Err error

	IDs      []uint64     // of an Enqueue, the jobs'; of an OpenSession, the session's; of an OpenClient, the client's; of an Attach, those of Leases that it has not
	Existing []bool       // of an Enqueue: which jobs were there already
	Waited   bool         // of an Enqueue: for a key whose job was about to be cancelled, and not in its place since
	Status   state.Status // Return, Complete, Fail, Cancel, Leave, Revive: the job's after it; also of a Cancel that is refused as ErrEnded
	Jobs     []state.Info // of a Claim, what it was given; of Job, the one; of an Await, the one that has ended
	Cancels  []Cancelled  // of a Listen, oldest first
	Counts   state.Counts
	Depth    int64 // of Counts of a queue

	Tag any // whatever the caller likes; the Core does not look at it

	followed bool        // of a Follow: its job is in the log
	fate     *state.Info // of a Follow, whose job ended with the record that it is in
	place    place
	at       int // where awaiting, listening or draining, and of a Follow that is decided: where in its list
	trace    trace
	dropped  bool     // its caller has gone; only where decided
	arrival  uint64   // in order of Add
	queues   []string // where lined: those of Specs, each once
	need     int64    // likewise, how many of Specs have no key
}

// An Asker is an attempt in whose handler somebody waits.
type Asker struct {
	Job     uint64
	Epoch   uint32
	Endless bool // he waits until it has happened: there is no time at which he gives up
}

// A place is where the Core has a request: in exactly one of its lists.
type place uint8

const (
	nowhere    place = iota // not the Core's
	arrived                 // Core.arrived: undecided
	lined                   // Core.line: an Enqueue waits for room
	inheriting              // Core.heirs: an Enqueue that follows waits for the key of a job which is ending
	claiming                // Core.claims: a Claim waits for a job
	decided                 // Core.held: its answer waits for the record to land
	awaiting                // Core.awaits: an Await waits for the end of a job
	listening               // Core.ears: a Listen waits for something to know
	draining                // Core.drains: a Drained waits for what is running
	answered                // Core.answered
)

// A Lease names a claim of a session's.
type Lease struct {
	Job   uint64
	Epoch uint32
}

// A Cancelled is a job of a session's which is to end.
type Cancelled struct {
	Seq    uint64 // grows, within a session; for Listen's Seen
	Job    uint64
	Epoch  uint32
	Cause  state.Cause
	Detail []byte // what the Cancel had as Cause: of this job, or of one above it
}

// A Reported is what was last reported of a job, while it is running.
type Reported struct {
	Seq         uint64 // grows, within a job's attempt; 0 is nothing
	At          int64  // microseconds
	Epoch       uint32
	Done, Total int64
	Note        string
	Said        bool     // of a Report: Done, Total and Note are so; else Lines alone are told
	Lines       []string // of a Report, new ones; else the newest of all
}
