package job

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// What errors of this package say was being done.
const (
	opServe    = "job: serve"
	opConnect  = "job: connect"
	opOpen     = "job: open"
	opOwn      = "job: own"
	opClose    = "job: close"
	opNew      = "job: new"
	opEnqueue  = "job: enqueue"
	opRun      = "job: run"
	opWait     = "job: wait"
	opProgress = "job: progress"
	opWork     = "job: work"
	opInput    = "job: input"
	opStatus   = "job: status"
	opCancel   = "job: cancel"
	opReplay   = "job: replay"
	opCounts   = "job: counts"
	opSession  = "job: session"
	opClaim    = "job: claim"
	opComplete = "job: complete"
	opFail     = "job: fail"
	opReturn   = "job: return"
	opEnd      = "job: end session"

	opSearch     = "job: search"
	opCount      = "job: count"
	opReplayAll  = "job: replay all"
	opCancelAll  = "job: cancel all"
	opPause      = "job: pause"
	opResume     = "job: resume"
	opDrain      = "job: drain"
	opQueues     = "job: queues"
	opGroups     = "job: groups"
	opSessions   = "job: sessions"
	opWhy        = "job: why"
	opSchedule   = "job: schedule"
	opUnschedule = "job: unschedule"
	opSchedules  = "job: schedules"
)

// ErrNoJob says that there is no job with an [ID]: there never was, or it has
// ended and is no longer kept. Errors that say so are [fault.Invalid].
var ErrNoJob = fault.Sentinel("job: there is no such job")

// ErrNoSchedule says that there is no schedule of a name. Errors that say so are
// [fault.Invalid].
var ErrNoSchedule = fault.Sentinel("job: there is no such schedule")

// invalid is the error of a call that was asked for wrongly. If why knows a hint,
// it is taken over, and so is what is beneath it.
func invalid(op, name string, why error) error {
	e := &fault.Error{Op: op, Task: name, Kind: fault.Invalid, Err: why}
	if inner, ok := why.(*fault.Error); ok {
		e.Err, e.Hint = inner.Err, inner.Hint
	}
	return e
}

// refusal is err, why the owner did not do what was asked of it, in the words of
// its caller.
func refusal(op, name string, err error) error {
	e := &fault.Error{Op: op, Task: name, Kind: fault.Failed, Err: err}
	switch err := err.(type) {
	case nil:
		return nil
	case *fault.Error:
		e.Kind, e.Started, e.Hint, e.Err = err.Kind, err.Started, err.Hint, err.Err
	case *gone:
		e.Kind, e.Started, e.Err = err.kind, err.unsure, err.cause
		if err.unsure {
			e.Hint = "it may be carried out all the same"
		}
	case *owner.LostError:
		lost(e, err)
	case *state.FullError:
		full(e, err)
	case *state.KnotError:
		e.Kind, e.Err, e.Hint = fault.Deadlocked, knotted(err), untie(op, err)
		return fault.Permanent(e) // nobody has gone on by the next time: the kind by itself says otherwise
	case *owner.LowError:
		e.Kind, e.Err = fault.Overloaded, fault.RetryAfter(err.Err, lowPause)
		if fault.HintOf(err.Err) == "" {
			e.Hint = "let jobs end, or give the log more room"
		}
	case *owner.TooLargeError:
		e.Kind, e.Hint = fault.Invalid, hintSmaller
		e.Err = fmt.Errorf("it takes %d bytes of a record of the log, which is more than the limit of %d", err.Bytes, err.Most)
	default:
		if p, ok := words[err]; ok {
			e.Kind, e.Err, e.Hint = p.kind, p.err, p.hint
		}
		e.Started = err == state.ErrOutdated
	}
	return e
}

// lost is the error of what was open when the owner ended.
func lost(e *fault.Error, l *owner.LostError) {
	e.Kind, e.Started, e.Err = fault.Lost, l.MayHaveHappened, l.Err
	switch {
	case l.Err == errClosing && !l.MayHaveHappened:
		e.Kind = fault.Cancelled
	case errors.Is(l.Err, owner.ErrDeposed):
		e.Err = errDeposed
	}
}

// lowPause is when a log that is low on room may have some again.
const lowPause = time.Second

// untie is what can be done about k.
func untie(op string, k *state.KnotError) string {
	switch {
	case len(k.Ring) > 0 && k.Queue == "":
		return "let one of them not wait, or give it a deadline"
	case k.Depth:
		return "give it another queue, or raise Depth"
	case k.Of == 0 && len(k.Ring) == 0:
		return "give it another queue or limit, or let more run"
	case k.Queue != "":
		return "drain from elsewhere, or use Pause, which waits for nothing; the queue was not paused"
	case op == opRun:
		return "call through job.Current, where keys are the job's own, or give another key"
	}
	return "return, and let others wait for it"
}

// knotted is what would wait for those who wait for it, in words.
func knotted(k *state.KnotError) error {
	switch {
	case len(k.Ring) > 0:
		return fmt.Errorf("jobs would wait for each other: %s", round(k))
	case k.Of == 0:
	case k.Queue != "" && k.Of == k.By:
		return fmt.Errorf("it would wait for itself: job %v, which asks, is running in queue %q", ID(k.By), k.Queue)
	case k.Queue != "":
		return fmt.Errorf("it would wait for itself: job %v, which is above job %v, which asks, is running in queue %q", ID(k.Of), ID(k.By), k.Queue)
	case k.Of == k.By:
		return fmt.Errorf("it would wait for itself: job %v waits for its own end", ID(k.By))
	default:
		return fmt.Errorf("it would wait for itself: job %v waits for job %v, which is above it and ends no sooner", ID(k.By), ID(k.Of))
	}
	what := fmt.Sprintf("queue %q", k.Queue)
	if k.Depth {
		if k.Queue == "" {
			what = "Config.Depth"
		}
		return fmt.Errorf("it would wait for those who wait for it: %s has room for %d jobs, of which job %v and those above it leave too little", what, k.Most, ID(k.By))
	}
	if k.Limit != "" {
		what = fmt.Sprintf("limit %q of key %q", k.Limit, k.Key)
	}
	return fmt.Errorf("it would wait for those who wait for it: %s lets %d run at a time, and job %v and those above it are as many", what, k.Most, ID(k.By))
}

// round is, of jobs that would wait for each other, who waits for whom.
func round(k *state.KnotError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "job %v for ", ID(k.By))
	if k.Queue != "" {
		fmt.Fprintf(&b, "queue %q, where job %v is running, ", k.Queue, ID(k.Ring[0]))
	}
	for i, id := range k.Ring {
		if i > 0 || k.Queue == "" {
			fmt.Fprintf(&b, "job %v, ", ID(id))
		}
		b.WriteString("which waits for ")
	}
	fmt.Fprintf(&b, "job %v", ID(k.By))
	return b.String()
}

// full is the error for want of room.
func full(e *fault.Error, f *state.FullError) {
	what, field := "jobs", "Depth"
	if f.Bytes {
		what, field = "bytes of inputs and keys", "Bytes"
	}
	where := "there are"
	if f.Queue != "" {
		where = fmt.Sprintf("queue %q has", f.Queue)
		field = fmt.Sprintf("Queues[%q].Depth", f.Queue)
	}
	e.Kind = fault.Overloaded
	e.Err = fmt.Errorf("%s %d of at most %d %s", where, f.Have, f.Limit, what)
	if f.Have < f.Limit {
		e.Err = fmt.Errorf("%w: too little is left, or others wait for it", e.Err)
	}
	e.Hint = "leave out NoWait to wait for room, or raise Config." + field
	if f.Stuck {
		e.Err = fmt.Errorf("%w, and every handler that could make room waits for some", e.Err)
		e.Hint = "let other workers do what these enqueue, or raise Config." + field
	}
	if f.Never {
		e.Kind = fault.Invalid
		e.Err = fmt.Errorf("no more than %d %s fit, even if there were no others", f.Limit, what)
		e.Hint = "enqueue fewer at once, or raise Config." + field
	}
}

// damaged is the error for a log that cannot be gone on with.
func damaged(e *fault.Error, d *owner.DamageError) {
	where := fmt.Sprintf("record %d", d.Seq)
	if d.Transition > 0 {
		where += fmt.Sprintf(", transition %d", d.Transition)
	}
	e.Hint = d.Hint
	if d.Newer {
		e.Kind, e.Err = fault.Invalid, fmt.Errorf("a newer version wrote the log: %s: %s", where, d.Reason)
		return
	}
	e.Kind = fault.Failed
	e.Err = fault.Permanent(fmt.Errorf("%w: %s: %s", ErrDamaged, where, d.Reason))
}
