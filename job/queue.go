package job

import (
	"context"
	"errors"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// Pause lets nobody claim jobs of a queue until [Client.Resume]. What is running goes
// on, and jobs can be enqueued. It is in the log: another owner keeps it so. A queue
// that is not there yet can be paused.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid]: the name is malformed.
func (c *Client) Pause(ctx context.Context, queue string) error {
	return c.pause(ctx, "Pause", opPause, queue, true, owner.Asker{})
}

// Resume lets jobs of a queue be claimed again. For one that is not paused it does
// nothing.
//
// # Errors
//
// Those of [Client.Pause].
func (c *Client) Resume(ctx context.Context, queue string) error {
	return c.pause(ctx, "Resume", opResume, queue, false, owner.Asker{})
}

func (c *Client) pause(ctx context.Context, verb, op, queue string, paused bool, drains owner.Asker) error {
	c.must(verb)
	if ctx == nil {
		panic("job: " + verb + " with a nil context")
	}
	if err := wrong("queue", checkName(queue)); err != nil {
		return invalid(op, cut(queue, state.MaxName), err)
	}
	r := &request{}
	r.Op, r.Name, r.Paused, r.Asker = owner.Pause, queue, paused, drains
	return refusal(op, queue, c.desk.ask(ctx, r))
}

// Drain is [Client.Pause], and then waits until no job of the queue is running any
// more. The queue stays paused.
//
// # Cancellation
//
// When ctx ends Drain returns, and the queue stays paused all the same: the error has
// [fault.Started], unless not even that has happened. [Client.Resume] takes it back.
//
// # Errors
//
// Beside those of [Client.Pause], [fault.Deadlocked]: ctx is that of a handler whose
// job, or one above it, is running in the queue, and would be waited for; or what runs
// there waits, by others perhaps, for the handler's job, and nobody has a deadline. Not started: the queue is not paused.
func (c *Client) Drain(ctx context.Context, queue string) error {
	var by owner.Asker
	if c != nil && c.desk != nil && ctx != nil { // or pause panics
		by = c.asker(ctx)
	}
	if err := c.pause(ctx, "Drain", opDrain, queue, true, by); err != nil {
		return err
	}
	r := &request{}
	r.Op, r.Name, r.Asker = owner.Drained, queue, by
	err := refusal(opDrain, queue, c.desk.ask(ctx, r))
	var e *fault.Error
	if errors.As(err, &e) {
		e.Started = true
		e.Hint = "the queue stays paused: Resume takes that back"
	}
	return err
}

// A QueueStatus is what there is to say of a queue.
type QueueStatus struct {
	Name    string
	Paused  bool
	Counts  Counts
	Groups  int  // that have jobs: see [Client.Groups]
	Depth   int  // live jobs that there may be; 0 is no limit but Config.Depth
	Running int  // jobs that may be claimed at a time; 0 is any number
	Rate    Rate // the zero Rate is any

	// Open is when Rate lets a job be claimed next; the zero Time is now.
	Open time.Time
}

// Queues returns the queues that have jobs, or are not as others are, by name.
//
// # Errors
//
// Those of [Client].
func (c *Client) Queues(ctx context.Context) ([]QueueStatus, error) {
	var all []QueueStatus
	for after := ""; ; after = all[len(all)-1].Name {
		r := &read{kind: readQueues, name: after, most: mostPage}
		if err := c.look(ctx, "Queues", opQueues, "", r); err != nil {
			return nil, err
		}
		for i := range r.queues {
			all = append(all, queueOf(&r.queues[i]))
		}
		if len(r.queues) < mostPage {
			return all, nil
		}
	}
}

func queueOf(i *state.QueueInfo) QueueStatus {
	return QueueStatus{
		Name: i.Name, Paused: i.Paused, Counts: countsOf(i.Counts), Groups: i.Groups,
		Depth: int(i.Depth), Running: int(i.Running), Rate: rateOf(i.Rate), Open: timeOf(i.Open),
	}
}

// A GroupStatus is what there is to say of a group in a queue.
type GroupStatus struct {
	Name   string // "" is of the jobs without one
	Weight int
	Counts Counts
}

// Groups returns the groups of a queue that have jobs, those with the most live jobs
// first: 1,000 at most.
//
// # Errors
//
// Those of [Client].
//
// # Cost
//
// It grows with how many groups there are in all queues.
func (c *Client) Groups(ctx context.Context, queue string) ([]GroupStatus, error) {
	r := &read{kind: readGroups, name: queue, most: mostGroups}
	if err := c.look(ctx, "Groups", opGroups, queue, r); err != nil {
		return nil, err
	}
	all := make([]GroupStatus, len(r.groups))
	for i, g := range r.groups {
		all[i] = GroupStatus{Name: g.Name, Weight: int(g.Weight), Counts: countsOf(g.Counts)}
	}
	return all, nil
}

// mostGroups is how many groups Groups returns.
const mostGroups = 1000

// A SessionStatus is what there is to say of a session that is open.
type SessionStatus struct {
	Number   uint64 // no two of one log have the same
	Name     string
	Remote   bool // it is not in the process of the owner
	Opened   time.Time
	Running  int // jobs that it has claimed
	Attached int // jobs that end with it

	// Claims is for which jobs it has claimed last, or waits; nil if it has
	// claimed none since this owner took over. It need not claim any more.
	Claims *Filter

	// Silent is how long nothing has been heard of one that is remote: it ends
	// when that is 10 s.
	Silent time.Duration
}

// Sessions returns the open sessions, the oldest first.
//
// # Errors
//
// Those of [Client].
func (c *Client) Sessions(ctx context.Context) ([]SessionStatus, error) {
	var all []SessionStatus
	for after := uint64(0); ; after = all[len(all)-1].Number {
		r := &read{kind: readSessions, id: after, most: mostPage}
		if err := c.look(ctx, "Sessions", opSessions, "", r); err != nil {
			return nil, err
		}
		for i := range r.sessions {
			all = append(all, sessionOf(&r.sessions[i]))
		}
		if len(r.sessions) < mostPage {
			return all, nil
		}
	}
}

func sessionOf(i *sessionInfo) SessionStatus {
	s := SessionStatus{
		Number: i.ID, Name: i.Name, Remote: i.Remote, Opened: timeOf(i.Opened),
		Running: i.Running, Attached: i.Attached, Silent: time.Duration(i.silent) * time.Microsecond,
	}
	if i.claims {
		s.Claims = &Filter{Tasks: i.filter.Tasks, Queues: i.filter.Queues}
	}
	return s
}
