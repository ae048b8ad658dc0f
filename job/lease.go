package job

import (
	"context"
	"slices"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// A Lease is a job that a session has claimed, for one attempt. It ends by the
// first of Complete, Fail and Return that the owner accepts, or with the session.
// What comes later is [fault.Fenced] and changes nothing, so that of two workers
// who both believe that a job is theirs one is heard.
//
// A call whose error has [fault.Started] may be made again: where it had been
// carried out already, the error of the second is Fenced.
type Lease struct {
	session *Session
	info    state.Info
}

// ID returns which job it is.
func (l *Lease) ID() ID {
	l.made("ID")
	return ID(l.info.ID)
}

// Task returns the name of the job's task, and Queue that of the queue it was in.
func (l *Lease) Task() string {
	l.made("Task")
	return l.info.Task
}

// Queue returns the name of the queue that the job was in.
func (l *Lease) Queue() string {
	l.made("Queue")
	return l.info.Queue
}

// Input returns what [task.Task.Serve] takes. It must not be changed.
func (l *Lease) Input() []byte {
	l.made("Input")
	return l.info.Input
}

// Attempt returns which attempt this is, from 1.
func (l *Lease) Attempt() int {
	l.made("Attempt")
	return l.info.Attempt
}

// Token returns what fences this lease against others of the job.
func (l *Lease) Token() FencingToken {
	l.made("Token")
	return FencingToken{Log: l.session.desk.logID(), Job: l.ID(), Epoch: l.info.Epoch}
}

// Complete says that the job is done, and what it returned: what
// [task.Task.Serve] gave. It is Done when Complete returns nil, whatever breaks
// afterwards, also if somebody has cancelled it.
//
// # Errors
//
// Beside those of [Client]:
//
//	fault.Fenced   the job is not this lease's any more.
//	fault.Invalid  out has more than 256 KiB. The job is still this lease's.
func (l *Lease) Complete(ctx context.Context, out []byte) error {
	l.must(ctx, "Complete")
	if len(out) > state.MaxPayload {
		return invalid(opComplete, l.info.Task, task.Oversized(l.info.Task, len(out), state.MaxPayload, true))
	}
	r := l.request(owner.Complete)
	r.Result = slices.Clone(out) // the caller may leave before the loop has read it
	return l.ask(ctx, opComplete, r)
}

// Fail says that the attempt has failed with err. The job is Delayed until its
// next one, by [fault.RetryDelay] of err if it has one, and else by its [Backoff].
// It is Dead if that was its last attempt, or if err is not [fault.Retryable] and
// not merely the end of the attempt ([fault.Cancelled], [fault.Fenced]). It is
// Cancelled if somebody wanted that.
//
// # Errors
//
// Beside those of [Client], [fault.Fenced]: the job is not this lease's any more.
//
// # Panics
//
// Fail panics if err is nil.
func (l *Lease) Fail(ctx context.Context, err error) error {
	l.must(ctx, "Fail")
	if err == nil {
		panic("job: Fail with a nil error")
	}
	return l.fail(ctx, err, true)
}

// fail is Fail. If bury is false the job is tried again whatever err is, as long as it
// has attempts left.
func (l *Lease) fail(ctx context.Context, err error, bury bool) error {
	r := l.request(owner.Fail)
	r.Failure = failureOf(err)
	r.Failure.Permanent = r.Failure.Permanent && bury
	return l.ask(ctx, opFail, r)
}

// failureOf is what the log keeps of err.
func failureOf(err error) state.Failure {
	detail := encoded(err)
	err = fault.Decode(detail) // from here on nothing of it can panic
	f := state.Failure{After: -1, Error: cut(err.Error(), state.MaxError-len("…")), Detail: detail}
	if d, ok := fault.RetryDelay(err); ok {
		f.After = micros(d)
	}
	switch fault.KindOf(err) {
	case fault.Cancelled, fault.Fenced:
	default:
		f.Permanent = !fault.Retryable(err)
	}
	return f
}

// Return gives the job back untouched: it is Ready at once, and the attempt does
// not count.
//
// # Errors
//
// Beside those of [Client], [fault.Fenced]: the job is not this lease's any more.
func (l *Lease) Return(ctx context.Context) error {
	l.must(ctx, "Return")
	return l.ask(ctx, opReturn, l.request(owner.Return))
}

// made panics for a Lease that no session has claimed.
func (l *Lease) made(verb string) {
	if l == nil || l.session == nil {
		panic("job: " + verb + " of a Lease that no Session has claimed")
	}
}

func (l *Lease) must(ctx context.Context, verb string) {
	if l == nil || l.session == nil || ctx == nil {
		panic("job: " + verb + " of a nil Lease or with a nil context")
	}
}

func (l *Lease) request(op owner.Op) *request {
	r := &request{}
	r.Op, r.Session, r.Job, r.Epoch = op, l.session.id, l.info.ID, l.info.Epoch
	return r
}

func (l *Lease) ask(ctx context.Context, op string, r *request) error {
	if err := l.session.ask(ctx, r); err != nil {
		if err == state.ErrForgotten || err == state.ErrNoSession { // it, or its session, has ended
			err = state.ErrFenced
		}
		return refusal(op, l.info.Task, err)
	}
	return nil
}
