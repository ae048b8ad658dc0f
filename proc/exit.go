package proc

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/hemgo/hem/fault"
)

// An ExitError says how a worker's process ended: because it did, or because the
// pool killed it. It is the cause of errors of [Pool.Run] and [New], for
// errors.As.
type ExitError struct {
	Command string // the program
	Pid     int

	// Code is the exit status, -1 if a signal ended the process. Signal is
	// zero if it exited.
	Code   int
	Signal syscall.Signal

	// OverMemory and OverPids say that it came to Limits.Memory or Limits.Pids.
	// A worker that the kernel killed because the whole machine had no memory
	// left has neither, but ended by SIGKILL.
	OverMemory, OverPids bool

	// Reason is why the pool killed it. It is empty if it did not.
	Reason string

	// Stderr is the end of what it printed to standard error, at most 4 KiB.
	Stderr string
}

// Error says what happened, and the end of what the worker printed.
func (e *ExitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "worker %d (%s) ", e.Pid, e.Command)
	switch {
	case e.OverMemory:
		b.WriteString("reached its limit of memory")
	case e.OverPids:
		b.WriteString("reached its limit of processes and threads")
	case e.Reason != "":
		b.WriteString("was killed: " + e.Reason)
	case e.Signal != 0:
		fmt.Fprintf(&b, "was ended by signal %d (%v)", int(e.Signal), e.Signal)
	default:
		fmt.Fprintf(&b, "exited with status %d", e.Code)
	}
	if last := strings.TrimSpace(e.Stderr); last != "" {
		b.WriteString(", having printed:\n\t")
		b.WriteString(strings.ReplaceAll(last, "\n", "\n\t"))
	}
	return b.String()
}

func (e *ExitError) hint() string {
	switch {
	case e.OverMemory:
		return "raise Config.Limits.Memory, or give the task less at a time"
	case e.OverPids:
		return "raise Config.Limits.Pids"
	}
	return ""
}

// exitError says how w's process, which has ended, did so.
func (w *worker) exitError() *ExitError {
	x := w.child.Exit()
	w.mu.Lock()
	defer w.mu.Unlock()
	reason := w.reason
	if reason == reasonSilent && !x.Killed {
		reason = "" // it had ended, and only its tree took a while to go
	}
	return &ExitError{
		Command: w.house.Command[0], Pid: x.Pid, Code: x.Code, Signal: x.Signal,
		OverMemory: x.OverMemory, OverPids: x.OverPids,
		Reason: reason, Stderr: string(x.Tail),
	}
}

const (
	reasonClosed = "the pool was closed"
	reasonSilent = "it closed its descriptors and went on"
)

// A violation is something that a worker may not send.
type violation struct {
	what string
	err  error
}

func (v *violation) Error() string {
	if v.err == nil {
		return v.what
	}
	return v.what + ": " + v.err.Error()
}

func (v *violation) Unwrap() error { return v.err }

// lost is the error of a worker that is not there any more, or never was.
func (w *worker) lost(why error) error {
	kind := fault.KindOf(why)
	if kind != fault.Invalid && kind != fault.Overloaded { // as when the command cannot be started
		kind = fault.Lost
	}
	return &fault.Error{Op: "proc: start worker", Task: w.house.Name, Kind: kind, Err: why}
}
