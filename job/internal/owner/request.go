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
	Job    // a read
	Counts // a read
)

var opNames = [...]string{
	Enqueue: "enqueue", Claim: "claim", Return: "return", Complete: "complete",
	Fail: "fail", Cancel: "cancel", Revive: "revive", OpenSession: "open session",
	EndSession: "end session", OpenClient: "open client", Job: "job", Counts: "counts",
}

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

	// Wait lets an Enqueue wait for room, and a Claim for a job, both in order
	// of arrival. The default is the answer that there is none.
	Wait bool

	Session uint64 // Claim, Return, Complete, Fail, EndSession
	Job     uint64 // Return, Complete, Fail, Cancel, Revive, Job
	Epoch   uint32 // Return, Complete, Fail

	Most    int           // of a Claim: jobs, at most; the default is 1
	Filter  state.Filter  // of a Claim
	Result  []byte        // of a Complete
	Failure state.Failure // of a Fail
	Name    string        // of an OpenSession, the session's; of Counts, the queue's, or "" for the shard

	// Err is why the request was not carried out: a refusal of package state as
	// it is, a [*state.FullError], a [*LowError], a [*TooLargeError],
	// [ErrDropped], or a [*LostError].
	Err error

	IDs      []uint64     // of an Enqueue, the jobs'; of an OpenSession, the session's; of an OpenClient, the client's
	Existing []bool       // of an Enqueue: which jobs were there already
	Status   state.Status // Return, Complete, Fail, Cancel, Revive: the job's after it; also of a Cancel that is refused as ErrEnded
	Jobs     []state.Info // of a Claim, what it was given; of Job, the one
	Counts   state.Counts
	Depth    int64 // of Counts of a queue

	Tag any // whatever the caller likes; the Core does not look at it

	place   place
	trace   trace
	dropped bool     // its caller has gone; only where decided
	arrival uint64   // in order of Add
	queues  []string // where lined: those of Specs, each once
	need    int64    // likewise, how many of Specs have no key
}

// A place is where the Core has a request: in exactly one of its lists.
type place uint8

const (
	nowhere  place = iota // not the Core's
	arrived               // Core.arrived: undecided
	lined                 // Core.line: an Enqueue waits for room
	claiming              // Core.claims: a Claim waits for a job
	decided               // Core.held: its answer waits for the record to land
	answered              // Core.answered
)
