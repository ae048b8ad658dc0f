package job

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A request is one thing that a caller wants of the owner, and waits for.
//
//	posted ──loop takes it──▶ taken ──decided, appended──▶ answered
//	   └──caller leaves──▶ withdrawn
//
// Until the loop has taken it, its caller can withdraw it. Afterwards it is the
// loop's until it is answered, and then the caller's again.
type request struct {
	owner.Request
	of     *Owner
	queue  string   // what room is waited for in
	read   *read    // of an owner.View: what it asks, and then the answer
	told   listener // who is told of the answer; nil if a caller waits
	wait   graph.Wait
	letter letter
	stage  atomic.Uint64 // posted, withdrawn, or the round in which it was taken

	// patient lets a caller whose context has ended wait for the outcome, however
	// long, where it may be in the log already.
	patient bool

	// called says that it is of a [Client.Run], which is not to wait for ever for an
	// owner elsewhere; and scope is the session with which what it calls ends, or 0.
	// Both are the link's: see [link.giveUp].
	called bool
	scope  uint64

	// The loop's:
	again      *second // the caller waits for this, and not for wait, any more
	answered   bool
	prev, next *request // among those that were taken and not answered
}

// A listener is told of answers by the loop itself, where a caller would be woken.
type listener interface {
	// answered takes r, which is the listener's from now on. It must not block.
	// It is false if nobody wants the answer any more, and then takes nothing.
	answered(r *request) bool

	// entered is told that the job of r, an Enqueue that follows, is in the log,
	// before the answer. r is still the loop's.
	entered(r *request)
}

// An entry is a request that enters one job.
type entry struct {
	request
	one [1]state.Spec
}

func newEntry(spec state.Spec, wait bool) *request {
	e := &entry{}
	e.queue, e.one[0] = spec.Queue, spec
	e.Op, e.Specs, e.Wait = owner.Enqueue, e.one[:], wait
	return &e.request
}

const (
	posted    = 0
	withdrawn = ^uint64(0)
)

// A second is the wait of a caller whose context has ended while its request was
// the loop's: most often the outcome is only an append away.
type second struct {
	about *request
	wait  graph.Wait
}

// patience is how long a caller whose context has ended waits for the outcome of
// what may be in the log already.
const patience = 100 * time.Millisecond

// ask puts r to the owner, and returns its answer: r.Err, or why there is none.
// In the second case the caller must not look at r any more.
func (o *Owner) ask(ctx context.Context, r *request) error {
	if ctx.Err() != nil {
		return goneBy(ctx, context.Cause(ctx))
	}
	r.of, r.Tag, r.letter.about = o, r, r
	r.wait.Begin(ctx, r)
	r.wait.Publish()
	if !o.inbox.push(&r.letter) {
		r.wait.Withdraw()
		return o.over()
	}
	if err := r.wait.Park(); err != nil {
		return o.leave(ctx, r, err)
	}
	return r.Err
}

// post puts r to the owner, whose answer r.told gets, once: from the loop, and
// perhaps before post has returned. If it returns an error there is no answer.
func (o *Owner) post(r *request) error {
	r.of, r.Tag, r.letter.about = o, r, r
	if !o.inbox.push(&r.letter) {
		return o.over()
	}
	return nil
}

// drop says that whoever posted r does not want it carried out any more. It is
// answered with [owner.ErrDropped] unless it is all the same; but if drop is false
// nothing has happened, nothing will, and there is no answer.
func (o *Owner) drop(r *request) bool {
	if r.stage.CompareAndSwap(posted, withdrawn) {
		return false
	}
	o.inbox.push(&letter{about: r, gone: true}) // else it is answered by the end
	return true
}

// desert is drop where nobody would hear the answer, nor has heard it.
func (o *Owner) desert(r *request) {
	if !r.stage.CompareAndSwap(posted, withdrawn) {
		o.inbox.push(&letter{about: r, gone: true, undo: true})
	}
}

// leave ends the wait of a caller whose context has ended.
func (o *Owner) leave(ctx context.Context, r *request, cause error) error {
	end := goneBy(ctx, cause)
	if r.stage.CompareAndSwap(posted, withdrawn) {
		return end
	}
	ctx = context.WithoutCancel(ctx)
	if !r.patient {
		within, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		ctx = within
	}
	s := &second{about: r}
	s.wait.Begin(ctx, s)
	s.wait.Publish()
	told := o.inbox.push(&letter{about: r, again: s})
	if !told {
		s.wait.Withdraw()
		if r.patient {
			<-o.done // then r is answered
			return r.Err
		}
	}
	if !told || s.wait.Park() != nil {
		end.unsure = true
		return end
	}
	if r.Err == owner.ErrDropped {
		return end
	}
	return r.Err
}

// A gone is the outcome of a request whose caller's context has ended.
type gone struct {
	kind   fault.Kind // Cancelled or Deadline
	cause  error
	unsure bool // it may be carried out
}

func goneBy(ctx context.Context, cause error) *gone {
	kind := fault.Cancelled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || fault.KindOf(cause) == fault.Deadline {
		kind = fault.Deadline
	}
	return &gone{kind: kind, cause: cause}
}

func (g *gone) Error() string { return g.cause.Error() }

// Blocked is false: the loop is nobody's task, and works for everyone.
func (r *request) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label says what is waited for. A request that has seen a round go by without
// an answer waits for more than the log.
func (r *request) Label() graph.Label {
	if r.Follow {
		return graph.Label{Kind: "job", Name: r.Specs[0].Task}
	}
	if taken := r.stage.Load(); taken != posted && taken < r.of.round.Load() {
		switch r.Op {
		case owner.Enqueue:
			return graph.Label{Kind: "room in job queue", Name: r.queue}
		case owner.Claim:
			return graph.Label{Kind: "ready job", Name: r.of.config.Name}
		case owner.Await:
			return graph.Label{Kind: "end of job", Name: ID(r.Job).String()}
		case owner.Listen:
			return graph.Label{Kind: "cancelled jobs of session", Name: r.of.config.Name}
		case owner.Drained:
			return graph.Label{Kind: "drained job queue", Name: r.Name}
		}
	}
	return graph.Label{Kind: "job log", Name: r.of.config.Name}
}

// Blocked is false, as a request's.
func (s *second) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the log: the outcome is in it.
func (s *second) Label() graph.Label {
	return graph.Label{Kind: "job log", Name: s.about.of.config.Name}
}

// answer gives r back to its caller, who may have gone.
func (o *Owner) answer(r *request) {
	o.held.remove(r)
	r.answered = true
	switch {
	case r.told != nil:
		if !r.told.answered(r) {
			o.undo(r)
		}
	case r.again != nil:
		o.hand(r, &r.again.wait)
	case r.wait.Claim():
		r.wait.Wake()
	}
	// Else the caller is leaving: a letter about that is on its way.
}

// left is told that r's caller waits for s now.
func (o *Owner) left(r *request, s *second) {
	r.again = s
	if r.answered {
		o.hand(r, &s.wait)
		return
	}
	o.core.Drop(&r.Request)
}

// dropped is told that r need not be carried out, and, if undo, that nobody has
// heard of it should it have been.
func (o *Owner) dropped(r *request, undo bool) {
	switch {
	case !r.answered:
		o.core.Drop(&r.Request)
	case undo:
		o.undo(r)
	}
}

// hand gives r, which is answered, to who waits by w, for the last time.
func (o *Owner) hand(r *request, w *graph.Wait) {
	if w.Claim() {
		w.Wake()
		return
	}
	o.undo(r)
}

// undo takes back what r's caller will never know of having got. When the owner
// ends, the next one does so.
func (o *Owner) undo(r *request) {
	if r.Err != nil || o.ends {
		return
	}
	switch {
	case r.Op == owner.Claim:
		for i := range r.Jobs {
			j := &r.Jobs[i]
			o.core.Add(&owner.Request{Op: owner.Return, Session: r.Session, Job: j.ID, Epoch: j.Epoch})
		}
	case r.Op == owner.OpenSession && !r.Remote: // a remote one ends if nobody keeps it
		o.core.Add(&owner.Request{Op: owner.EndSession, Session: r.IDs[0]})
	}
}

// A ring is the requests that were taken and not answered, in no order.
type ring struct{ head *request }

func (l *ring) insert(r *request) {
	r.next = l.head
	if l.head != nil {
		l.head.prev = r
	}
	l.head = r
}

func (l *ring) remove(r *request) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.head = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}
