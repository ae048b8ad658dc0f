package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
)

func TestAFailedCheckIsToldInOneLine(t *testing.T) {
	lost := func(started bool, err error) error {
		return &fault.Error{Op: "proc: run", Task: "check", Kind: fault.Lost, Started: started, Err: err}
	}
	for _, c := range []struct {
		name   string
		err    error
		status int
		says   string
	}{
		{"over memory", lost(true, &proc.ExitError{OverMemory: true, Signal: syscall.SIGKILL}), 422, "more memory"},
		{"over time", &fault.Error{Kind: fault.Deadline, Started: true, Err: errors.Join(context.DeadlineExceeded, &proc.ExitError{Reason: "it went on"})}, 422, "longer"},
		{"fatal error", lost(true, &proc.ExitError{Code: 2, Stderr: "runtime: goroutine stack exceeds\nfatal error: stack overflow\n\ngoroutine 1:\n"}), 422, "the check crashed: stack overflow"},
		{"panic", lost(true, &proc.ExitError{Code: 2, Stderr: "panic: oh\n\tno\n"}), 422, "the check crashed: oh"},
		{"a signal", lost(true, &proc.ExitError{Command: "checker", Pid: 7, Code: -1, Signal: syscall.SIGSEGV, Stderr: "ouch\n"}), 422, "the check crashed: worker 7 (checker) was ended by signal 11 (segmentation fault)"},
		{"no worker", lost(false, &proc.ExitError{Code: 1}), 503, "could not begin"},
		{"no more of who ran it", lost(true, errors.New("the owner has ended")), 500, "the check failed: "},
		{"its own", errors.New("no\nGo"), 500, "the check failed: no"},
	} {
		err := explain(c.err)
		for _, err := range []error{err, fault.Decode(fault.Encode(err))} { // here, and from where jobs are worked at
			status, message := failure(err)
			if status != c.status || !strings.Contains(message, c.says) || strings.Contains(message, "\n") {
				t.Errorf("%s: got %d %q, want %d with %q", c.name, status, message, c.status, c.says)
			}
		}
	}
}
