package owner

import (
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// A Config is what a [Core] is made with.
type Config struct {
	// Owner is this incarnation of an owner: random, and of this Core alone.
	Owner record.ID

	// Log is the identity that a new log gets. An older one has its own.
	Log record.ID

	// Limits of the shard. They are logged when the log has others. The default
	// is that there is room for nothing.
	Limits state.Limits

	// Queues has what single queues allow, likewise. The default is what the
	// shard does.
	Queues map[string]state.Queue

	// Weights are those of groups, likewise; the default is 1. Caps are the
	// limits that jobs name.
	Weights map[string]uint16
	Caps    map[string]state.Limit

	// Calendar tells the ticks of schedules. The default is that none is due
	// ever.
	Calendar Calendar

	// SnapshotAfter is how many bytes are logged before there is a snapshot, if
	// that is more than a snapshot takes. The default is 16 MiB.
	SnapshotAfter int64

	// PageBytes is about how large a page of a snapshot is; 128 KiB at most. The
	// default is 64 KiB.
	PageBytes int
}

// A Core is an owner without I/O. Its methods are called one at a time.
type Core struct {
	config Config
	phase  phase
	why    error // of ended

	clock   Clock
	state   *state.State // nil while the log's first snapshot is read
	chain   record.Chain // of the records that are known to be stored
	history history      // their snapshots, and those of the draft
	restore *restore     // nil unless state is
	damage  error        // what Replay found
	behind  bool         // a takeover was in conflict, and nothing has been replayed since

	draft    draft  // the record that is being made, or is in flight
	flight   flight // how far it has come
	snapshot snapshot
	settings []setting // of Config, yet to be logged

	arrivals    uint64                // that were numbered
	arrived     line                  // undecided
	rooms       rooms                 // Enqueues that wait for room
	claims      line                  // Claims that wait for a job
	awaits      map[uint64][]*Request // by job
	heirs       map[uint64][]*Request // Enqueues that wait for the end of a job that has their key; by that
	ears        map[uint64][]*Request // Listens, by session
	drains      []*Request
	people      people // of remote sessions
	reports     map[uint64]*Reported
	follows     map[uint64][]*Request      // of the draft, by job
	looking     map[uint64]map[uint64]bool // callers whom a report has answered, and who are not back yet; by job
	entered     []*Request                 // what Entered returns next
	root        uint64                     // the last job whose cancelling others were told of, and
	rootDetail  []byte                     // why it was cancelled
	tickErr     error                      // why a schedule could not be moved on, if one could not
	held        []*Request
	answers     [2][]*Request // what Answered returns next, and what it returned last
	returns     []lease       // claimed by those who have gone
	refuseLater []*Request
	low         error
	left        int64 // bytes that the log takes, as it says; negative: not known
	more        bool  // the last record had no space for what could be decided

	t      []byte // the transition being made
	out    state.Outcome
	missed []state.Filter
	ids    chunk[uint64]
	bools  chunk[bool]

	// Between two calls:
	//   C1. The phase is sending or looking exactly while a draft's outcome is
	//       not known. Then nothing is decided.
	//   C2. While owning, state is what a replay of the log up to chain's last
	//       record gives; while sending, what it gives with the draft, unless
	//       that is a takeover's, which is applied when it has landed.
	//   C3. A request is in exactly the one list that its place says, and in held
	//       only while sending or looking.
	//   C4. history, like state, is ahead by the draft.
	//   C5. The clock is not before state's time.
}

type phase uint8

const (
	reading phase = iota
	sending
	looking
	owning
	ended
)

// New returns a Core that expects to read a log from record 1.
//
// # Panics
//
// New panics if Config.Owner or Config.Log is zero.
func New(c Config) *Core {
	if c.Owner == (record.ID{}) || c.Log == (record.ID{}) {
		panic("owner: New without the identity of an owner or of a log")
	}
	if c.SnapshotAfter <= 0 {
		c.SnapshotAfter = 16 << 20
	}
	if c.PageBytes <= 0 {
		c.PageBytes = 64 << 10
	}
	c.PageBytes = min(c.PageBytes, 128<<10)
	core := &Core{
		config: c, left: -1,
		awaits: make(map[uint64][]*Request), heirs: make(map[uint64][]*Request), ears: make(map[uint64][]*Request), reports: make(map[uint64]*Reported), looking: make(map[uint64]map[uint64]bool),
	}
	core.people.init()
	core.rooms.lines, core.rooms.named = make(map[string]*roomLine), make(map[name]*Request)
	core.Start(1)
	return core
}

// Add takes over a request. The next Decide decides it, or lets it wait.
//
// # Panics
//
// Add panics if the request has no Op, or was added and is not answered yet.
func (c *Core) Add(r *Request) {
	switch {
	case r.place != nowhere:
		panic("owner: Add of a request that is not answered yet")
	case r.Op == 0 || r.Op >= ops:
		panic("owner: Add of a request without an Op")
	}
	c.arrivals++
	r.forget()
	r.arrival, r.trace, r.dropped = c.arrivals, nothing, false
	if c.phase == ended {
		c.lose(r, false)
		return
	}
	r.place = arrived
	c.arrived.push(r)
}

// Drop says that the caller of a request has gone. If it is undecided, it is
// taken off and answered with [ErrDropped]. So is a Claim that is decided, but
// only when it has landed, and what it was given is given back. Others that are
// decided, and those that Answered has returned, go on as they would have.
func (c *Core) Drop(r *Request) {
	if r.place == arrived {
		c.back(r)
	}
	switch r.place {
	case arrived:
		c.arrived.remove(r)
	case lined:
		c.rooms.leave(r)
		c.rooms.freed = true // whoever it stood before may fit
	case claiming:
		c.claims.remove(r)
	case inheriting:
		c.stopInheriting(r)
	case awaiting:
		c.stopAwaiting(r)
	case listening:
		dropFrom(c.ears, r.Session, r)
	case draining:
		c.drains = without(c.drains, r)
	case decided:
		r.dropped = true
		return
	case answered:
		c.giveBack(r)
		return
	default:
		return
	}
	r.Err = ErrDropped
	c.tell(r)
}

// Low says what the log says of its room now: nil, or why it is low. While it is,
// an Enqueue is refused with a [*LowError], and the log is made shorter.
func (c *Core) Low(err error) { c.low = err }

// Left says how many bytes of records the log has room for; negative, which is so
// from the beginning, is not known. While that is less than twice what a snapshot
// takes, an Enqueue is refused with a [*LowError] as well: without room for a
// snapshot the log can never be made shorter. Nor is one begun that does not fit.
func (c *Core) Left(bytes int64) { c.left = bytes }

// snapshotRoom is about how many bytes of the log a snapshot takes, with what is
// logged beside it.
func (c *Core) snapshotRoom() int64 {
	size := c.state.Size()
	return size + size/8 + 2*record.Max
}

// short reports whether the log has less room left than bytes.
func (c *Core) short(bytes int64) bool { return c.left >= 0 && c.left < bytes }

// lowNow is why no jobs are entered at present, or nil.
func (c *Core) lowNow() error {
	if need := 2 * c.snapshotRoom(); c.low == nil && c.short(need) {
		return &shortError{c.left, need}
	}
	return c.low
}

// Answered returns the requests that were answered since the last call. They are
// their callers' again; the slice is the Core's.
func (c *Core) Answered() []*Request {
	now := c.answers[0]
	clear(c.answers[1])
	clear(c.entered)
	c.entered = c.entered[:0]
	c.answers[0], c.answers[1] = c.answers[1][:0], now
	for _, r := range now {
		r.place = nowhere
	}
	return now
}

// Entered returns the Enqueues that follow whose jobs are in the log since the last
// call of Answered, and which now wait for them to end; some may have been answered
// by now. They are the Core's, but their IDs and Existing can be read, until the next
// call of it.
func (c *Core) Entered() []*Request { return c.entered }

// State is what the Core has decided so far, with the record in flight: to be
// looked at, until the next call. It is nil while the log's first snapshot is
// read, and once the Core has ended.
func (c *Core) State() *state.State { return c.state }

// End ends the Core: everything open is answered with a [*LostError] of err, and
// so is whatever is added later.
func (c *Core) End(err error) { c.end(err, true) }

// end ends the Core. may tells whether the draft may be stored, if one is in
// flight.
func (c *Core) end(err error, may bool) Next {
	if c.phase == ended {
		return Next{Do: Ended, Err: c.why}
	}
	c.phase, c.why = ended, err
	for _, r := range c.held {
		c.lose(r, may)
	}
	for _, l := range []*line{&c.arrived, &c.rooms.line, &c.claims} {
		for _, r := range l.each() {
			c.lose(r, false)
		}
	}
	for _, r := range c.waiting() {
		c.lose(r, false)
	}
	c.arrived, c.rooms, c.claims, c.held, c.returns = line{}, rooms{}, line{}, nil, nil
	c.awaits, c.heirs, c.ears, c.drains, c.reports, c.entered = nil, nil, nil, nil, nil, nil
	c.state, c.restore, c.snapshot = nil, nil, snapshot{} // a deposed owner knows nothing
	return Next{Do: Ended, Err: err}
}
