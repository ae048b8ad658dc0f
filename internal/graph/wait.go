package graph

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
)

// A Resource is something a task can wait for.
type Resource interface {
	// Blocked reports whether t, which waits for the resource, would wait for
	// ever if exactly the tasks that stuck holds true for never acted again.
	//
	// It must be monotone: more stuck tasks never make it false. It must ask
	// stuck about every task whose acting could matter, not only until it
	// knows the answer. It may take short locks, and must not hold any that
	// is held while parking, nor any while it calls stuck.
	Blocked(t *Task, stuck func(*Task) bool) bool

	// Label names the resource in reports.
	Label() Label
}

// Label is what a resource is called: a kind in the field's own word
// ("future", "join", "mutex") and a name.
type Label struct{ Kind, Name string }

// String is the label as a report has it: "future price#3".
func (l Label) String() string {
	if l.Name == "" {
		return l.Kind
	}
	return l.Kind + " " + l.Name
}

// A Slot is a place to run that a task occupies, such as a CPU pool's.
type Slot interface {
	// Lend gives the slot up while t waits. It is called before t's wait can
	// be seen (G7).
	Lend(t *Task)
	// Resume takes it back, over size if it must. It never waits.
	Resume(t *Task)
	// Label names the place.
	Label() Label
}

// A Wait is one wait of one task, or of a caller outside every task. Each is
// a new object, so that a pointer tells one wait from the next (G4).
//
// The waiter calls Begin, takes the resource's lock, tries a last time, and
// either calls Abandon or queues the wait with Publish; then it unlocks and
// calls Park. The waker takes the wait off the queue, calls Claim, and only if
// that is true transfers what was waited for and calls Wake.
//
//	open ──Claim──▶ claimed ──Wake──▶ woken     (granted)
//	  └───verdict, context──▶ left              (the waiter must leave the queue)
//
//	W1. The one move out of open decides between grant, verdict and context.
//	W2. A task's published wait is open, or its waiter is about to clear it.
type Wait struct {
	t     *Task // nil: outside
	res   Resource
	ctx   context.Context
	bell  chan struct{} // of capacity one: look at state and ask
	state atomic.Uint32
	ask   atomic.Pointer[stackRequest]
	since tick
	soft  bool // ctx may end it while its task lives on: counts as running
	spent bool // of a join that has had its verdict
	queue bool // shared by tasks that have no goroutine yet

	listed bool // among strangers
}

const (
	waitOpen uint32 = iota
	waitClaimed
	waitWoken
	waitLeft
)

// Begin prepares to wait for res until ctx ends. A slot that the task holds
// is lent from now until Park, Abandon or Withdraw returns.
func (w *Wait) Begin(ctx context.Context, res Resource) {
	w.begin(ctx, ctx, res)
	if w.t != nil {
		w.soft = !w.t.Owns(ctx) && !mutant.timedCounted
	}
}

// BeginHeld prepares to wait for res, as a join must, though ctx may end.
func (w *Wait) BeginHeld(ctx context.Context, res Resource) {
	w.begin(ctx, context.Background(), res)
}

// BeginAs is Begin on behalf of t, which the caller knows to be its own though
// ctx is somebody else's; nil if it acts for no task.
func (w *Wait) BeginAs(t *Task, ctx context.Context, res Resource) {
	w.ctx, w.res, w.since = ctx, res, now()
	w.actFor(t)
	if t != nil {
		w.soft = !t.Owns(ctx) && !mutant.timedCounted
	}
}

// begin makes w a wait of the task that the calling goroutine is under ident.
func (w *Wait) begin(ident, until context.Context, res Resource) {
	w.ctx, w.res, w.since = until, res, now()
	t := FromContext(ident)
	if t != nil && !t.is() {
		t.shared()
		t = nil
	}
	w.actFor(t)
}

// actFor makes the waiter t, nil for outside, and lends its slot.
func (w *Wait) actFor(t *Task) {
	if t == nil {
		w.bell = make(chan struct{}, 1)
		return
	}
	w.t = t
	if t.state.Load()&taskTold != 0 {
		t.state.And(^taskTold)
	}
	if s := t.slot.Load(); s != nil {
		(*s).Lend(t)
	}
	if t.bell == nil {
		t.bell = make(chan struct{}, 1)
	}
	w.bell = t.bell
}

// Abandon ends a wait that was never published.
func (w *Wait) Abandon() { w.resume() }

// Withdraw ends a published wait that need not be parked. If it is false the
// wait has been granted, and Park returns at once.
func (w *Wait) Withdraw() bool {
	if !w.state.CompareAndSwap(waitOpen, waitLeft) {
		return false
	}
	if w.t != nil {
		w.finish()
	} else {
		strangers.leave(w)
	}
	return true
}

// Publish makes the wait an edge of the graph. The caller holds the lock under
// which the resource's waker would look for w.
func (w *Wait) Publish() {
	if w.t != nil {
		w.t.wait.Store(w)
	} else {
		strangers.enter(w)
	}
}

// QueueFor returns a wait for res that any number of tasks share which have no
// goroutine yet, and so cannot Park. It counts as running: whoever gives them
// goroutines is never stuck. It has no age, and no task.
func QueueFor(res Resource) *Wait {
	return &Wait{res: res, ctx: context.Background(), queue: true}
}

// Enqueue makes w, of QueueFor, the wait of t; nil ends it.
func (t *Task) Enqueue(w *Wait) { t.wait.Store(w) }

// Claim decides the wait in favour of a grant and retires its edge. If it is
// false the waiter has left, and whatever was to be given stays with the waker.
func (w *Wait) Claim() bool { return w.state.CompareAndSwap(waitOpen, waitClaimed) }

// Wake lets the waiter go on, after the transfer that Claim began.
func (w *Wait) Wake() {
	w.state.Store(waitWoken)
	if t := w.t; t != nil {
		if s := t.Scheduler(); s != nil {
			s.Woken(t)
		}
	}
	w.ring()
}

// Grant claims and wakes in one, for resources that transfer nothing.
func (w *Wait) Grant() bool {
	if !w.Claim() {
		return false
	}
	w.Wake()
	return true
}

func (w *Wait) ring() {
	select {
	case w.bell <- struct{}{}:
	default: // it rings already
	}
}

// Park blocks until the wait is granted, its context ends, or waiting on could
// never end. It is the one place in Hem that blocks.
//
// It returns nil, the context's cause, or a *fault.Deadlock. Unless it is nil
// the caller must take w off the resource's queue. Grant beats verdict beats
// context.
func (w *Wait) Park() error {
	t := w.t
	if t == nil {
		defer strangers.leave(w)
		return w.block(nil)
	}
	if !w.soft && !w.spent {
		if err := w.verdict(); err != nil {
			w.finish()
			return err
		}
	}
	s := t.Scheduler()
	if s != nil {
		s.Parking(t, w)
	}
	err := w.block(s)
	w.finish()
	return err
}

// block sleeps until the wait is woken or left. A scheduler lets the task
// decide between the two in its turn, and not when it happens to hear.
func (w *Wait) block(s Scheduler) error {
	ended := w.sleep()
	if s != nil {
		s.Resumed(w.t)
	}
	if !ended {
		return nil
	}
	var knot []*Wait
	if w.soft {
		knot = w.knot() // while the edge still stands
	}
	if !w.state.CompareAndSwap(waitOpen, waitLeft) {
		for w.state.Load() != waitWoken { // claimed: the bell is about to ring
			<-w.bell
			w.answer(true)
		}
		return nil
	}
	cause := context.Cause(w.ctx)
	if knot == nil {
		return cause
	}
	return &expired{cause, w.ctx.Err(), report(knot)}
}

// sleep returns when the wait has been woken, or when its context has ended.
func (w *Wait) sleep() (ended bool) {
	done := w.ctx.Done()
	for done == nil || w.rung() {
		if w.ctx.Err() != nil {
			return true
		}
		<-w.bell
		if w.state.Load() == waitWoken {
			return false
		}
		w.answer(true)
	}
	for {
		select {
		case <-w.bell:
			if w.state.Load() == waitWoken {
				return false
			}
			w.answer(true)
		case <-done:
			return true
		}
	}
}

// rung reports whether the task's group rings the bell when the wait's context
// ends, so that the bell alone need be listened to.
//
// To select on the context as well costs a sixth of a park and 2 KB of stack.
// Having the group ring costs as much as a few selects, once: so it is done for
// tasks that have parked often, and not for those that wait once for a result.
func (w *Wait) rung() bool {
	t := w.t
	if t == nil || t.rare != nil || w.ctx != context.Context(t) {
		return false
	}
	if t.state.Load() < oftenParked {
		t.state.Add(onePark)
		return false
	}
	t.group.ringAtEnd()
	return true
}

// A task counts its parks in the upper bits of its state, up to a few.
const (
	onePark     uint32 = 1 << 24
	oftenParked        = 8 * onePark
)

// finish takes the task out of the graph's edges and gives it its slot back.
func (w *Wait) finish() {
	w.t.wait.Store(nil)
	w.refuse()
	w.resume()
}

func (w *Wait) resume() {
	if w.t == nil {
		return
	}
	if s := w.t.slot.Load(); s != nil {
		(*s).Resume(w.t)
	}
}

// Done reports whether the wait is over for a scheduler: granted, or about to
// be given up because its context has ended.
func (w *Wait) Done() bool { return w.state.Load() >= waitWoken || w.ctx.Err() != nil }

// Task returns who waits, nil if outside.
func (w *Wait) Task() *Task { return w.t }

// Resource returns what is waited for.
func (w *Wait) Resource() Resource { return w.res }

// Soft reports whether the wait ends by a context of its own.
func (w *Wait) Soft() bool { return w.soft }

// Age returns how long the wait has lasted at least.
func (w *Wait) Age() time.Duration {
	if w.queue {
		return 0
	}
	return w.since.age()
}

// Spend marks the wait as one whose verdict has been given: a join cannot
// return early, and must not be told twice.
func (w *Wait) Spend() { w.spent = true }

// stuck reports whether the wait has nothing but a grant to end it.
func (w *Wait) stuck() bool {
	return w.state.Load() == waitOpen && !w.soft && !w.queue && w.ctx.Err() == nil
}

// Owns reports whether ctx ends no earlier than t does: it never ends, or it
// is t's own, of a group open on t, or of an owner further out.
func (t *Task) Owns(ctx context.Context) bool {
	if ctx == context.Context(t) {
		return true
	}
	for g := t.inner.Load(); g != nil; g = g.outer {
		if ctx == g.ctx {
			return true // without asking for Done, which would make a channel
		}
	}
	done := ctx.Done()
	if done == nil || done == t.Done() {
		return true
	}
	for g := t.inner.Load(); g != nil; g = g.outer {
		if done == g.ctx.Done() {
			return true
		}
	}
	for g := t.group; g != nil && g.owner != nil; g = g.owner.group {
		if done == g.ctx.Done() || done == g.owner.Done() {
			return true
		}
	}
	return false
}

// shared notes, once a task, that its context is used by other goroutines.
func (t *Task) shared() {
	if t.Ended() || t.state.Load()&taskShared != 0 || t.or(taskShared)&taskShared != 0 {
		return
	}
	Report(Finding{
		Code:   "scope.shared-context",
		Task:   t,
		Detail: "another goroutine waits under the context of " + t.String() + "; its waits are not seen. Adopt it with Scope.Do",
		Stack:  fault.Frames(callers(3)),
	})
}

// mutant switches off one rule each, so that tests can show that they would
// notice. Production never writes it.
var mutant struct {
	unvalidated  bool // believe the first walk
	timedCounted bool // count a wait that ends by itself as stuck
}
