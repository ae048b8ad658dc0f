package fault

import (
	"context"
	"strconv"
	"strings"
)

// Error is a failure with its circumstances. Every package of Hem that fails
// on its own account returns one, as an error.
//
// An Error whose Kind is [None] only adds a place to the path: kind and
// Started are those of its cause.
type Error struct {
	// Op is what was being done, package first: "pool: submit".
	Op string

	// Task is the name of the work. It may be empty.
	Task string

	// Kind says in what way it failed.
	Kind Kind

	// Started says that the work may have begun. False is a promise that it
	// had not, so that running it elsewhere is safe. The outermost Error
	// speaks: whoever runs a function that itself asks others must not let
	// their promise through as its own.
	Started bool

	// Hint is what the reader can do next. It may be empty.
	Hint string

	// Err is the cause. It may be nil: then the text names the kind.
	Err error
}

// Error reads as a path, then the hint:
//
//	pool: submit "resize": queue is full (raise Config.Queue)
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Task != "" {
		if e.Op != "" {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Quote(e.Task))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	cause := e.cause()
	b.WriteString(cause)
	switch {
	case e.Hint == "":
	case strings.Contains(cause, "\n"): // a report: the hint gets its own line
		b.WriteString("\nhint: " + e.Hint)
	default:
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

func (e *Error) cause() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Kind == None:
		return Failed.String()
	}
	return e.Kind.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes a Deadline be [context.DeadlineExceeded] and a Cancelled be
// [context.Canceled], whatever the cause, so that code which never heard of
// this package understands.
func (e *Error) Is(target error) bool {
	switch e.Kind {
	case Cancelled:
		return target == context.Canceled
	case Deadline:
		return target == context.DeadlineExceeded
	}
	return false
}

// Started reports whether the work may have begun. It is true unless an
// [*Error] promises otherwise: the outermost one with a kind speaks for
// everything beneath it, and of several branches all must promise. A [*Panic]
// and a [*Deadlock] have begun, whatever is beneath them. Started(nil) is
// true: what did not fail has run.
func Started(err error) bool {
	for err != nil {
		switch e := err.(type) {
		case *Error:
			if e.Kind != None {
				return e.Started
			}
		case *Panic, *Deadlock:
			return true
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			branches := x.Unwrap()
			for _, branch := range branches {
				if Started(branch) {
					return true
				}
			}
			return len(branches) == 0
		default:
			return true
		}
	}
	return true
}

// HintOf gives the first hint found in err, outermost first, or nothing.
func HintOf(err error) string {
	hint := ""
	walk(err, func(err error) bool {
		if e, ok := err.(*Error); ok {
			hint = e.Hint
		}
		return hint == ""
	})
	return hint
}
