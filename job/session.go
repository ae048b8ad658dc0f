package job

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A Session claims jobs and says what became of them. It is in the log: when it
// ends, what it had claimed and not ended is ready again. One in the process of
// its owner ends by [Session.Close], or with the owner. One in another process
// outlives its owner; it ends by Close, or when it was not heard for 10 s, and
// finds that out by itself before: see [Connect]. Any goroutine may use it.
type Session struct {
	desk  desk
	id    uint64
	name  string
	fence fence
}

// SessionConfig says what a session is.
type SessionConfig struct {
	// Name is what reports call it: 1 to 128 bytes of UTF-8. The default is
	// where Session was called.
	Name string
}

// A Filter says which jobs are claimed: those of one of the Tasks that are in one
// of the Queues. None named is all.
type Filter struct {
	Tasks  []string
	Queues []string
}

// Session opens a session. Whoever opens it closes it.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid]: a wrong name.
//
//go:noinline
func (c *Client) Session(ctx context.Context, conf SessionConfig) (*Session, error) {
	c.must("Session")
	if ctx == nil {
		panic("job: Session with a nil context")
	}
	name := conf.Name
	if name == "" {
		name = cut(fault.FrameAt(graph.CallerPC()).String(), state.MaxName-len("…"))
	}
	if len(name) > state.MaxName || !utf8.ValidString(name) {
		return nil, invalid(opSession, cut(name, state.MaxName), fmt.Errorf("the name must be at most %d bytes of UTF-8", state.MaxName))
	}
	r := &request{}
	r.Op, r.Name, r.Remote = owner.OpenSession, name, c.desk.remote()
	if err := c.desk.ask(ctx, r); err != nil {
		return nil, refusal(opSession, name, err)
	}
	s := &Session{desk: c.desk, id: r.IDs[0], name: name}
	s.fence.init()
	c.desk.tend(s)
	return s, nil
}

// Claim takes up to most jobs that are ready and that f lets through, for this
// session alone. It waits until there is one, and does not wait for more.
// Claims that wait are served in order of arrival; of the jobs, that goes first
// which has been ready longest: see [Priority].
//
// Each lease must be ended: by [Lease.Complete], [Lease.Fail], [Lease.Return], or
// with the session.
//
// # Cancellation
//
// As with every method of [Client]. Of what Claim does not return, nothing is
// claimed: where it was, it is ready again, and that attempt does not count.
//
// # Errors
//
// Beside those of Client:
//
//	fault.Fenced   the session has ended.
//	fault.Invalid  most is less than 1, or a name of f is malformed.
func (s *Session) Claim(ctx context.Context, most int, f Filter) ([]*Lease, error) {
	s.must(ctx, "Claim")
	if err := checkClaim(most, &f); err != nil {
		return nil, invalid(opClaim, s.name, err)
	}
	r := &request{}
	r.Op, r.Session, r.Most, r.Wait = owner.Claim, s.id, min(most, mostClaimed), true
	r.Filter = state.Filter{Tasks: append([]string(nil), f.Tasks...), Queues: append([]string(nil), f.Queues...)}
	if err := s.ask(ctx, r); err != nil {
		return nil, refusal(opClaim, s.name, err)
	}
	leases := make([]*Lease, len(r.Jobs))
	for i := range r.Jobs {
		leases[i] = &Lease{session: s, info: r.Jobs[i]}
	}
	return leases, nil
}

// mostClaimed is how many jobs one Claim takes at most.
const mostClaimed = 1024

func checkClaim(most int, f *Filter) error {
	if most < 1 {
		return fmt.Errorf("at most %d jobs are wanted: it must be 1 or more", most)
	}
	for _, name := range f.Tasks {
		if err := checkName(name); err != nil {
			return fmt.Errorf("a name in Filter.Tasks %w", err)
		}
	}
	for _, name := range f.Queues {
		if err := checkName(name); err != nil {
			return fmt.Errorf("a name in Filter.Queues %w", err)
		}
	}
	return nil
}

// Close ends the session. What it had claimed and not ended is ready again, or
// dead where that was the last attempt: it may have been worked at, so the
// attempt counts. [Lease.Return] gives back what was not. Closing again does
// nothing.
//
// # Errors
//
// Those of [Client].
func (s *Session) Close(ctx context.Context) error {
	s.must(ctx, "Close")
	r := &request{}
	r.Op, r.Session = owner.EndSession, s.id
	if err := s.ask(ctx, r); err != nil && s.fence.err() == nil {
		return refusal(opEnd, s.name, err)
	}
	s.fence.close(state.ErrNoSession)
	return nil
}

func (s *Session) must(ctx context.Context, verb string) {
	if s == nil || s.desk == nil || ctx == nil {
		panic("job: " + verb + " of a nil Session or with a nil context")
	}
}
