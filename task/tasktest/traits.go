package tasktest

import "time"

// Traits say in which of the ways that package task allows a runner is made.
// The zero value is a rung with memory of its own, which awaits functions that
// ignore their context, knows every task, and has no limit.
type Traits struct {
	// SharedMemory says that the function gets the caller's own values, and the
	// caller the function's own error. The default is copies.
	SharedMemory bool

	// Kills says that a function which ignores the end of its context is
	// killed. The default is that it is awaited.
	Kills bool

	// KillsWithin bounds the time from the end of the context to the return of
	// Run if the runner kills. The default is 15 s.
	KillsWithin time.Duration

	// MaxPayload is the largest input or output in encoded bytes that is
	// carried; one more is refused. The default, zero, is no limit.
	MaxPayload int

	// CanBeUnknown says that the runner refuses a task which is not among those
	// it was opened with. The default is that every task can be run, or waits
	// until somebody knows it.
	CanBeUnknown bool

	// Patience bounds each case: then its context ends, and after as long again
	// the process does, with all stacks. The default is 60 s.
	Patience time.Duration
}

func (t Traits) withDefaults() Traits {
	if t.KillsWithin <= 0 {
		t.KillsWithin = 15 * time.Second
	}
	if t.Patience <= 0 {
		t.Patience = time.Minute
	}
	return t
}
