package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// Overflow says what happens to work that a pool has no room for.
type Overflow int8

const (
	// Wait lets the submitter wait until there is room.
	Wait Overflow = iota

	// Reject refuses work that finds the queue full, with [fault.Overloaded].
	Reject

	// Shed keeps the queue short as well as bounded, by controlled delay: it
	// is for work whose answer is worth nothing when it is late.
	//
	// A pool is overloaded when nobody has found a slot free for
	// Config.Interval, until somebody does. Then, whenever a slot is given up
	// or work arrives, all that has waited for more than Config.Target is
	// refused with [fault.Overloaded], and slots go to the newest of the
	// highest priority: the oldest are those whose clients are about to give
	// up. What is taken next is never refused, so that slots are not idle, nor
	// is work that has begun and waits after [Yield]. Otherwise the order is as
	// ever, and a burst may take Interval to be worked off. A full queue
	// refuses what comes, as Reject does.
	//
	// 5 ms and 100 ms are the target and the interval of CoDel (RFC 8289),
	// which tells a standing queue from a burst by what happens over a whole
	// interval and never drops the last packet, and what
	// Facebook found to suit the queues of its services: B. Maurer, "Fail at
	// Scale", ACM Queue 13(8), 2015. This is that article's form, a timeout of
	// Target once the queue has stood for Interval, with its adaptive LIFO, in
	// place of CoDel's ever shorter times between drops. It differs in one
	// thing: the article looks at when the queue was last empty. Since what is
	// shed empties it, that flutters, and a free slot is the surer sign.
	Shed
)

const (
	defaultTarget   = 5 * time.Millisecond
	defaultInterval = 100 * time.Millisecond
)

// String is the name of the constant in lower case.
func (o Overflow) String() string {
	if o < Wait || o > Shed {
		return fmt.Sprintf("overflow %d", int8(o))
	}
	return [...]string{"wait", "reject", "shed"}[o]
}

// fullLocked reports whether the queue has no room. Under Wait nobody passes
// those at the door.
func (r *room) fullLocked() bool {
	return r.counted >= r.bound || len(r.door) > 0
}

// standing reports whether the pool is overloaded: see Shed.
func (r *room) standing(now time.Duration) bool {
	return r.overflow == Shed && r.queue.n > 0 && now-r.since > r.interval
}

// shedOthersLocked refuses, in overload, what has waited too long; e is new.
func (r *room) shedOthersLocked(now time.Duration, e *entry) {
	if r.standing(now) {
		r.shedLocked(now, e)
	}
}

// shedLocked refuses what has waited for more than target, but for next. If it
// meets a caller that has begun, nothing is more urgent than that: it returns
// it, and otherwise next.
func (r *room) shedLocked(now time.Duration, next *entry) *entry {
	for l := range r.queue.level {
		for {
			e := r.queue.level[l].head
			if e == nil || e == next || now-r.arrived(e) <= r.target {
				break
			}
			if e.caller != nil && e.caller.yields {
				return e
			}
			r.refuseLocked(e, shed)
		}
	}
	return next
}

// refuseLocked takes e out of the queue and tells it why. A task is ended on a
// goroutine of its own, since functions given to OnDone may run there.
func (r *room) refuseLocked(e *entry, why answer) {
	c := e.caller
	if c == nil {
		run, t := e.run, e.task
		r.dropLocked(e)
		r.recycleLocked(e)
		r.countLocked(why)
		go func() { run.Run(r.refusal(why, opGo, t.Name())) }()
		return
	}
	claimed := c.wait.Claim()
	r.dropLocked(e)
	if claimed { // else it has given up, and comes for mu
		r.countLocked(why)
		c.denied = why
		c.wait.Wake()
	}
}

func (r *room) countLocked(why answer) {
	if why == shed {
		r.stats.shed++
	} else {
		r.stats.refused++
	}
}

const (
	opDo = "pool: do"
	opGo = "pool: go"
)

var errClosed = errors.New("closed")

// refusal is the error of work that was not begun.
func (r *room) refusal(why answer, op, name string) error {
	e := &fault.Error{Op: op, Task: name, Kind: fault.Overloaded}
	switch why {
	case full:
		e.Err = fmt.Errorf("the queue of pool %q is full: %d wait", r.name, r.bound)
		e.Hint = "try later, or raise Config.Size or Config.Queue"
	case shed:
		e.Err = fmt.Errorf("pool %q is overloaded: its queue has not been empty for %v", r.name, r.interval)
		e.Hint = "try later, or raise Config.Size"
	case shut:
		e.Kind = fault.Invalid
		e.Err = fmt.Errorf("pool %q is %w", r.name, errClosed)
		e.Hint = "close the pool after everybody who uses it has ended"
	case dropped:
		e.Kind = fault.Cancelled
		e.Err = fmt.Errorf("pool %q was %w before it came to this", r.name, errClosed)
	}
	return e
}

// endedTask is why t, whose context has ended, does not run.
func endedTask(t *graph.Task) error {
	return endedBefore(opGo, t.Name(), context.Cause(t))
}

// endedBefore is the error of work whose context ended before it began.
func endedBefore(op, name string, cause error) error {
	return &fault.Error{Op: op, Task: name, Kind: kindOfEnd(cause), Err: cause}
}

// kindOfEnd is the kind of error for work that was given up because its context
// ended with cause.
func kindOfEnd(cause error) fault.Kind {
	if fault.KindOf(cause) == fault.Deadline || errors.Is(cause, context.DeadlineExceeded) {
		return fault.Deadline
	}
	return fault.Cancelled
}

// tooLate counts and returns the error of a caller whose context has ended.
func (r *room) tooLate(ctx context.Context, fn uintptr) error {
	r.lock()
	r.stats.cancelled++
	r.unlock()
	return endedBefore(opDo, graph.FuncName(fn), context.Cause(ctx))
}
