package owner

import (
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// A trace is what a decided request has left in the log.
type trace uint8

const (
	nothing trace = iota
	drafted       // it is in the draft
	before        // it was carried out before; this one repeats it
)

// A lease is a claimed job.
type lease struct {
	session, job uint64
	epoch        uint32
}

// settle answers r, which is in no list: when the draft has landed, or at once
// if nothing is to be logged.
func (c *Core) settle(r *Request) {
	if !c.draft.open || Mutant.AckBeforeAppend {
		c.tell(r)
		return
	}
	r.place = decided
	c.held = append(c.held, r)
}

// refuse settles r with an error.
func (c *Core) refuse(r *Request, err error) {
	r.Err = err
	c.settle(r)
}

// tell lets Answered return r.
func (c *Core) tell(r *Request) {
	r.place = answered
	c.answers[0] = append(c.answers[0], r)
}

// release tells everything that has waited for the draft.
func (c *Core) release() {
	for _, r := range c.held {
		if r.Follow && r.Op == Enqueue && !r.followed && r.Err == nil {
			c.follow(r)
			continue
		}
		c.tell(r)
		if r.dropped {
			c.giveBack(r)
		}
	}
	clear(c.held)
	c.held = c.held[:0]
}

// watchFrom notes what becomes of the job that r has entered or joined, which may
// end with the same record.
func (c *Core) watchFrom(r *Request) {
	job := r.IDs[0]
	if info, err := c.state.Job(job); err == nil && !info.Status.Live() {
		r.fate = &info
		return
	}
	if c.follows == nil {
		c.follows = make(map[uint64][]*Request)
	}
	c.state.Watch(job)
	joinIn(c.follows, job, r)
}

// follow lets r, whose job is in the log, wait for its end.
func (c *Core) follow(r *Request) {
	r.Job, r.trace, r.followed = r.IDs[0], before, true
	if r.fate == nil && len(c.follows[r.Job]) > 0 {
		c.state.Unwatch(r.Job)
		dropFrom(c.follows, r.Job, r)
	}
	switch {
	case r.dropped:
		r.Err = ErrDropped
		c.tell(r)
	case r.fate != nil:
		r.Jobs = []state.Info{*r.fate}
		c.tell(r)
	default:
		c.entered = append(c.entered, r)
		if knot := c.ringOf(r, r.Job); knot != nil { // that was closed since it was decided, or last came
			c.refuse(r, knot)
			return
		}
		c.await(r)
	}
}

// giveBack returns the jobs of a Claim that is answered, for its caller has gone.
func (c *Core) giveBack(r *Request) {
	if r.Op != Claim || r.Err != nil {
		return
	}
	for i := range r.Jobs {
		if !Mutant.KeepsClaims {
			c.returns = append(c.returns, lease{r.Session, r.Jobs[i].ID, r.Jobs[i].Epoch})
		}
	}
	r.Jobs, r.Err = nil, ErrDropped
}

// lose tells that the Core has ended before r was certain. may tells whether the
// draft may be stored.
func (c *Core) lose(r *Request, may bool) {
	may = r.trace == before || r.trace == drafted && may
	r.forget()
	r.Err = &LostError{MayHaveHappened: may, Err: c.why}
	c.tell(r)
}

// forget clears the answer.
func (r *Request) forget() {
	r.Err, r.IDs, r.Existing, r.Status = nil, nil, nil, 0
	r.fate, r.followed, r.Waited = nil, false, false
	r.Jobs, r.Cancels, r.Counts, r.Depth = nil, nil, state.Counts{}, 0
	if r.Op != Report {
		r.Report = Reported{}
	}
}

// keep takes from out what r's caller asked for.
func (c *Core) keep(r *Request, out *state.Outcome) {
	switch r.Op {
	case Enqueue:
		r.IDs, r.Existing = c.ids.copy(out.IDs), c.bools.copy(out.Existing)
	case OpenSession, OpenClient:
		r.IDs = c.ids.copy(out.IDs)
	default:
		r.Status = out.Status
	}
}

// A chunk copies short slices with few allocations.
type chunk[T any] struct{ free []T }

const chunkLen = 512

func (k *chunk[T]) copy(v []T) []T {
	n := len(v)
	if n > chunkLen/4 {
		return slices.Clone(v)
	}
	if n > len(k.free) {
		k.free = make([]T, chunkLen)
	}
	copied := k.free[:n:n]
	k.free = k.free[n:]
	copy(copied, v)
	return copied
}
