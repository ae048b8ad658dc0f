package owner

// Mutant has a switch for each rule that can be broken on purpose, so that the
// simulation can show that it would notice. Only tests set one, before anything
// runs.
var Mutant Switches

// Switches are those of [Mutant].
type Switches struct {
	AckBeforeAppend bool // answers do not wait for their record
	ResendDifferent bool // after an unknown outcome it is not the same bytes that are appended again
	IgnoreConflict  bool // a deposed owner goes on
	EarlyTimers     bool // the clock is ahead of itself when a timer is due within a second
	TrimEarly       bool // the log is trimmed before the snapshot's end has landed
	Barges          bool // an Enqueue overtakes those that wait for room
	KeepsClaims     bool // a claim whose caller has gone is not given back
	SkipsBegin      bool // a record in which nothing was carried out is not written
	AnyReport       bool // who does not hold a job can report of it
	NobodyDies      bool // a session that is not heard is there for ever
	BeatsUnsure     bool // an owner that was deposed answers beats as long as it has nothing to write
	TicksEarly      bool // a schedule is moved on up to a second before it is due
	LeaveAnyway     bool // who leaves cancels the job though others wait for it
	AttachKeeps     bool // what a session was given and has not stays its
	DiesAsleep      bool // time in which the owner was stopped counts against sessions
	ForgetsAwait    bool // who waits for a job that is cancelled is not told
	CancelNotTold   bool // nor is who works on it
	JoinsEnding     bool // a call joins a job that is about to be cancelled
}
