package owner

import "time"

// A Do is what a [Next] tells the shell to do.
type Do uint8

// What there is to do.
const (
	Idle   Do = iota // nothing: Answered, and Decide when something has arrived or at Wake
	Append           // append Rec after After, then Appended
	Look             // read the record After+1, then Looked
	ReadOn           // read from After+1 on, Replay each, then TakeOver
	Ended            // the Core has ended: Answered, and Err says why
)

// String returns, for example, "append".
func (d Do) String() string {
	return [...]string{"idle", "append", "look", "read on", "ended"}[d]
}

// A Next is what the shell does next.
type Next struct {
	Do    Do
	After uint64        // Append, Look, ReadOn
	Rec   []byte        // Append: not to be changed; valid until the next Decide or TakeOver
	Pause time.Duration // before doing it
	Wake  int64         // Idle: the Core's time at which to Decide at the latest; 0 if it knows of none: see Sleeps
	Trim  uint64        // beside everything else, forget the records before it; 0 is none
	Err   error         // Ended

	clock Clock
	soon  bool // there is something to be looked at every second
}

// pause is how long after an outcome that was not the hoped for the log is asked
// again.
const pause = 250 * time.Millisecond

// idle is what to do while owning with nothing in flight.
func (c *Core) idle() Next {
	return Next{Do: Idle, Wake: c.wake(), clock: c.clock, soon: c.people.remote() || c.rooms.asked > 0}
}

// append is to append the draft.
func (c *Core) append(after time.Duration) Next {
	c.phase = sending
	last, _, _ := c.chain.Last()
	return Next{Do: Append, After: last, Rec: c.draft.b, Pause: after, clock: c.clock}
}

// look is to see what is where the draft was to be.
func (c *Core) look(after time.Duration) Next {
	c.phase = looking
	last, _, _ := c.chain.Last()
	return Next{Do: Look, After: last, Pause: after, clock: c.clock}
}
