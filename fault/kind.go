package fault

import (
	"context"
	"strconv"
)

// Kind says in what way something failed. It is what a caller branches on;
// the text of an error is for people.
type Kind uint8

const (
	// None is no failure: what KindOf(nil) gives, and nothing else.
	None Kind = iota
	// Failed is work that ran and returned an error.
	Failed
	// Cancelled is work that somebody decided should stop.
	Cancelled
	// Deadline is work whose time was up.
	Deadline
	// Panicked is work that panicked, or ended its goroutine.
	Panicked
	// Deadlocked is work that waited for itself, alone or through others.
	Deadlocked
	// Overloaded is work for which there was no room: refused or shed.
	Overloaded
	// Lost is work whose bearer cannot be reached; what became of it is unknown.
	Lost
	// Fenced is an answer that does not count: somebody newer owns the work.
	Fenced
	// Invalid is work that was asked for wrongly, and will be as wrong again.
	Invalid
)

var kindNames = [...]string{
	None:       "none",
	Failed:     "failed",
	Cancelled:  "cancelled",
	Deadline:   "deadline",
	Panicked:   "panicked",
	Deadlocked: "deadlocked",
	Overloaded: "overloaded",
	Lost:       "lost",
	Fenced:     "fenced",
	Invalid:    "invalid",
}

// String gives the kind's name in lower case. The names are part of the wire
// form and of metric labels, so they do not change.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// kindNamed is the reverse of String. A name from a newer version of this
// package is a failure of a kind not known here, hence Failed.
func kindNamed(name string) Kind {
	for k, n := range kindNames {
		if n == name {
			return Kind(k)
		}
	}
	return Failed
}

// KindOf says in what way err failed: [None] if it is nil, and otherwise the
// first kind found in it, outermost first, branches of [errors.Join] in
// their order. An [*Error] has its Kind, a [*Panic] is Panicked, a
// [*Deadlock] Deadlocked, and the two errors of package context (and
// whatever says that it Is one of them) are Cancelled and Deadline. An error
// in which none of these is found has Failed.
//
// So the outermost word counts: a deadline that ran out over a knot of
// waiting tasks is a Deadline, although it carries a *Deadlock.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	found := Failed
	walk(err, func(err error) bool {
		k := kindAt(err)
		if k != None {
			found = k
		}
		return k == None
	})
	return found
}

// kindAt is the kind that err itself claims, whatever it wraps; None if it
// claims none.
func kindAt(err error) Kind {
	switch e := err.(type) {
	case *Error:
		return e.Kind
	case *Panic:
		return Panicked
	case *Deadlock:
		return Deadlocked
	}
	if saysItIs(err, context.Canceled) {
		return Cancelled
	}
	if saysItIs(err, context.DeadlineExceeded) {
		return Deadline
	}
	return None
}

// saysItIs is errors.Is for err alone, without what it wraps. The targets
// are those of package context: comparable, so == is safe for any err whose
// type is the same.
func saysItIs(err, target error) bool {
	if err == target {
		return true
	}
	x, ok := err.(interface{ Is(error) bool })
	return ok && x.Is(target)
}

// walk calls visit for err and then for what it wraps, outermost first, and
// stops when visit returns false. It reports whether it went to the end.
func walk(err error, visit func(error) bool) bool {
	for err != nil {
		if !visit(err) {
			return false
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, branch := range x.Unwrap() {
				if !walk(branch, visit) {
					return false
				}
			}
			return true
		default:
			return true
		}
	}
	return true
}
