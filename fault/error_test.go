package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/hemgo/hem/fault"
)

func TestErrorReadsAsAPath(t *testing.T) {
	full := errors.New("queue is full")
	tests := []struct {
		err  fault.Error
		want string
	}{
		{fault.Error{Op: "pool: submit", Task: "resize", Err: full, Hint: "raise Config.Queue"}, `pool: submit "resize": queue is full (raise Config.Queue)`},
		{fault.Error{Op: "pool: submit", Err: full}, `pool: submit: queue is full`},
		{fault.Error{Op: "pool: submit", Kind: fault.Overloaded}, `pool: submit: overloaded`},
		{fault.Error{Op: "pool: submit"}, `pool: submit: failed`},
		{fault.Error{Task: "resize", Kind: fault.Lost}, `"resize": lost`},
		{fault.Error{Task: "re\nsize", Kind: fault.Lost}, `"re\nsize": lost`},
		{fault.Error{Err: full}, `queue is full`},
		{fault.Error{}, `failed`},
		{fault.Error{Op: "task: do", Err: &fault.Error{Op: "pool: submit", Err: full}}, `task: do: pool: submit: queue is full`},
		{fault.Error{Op: "lock: lock", Err: errors.New("two\nlines"), Hint: "look"}, "lock: lock: two\nlines\nhint: look"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestErrorIsTheContextErrorOfItsKind(t *testing.T) {
	for k := fault.None; k <= fault.Invalid; k++ {
		err := fmt.Errorf("x: %w", &fault.Error{Kind: k, Err: errors.New("cause")})
		if got, want := errors.Is(err, context.Canceled), k == fault.Cancelled; got != want {
			t.Errorf("%v Is context.Canceled: %v", k, got)
		}
		if got, want := errors.Is(err, context.DeadlineExceeded), k == fault.Deadline; got != want {
			t.Errorf("%v Is context.DeadlineExceeded: %v", k, got)
		}
	}
}

func TestStartedIsTrueUnlessTheOutermostErrorPromisesOtherwise(t *testing.T) {
	plain := errors.New("plain")
	refused := &fault.Error{Kind: fault.Overloaded}
	ran := &fault.Error{Kind: fault.Failed, Started: true}
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, true},
		{"a foreign error", plain, true},
		{"a context error", context.Canceled, true},
		{"a promise", refused, false},
		{"a wrapped promise", fmt.Errorf("x: %w", refused), false},
		{"a promise called permanent", fault.Permanent(refused), false},
		{"a promise to try again", fault.RetryAfter(refused, 1), false},
		{"work that ran and asked somebody who refused", &fault.Error{Kind: fault.Failed, Started: true, Err: refused}, true},
		{"a promise about work that nevertheless ran", &fault.Error{Kind: fault.Lost, Err: ran}, false},
		{"a mere place over a promise", &fault.Error{Op: "x", Err: refused}, false},
		{"a mere place over nothing", &fault.Error{Op: "x"}, true},
		{"a panic with a promise", &fault.Panic{Value: refused}, true},
		{"a deadlock", &fault.Deadlock{}, true},
		{"branches that all promise", errors.Join(refused, refused), false},
		{"branches of which one does not", errors.Join(refused, plain), true},
		{"branches of which one ran", fmt.Errorf("%w: %w", refused, ran), true},
		{"no branches", branches{}, true},
	}
	for _, test := range tests {
		if got := fault.Started(test.err); got != test.want {
			t.Errorf("%s: started %v, want %v", test.name, got, test.want)
		}
	}
}

func TestHintOfGivesTheOutermostHint(t *testing.T) {
	inner := &fault.Error{Hint: "inner"}
	tests := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("plain"), ""},
		{inner, "inner"},
		{&fault.Error{Err: inner}, "inner"},
		{&fault.Error{Hint: "outer", Err: inner}, "outer"},
		{errors.Join(errors.New("plain"), inner), "inner"},
		{&fault.Panic{Value: inner}, "inner"},
	}
	for _, test := range tests {
		if got := fault.HintOf(test.err); got != test.want {
			t.Errorf("%v: hint %q, want %q", test.err, got, test.want)
		}
	}
}

type branches []error

func (branches) Error() string     { return "branches" }
func (b branches) Unwrap() []error { return b }
