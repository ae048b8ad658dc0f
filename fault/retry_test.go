package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
)

func TestRetryableFollowsTheKind(t *testing.T) {
	want := map[fault.Kind]bool{
		fault.None: true, fault.Failed: true, fault.Deadline: true, fault.Deadlocked: true, fault.Overloaded: true, fault.Lost: true,
		fault.Cancelled: false, fault.Panicked: false, fault.Fenced: false, fault.Invalid: false,
	}
	for k := fault.None; k <= fault.Invalid; k++ {
		err := fmt.Errorf("x: %w", &fault.Error{Kind: k})
		if got := fault.Retryable(err); got != want[k] {
			t.Errorf("%v: retryable %v, want %v", k, got, want[k])
		}
	}
}

func TestTheOutermostWordSaysWhetherAndWhen(t *testing.T) {
	const never = -1 // no delay was asked for
	plain := errors.New("plain")
	of := func(k fault.Kind, err error) error { return &fault.Error{Kind: k, Err: err} }
	tests := []struct {
		name  string
		err   error
		again bool
		delay time.Duration
	}{
		{"nil", nil, false, never},
		{"a foreign error", plain, true, never},
		{"context.Canceled", context.Canceled, false, never},
		{"context.DeadlineExceeded", context.DeadlineExceeded, true, never},
		{"a panic", &fault.Panic{Value: fault.RetryAfter(plain, 5)}, false, never},
		{"a deadlock", &fault.Deadlock{}, true, never},
		{"permanent", fault.Permanent(plain), false, never},
		{"permanent, wrapped", fmt.Errorf("x: %w", fault.Permanent(plain)), false, never},
		{"permanent under Failed", of(fault.Failed, fault.Permanent(plain)), false, never},
		{"permanent under a mere place", of(fault.None, fault.Permanent(plain)), false, never},
		{"permanent over a retry", fault.Permanent(fault.RetryAfter(plain, 5)), false, never},
		{"a retry", fault.RetryAfter(plain, 5), true, 5},
		{"a retry at once", fault.RetryAfter(plain, 0), true, 0},
		{"a retry in the past", fault.RetryAfter(plain, -5), true, 0},
		{"a retry over permanent", fault.RetryAfter(fault.Permanent(plain), 5), true, 5},
		{"a retry over Invalid", fault.RetryAfter(of(fault.Invalid, plain), 5), true, 5},
		{"a retry over another", fault.RetryAfter(fault.RetryAfter(plain, 9), 5), true, 5},
		{"a retry under Failed", of(fault.Failed, fault.RetryAfter(plain, 5)), true, 5},
		{"a retry under Overloaded", of(fault.Overloaded, fault.RetryAfter(plain, 5)), true, 5},
		{"a retry under Cancelled", of(fault.Cancelled, fault.RetryAfter(plain, 5)), false, never},
		{"permanent under Lost", of(fault.Lost, fault.Permanent(plain)), true, never},
		{"branches", errors.Join(plain, plain), true, never},
		{"a branch that is permanent", errors.Join(plain, fault.Permanent(plain)), false, never},
		{"a branch that is cancelled", errors.Join(plain, context.Canceled), false, never},
		{"branches with delays", errors.Join(fault.RetryAfter(plain, 5), fault.RetryAfter(plain, 9), plain), true, 9},
		{"branches under Overloaded", of(fault.Overloaded, errors.Join(plain, fault.RetryAfter(plain, 9))), true, 9},
	}
	for _, test := range tests {
		if got := fault.Retryable(test.err); got != test.again {
			t.Errorf("%s: retryable %v, want %v", test.name, got, test.again)
		}
		delay, ok := fault.RetryDelay(test.err)
		if !ok {
			if delay != 0 {
				t.Errorf("%s: delay %v, though none was asked for", test.name, delay)
			}
			delay = never
		}
		if delay != test.delay {
			t.Errorf("%s: delay %v, want %v", test.name, delay, test.delay)
		}
	}
}

func TestNilStaysNilWhateverIsSaidAboutRetries(t *testing.T) {
	if err := fault.Permanent(nil); err != nil {
		t.Errorf("Permanent(nil) is %v", err)
	}
	if err := fault.RetryAfter(nil, time.Second); err != nil {
		t.Errorf("RetryAfter(nil) is %v", err)
	}
}

func TestAWordAboutRetriesKeepsTextAndIdentity(t *testing.T) {
	cause := errors.New("no stock")
	for _, err := range []error{fault.Permanent(cause), fault.RetryAfter(cause, time.Second)} {
		if err.Error() != "no stock" || !errors.Is(err, cause) {
			t.Errorf("got %q, is its cause: %v", err, errors.Is(err, cause))
		}
	}
}
