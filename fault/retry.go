package fault

import "time"

// Retryable reports whether trying the same work again is worth it. The
// outermost word counts: [Permanent], [RetryAfter], or a kind.
//
//	Failed      yes  the cause may be gone, unless the work says Permanent
//	Deadline    yes  with a new deadline: look at your own context first
//	Deadlocked  yes  the others have gone on, and the knot with them
//	Overloaded  yes  later: there may be room
//	Lost        yes  somewhere else, if it may run twice or had not Started
//	Cancelled   no   somebody decided that it should stop
//	Panicked    no   the same input finds the same bug
//	Fenced      no   a newer owner is at it: running again is what the fence prevents
//	Invalid     no   it will be as wrong again
//
// Failed says nothing by itself: an [*Error] of that kind defers to its cause.
// Where err branches, every branch must be worth it, since trying again tries
// all of them. Retryable(nil) is false.
//
// It is about whether, not about safety: if the work must not run twice, ask
// [Started] as well.
func Retryable(err error) bool {
	return err != nil && verdictOn(err).again
}

// RetryDelay gives the delay that [RetryAfter] asked for, if err is
// [Retryable] and carries one. The outermost counts, and of several branches
// the longest. A delay of zero means at once.
func RetryDelay(err error) (d time.Duration, ok bool) {
	if !Retryable(err) {
		return 0, false
	}
	v := verdictOn(err)
	return v.after, v.timed
}

// Permanent says that trying again is no use, whatever err is: the input is
// wrong, the customer is gone. The text stays as it is. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// RetryAfter says that trying again is worth it, d from now, whatever err is.
// The text stays as it is. A negative d is zero: at once.
//
// RetryAfter(nil, d) is nil, so that wrapping a success does not repeat it.
// Work which is merely not ready yet says so by an error of its own, and
// whoever waits for it can read why.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryAfter{err, max(d, 0)}
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }

type retryAfter struct {
	err   error
	after time.Duration // never negative
}

func (r *retryAfter) Error() string { return r.err.Error() }
func (r *retryAfter) Unwrap() error { return r.err }

type verdict struct {
	again bool
	after time.Duration
	timed bool // somebody asked for after
}

// verdictOn looks for the outermost word about trying err again.
func verdictOn(err error) verdict {
	for err != nil {
		switch e := err.(type) {
		case *permanent:
			return verdict{}
		case *retryAfter:
			return verdict{again: true, after: e.after, timed: true}
		}
		switch kindAt(err) {
		case Cancelled, Panicked, Fenced, Invalid:
			return verdict{}
		case Deadline, Deadlocked, Overloaded, Lost:
			// Whether is settled; when may be said further in.
			v := verdictBelow(err)
			return verdict{again: true, after: v.after, timed: v.timed}
		}
		next, ok := err.(interface{ Unwrap() error })
		if !ok {
			return verdictBelow(err)
		}
		err = next.Unwrap()
	}
	return verdict{again: true}
}

// verdictBelow is the verdict on what err wraps.
func verdictBelow(err error) verdict {
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		return verdictOn(x.Unwrap())
	case interface{ Unwrap() []error }:
		all := verdict{again: true}
		for _, branch := range x.Unwrap() {
			v := verdictOn(branch)
			if !v.again {
				return verdict{}
			}
			all.after = max(all.after, v.after)
			all.timed = all.timed || v.timed
		}
		return all
	}
	return verdict{again: true}
}
