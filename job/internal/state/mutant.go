package state

// Mutant has a switch for each promise that can be broken on purpose, so that
// the simulation can show that it would notice. Only tests set one, before
// anything runs.
var Mutant struct {
	SkipPreimage     bool // a snapshot has a touched job as it is, not as it was
	SnapshotDropsJob bool // and misses the last one
	KeyNotFreed      bool // an ended job keeps its key
	KeyTwice         bool // two live jobs may have a key
	AnyEpoch         bool // a completion counts under any epoch, by any session
	TwiceDone        bool // a job that has ended is completed again
	CancelKeepsReady bool // a cancelled job can be claimed
	DepthOff         bool // limits are not looked at
	TimersEarly      bool // jobs are ready before they are due
	ForgetsRequest   bool // a request that is repeated is carried out again
	PriorityIgnored  bool
	SessionKeepsJobs bool // what an ended session had claimed stays claimed
	LimitIgnored     bool // what is Running counts for no limit
	RateIgnored      bool // every claim is on time
	PauseIgnored     bool // jobs of a paused queue can be claimed
	FairOff          bool // groups have no turns
	ScopeStaysOpen   bool // jobs can be entered into a scope that has ended
	AttachedLives    bool // jobs outlive what they are attached to
	ChildForgotten   bool // a child that is done is forgotten although its parent may ask again
	TurnSaved        bool // a group's turns are counted from where it was
	TurnForgotten    bool // a group without jobs is as good as new
	ReviveAttached   bool // an attached job lives again, without its caller
	CancelStops      bool // what a cancelled job has begun goes on
	DeadlineIgnored  bool
	TicksEarly       bool // a tick is carried out before it is due
	TickStays        bool // a tick is entered twice
	TakeoverEndsAll  bool // remote sessions as well
	LosesJob         bool // a failed job that should wait for its next attempt is forgotten
}
