package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/hemgo/hem/fault"
)

func TestKindOfGivesTheOutermostKind(t *testing.T) {
	plain := errors.New("plain")
	lost := &fault.Error{Op: "proc: run", Kind: fault.Lost}
	tests := []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"nil", nil, fault.None},
		{"a foreign error", plain, fault.Failed},
		{"an Error", lost, fault.Lost},
		{"a wrapped Error", fmt.Errorf("x: %w", lost), fault.Lost},
		{"an Error over another", &fault.Error{Kind: fault.Deadline, Err: lost}, fault.Deadline},
		{"an Error without a kind over another", &fault.Error{Op: "job: do", Err: lost}, fault.Lost},
		{"an Error without a kind or a cause", &fault.Error{Op: "job: do"}, fault.Failed},
		{"a branch", errors.Join(plain, lost), fault.Lost},
		{"two branches", errors.Join(context.Canceled, lost), fault.Cancelled},
		{"a branch in a branch", errors.Join(plain, errors.Join(plain, lost)), fault.Lost},
		{"two verbs", fmt.Errorf("%w: %w", plain, lost), fault.Lost},
		{"a Panic", &fault.Panic{Value: lost}, fault.Panicked},
		{"a Deadlock", fmt.Errorf("x: %w", &fault.Deadlock{}), fault.Deadlocked},
		{"a Deadlock under a Deadline", &fault.Error{Kind: fault.Deadline, Err: &fault.Deadlock{}}, fault.Deadline},
		{"context.Canceled", fmt.Errorf("x: %w", context.Canceled), fault.Cancelled},
		{"context.DeadlineExceeded", context.DeadlineExceeded, fault.Deadline},
		{"an error that says it is a deadline", dialTimeout(t), fault.Deadline},
		{"Permanent", fault.Permanent(lost), fault.Lost},
		{"RetryAfter", fault.RetryAfter(lost, 1), fault.Lost},
		{"a Sentinel", fault.Sentinel("x"), fault.Failed},
		{"an error that cannot be compared", uncomparable{"x"}, fault.Failed},
	}
	for _, test := range tests {
		if got := fault.KindOf(test.err); got != test.want {
			t.Errorf("%s: kind %v, want %v", test.name, got, test.want)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	want := []string{"none", "failed", "cancelled", "deadline", "panicked", "deadlocked", "overloaded", "lost", "fenced", "invalid", "kind 10"}
	for k, name := range want {
		if got := fault.Kind(k).String(); got != name {
			t.Errorf("Kind(%d) is %q, want %q", k, got, name)
		}
	}
}

func TestKindOfDoesNotAllocate(t *testing.T) {
	err := fmt.Errorf("x: %w", &fault.Error{Kind: fault.Lost})
	if n := testing.AllocsPerRun(100, func() { fault.KindOf(err) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// uncomparable panics when compared with ==.
type uncomparable []string

func (u uncomparable) Error() string { return u[0] }

// dialTimeout is an error of package net that is not context.DeadlineExceeded
// but says that it is.
func dialTimeout(t *testing.T) error {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1")
	if err == nil {
		t.Fatal("dialled with a dead context")
	}
	return err
}
