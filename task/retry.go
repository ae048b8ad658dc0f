package task

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// A RetryPolicy says how often [Retry] tries, and how long it waits between.
// The zero value is ready to use.
type RetryPolicy struct {
	// Attempts is how many times the call is run at most, the first included.
	// One means no second try. The default is 4.
	Attempts int

	// Wait is the back-off before the second attempt; it doubles from one to
	// the next. The default is 100 ms.
	Wait time.Duration

	// MaxWait is the longest back-off; it does not shorten a delay that the
	// error asked for. The default is 10 s, or Wait if that is longer.
	MaxWait time.Duration

	// Repeat says that the work may run more than once: that half of it, or
	// all of it, followed by all of it comes to the same. Without it only
	// calls are repeated whose error promises that the work had not begun. The
	// default is false.
	Repeat bool

	// Rand draws the jitter: a number from 0 up to, not including, 1, from
	// several goroutines at once. Each wait is the back-off less up to half of
	// it, so that callers who failed together do not come back together. The
	// default is math/rand/v2's, seeded at random.
	Rand func() float64
}

// Retry returns a view of r that runs a call again when it has failed in a way
// that may pass. The error decides, not the runner:
//
//	the error                                        run again?
//	not fault.Retryable: Permanent, Cancelled,       no
//	Panicked, Fenced, Invalid
//	fault.Retryable, not fault.Started               yes
//	fault.Retryable, and may have started            only if Repeat
//	any, when ctx has ended                          no
//	any, when ctx would end before the wait          no
//	any, after the last attempt                      no
//
// It waits by exponential back-off with jitter, or, if the error carries a
// delay by [fault.RetryAfter], exactly so long. RetryAfter says whether trying
// again is worth it and not that it is safe, so it needs Repeat as well. The
// wait is seen in dumps, and holds no place on r.
//
// A call that is run again has the input it had; where memory is shared, what
// the function changed behind a pointer stays changed.
//
// # Errors
//
// That of the last attempt. After more than one it says how many there were and
// answers as before, but for [fault.Started], which is true if any of them may
// have. If ctx ends during a wait: of kind [fault.Cancelled] or
// [fault.Deadline], and Is both ctx's cause and the last attempt's error.
//
// # Panics
//
// Retry panics if a number in policy is negative. A nil r is refused with
// [fault.Invalid] when it is used, as by [Def.Do].
func Retry(policy RetryPolicy, r Runner) Runner {
	if policy.Attempts < 0 || policy.Wait < 0 || policy.MaxWait < 0 {
		panic(fmt.Sprintf("task: Retry with a negative number: %d attempts, wait %v, at most %v", policy.Attempts, policy.Wait, policy.MaxWait))
	}
	if policy.Attempts == 0 {
		policy.Attempts = 4
	}
	if policy.Wait == 0 {
		policy.Wait = 100 * time.Millisecond
	}
	if policy.MaxWait == 0 {
		policy.MaxWait = max(10*time.Second, policy.Wait)
	}
	if policy.Rand == nil {
		policy.Rand = rand.Float64
	}
	return &retry{policy: policy, r: r}
}

type retry struct {
	policy RetryPolicy
	r      Runner
}

// Run makes a retry a Runner.
func (v *retry) Run(ctx context.Context, c *Call) error {
	if err := checkRunner(v.r, c.Name()); err != nil {
		return err
	}
	started := false // by any attempt
	for attempt := 1; ; attempt++ {
		err := v.r.Run(ctx, c)
		if err == nil {
			return nil
		}
		may := fault.Started(err)
		started = started || may
		if attempt == v.policy.Attempts || !fault.Retryable(err) || may && !v.policy.Repeat || ctx.Err() != nil {
			return v.report(c, attempt, started, err, "")
		}
		wait := v.wait(attempt, err)
		if at, ok := ctx.Deadline(); ok && time.Until(at) <= wait {
			return v.report(c, attempt, started, err, fmt.Sprintf(", and no time to wait %v", wait))
		}
		if scope.Sleep(ctx, wait) != nil {
			return interrupted(ctx, c, attempt, started, err)
		}
	}
}

// wait is how long to wait after the given attempt.
func (v *retry) wait(attempt int, err error) time.Duration {
	if d, ok := fault.RetryDelay(err); ok {
		return d
	}
	d := v.policy.Wait
	for range attempt - 1 {
		if d >= v.policy.MaxWait/2 {
			d = v.policy.MaxWait
			break
		}
		d *= 2
	}
	d = min(d, v.policy.MaxWait)
	return d - time.Duration(min(max(v.policy.Rand(), 0), 1)*float64(d/2))
}

// report is the last attempt's error with what came before it.
func (v *retry) report(c *Call, attempts int, started bool, err error, why string) error {
	if attempts == 1 && why == "" {
		return err
	}
	tries := "attempts"
	if attempts == 1 {
		tries = "attempt"
	}
	e := &fault.Error{Op: "task: retry", Task: c.Name(), Err: fmt.Errorf("%d %s%s: %w", attempts, tries, why, err)}
	if started && !fault.Started(err) {
		return claim(e)
	}
	return e
}

// interrupted is the error of a wait that ctx ended.
func interrupted(ctx context.Context, c *Call, attempts int, started bool, last error) error {
	e := &fault.Error{Op: "task: retry", Task: c.Name(), Kind: fault.Cancelled, Started: started,
		Err: fmt.Errorf("waiting after attempt %d: %w; the attempt's error: %w", attempts, context.Cause(ctx), last)}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || fault.KindOf(context.Cause(ctx)) == fault.Deadline {
		e.Kind = fault.Deadline
	}
	return e
}
