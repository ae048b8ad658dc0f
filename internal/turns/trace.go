package turns

import (
	"strconv"
	"strings"
)

// A Trace is what happened in a run, in order.
type Trace []Step

// A Step is one thing that a task did, or that happened to it.
type Step struct {
	Task  int    // tasks are numbered in the order they were spawned, from 1
	Event string // spawn, run, park, wake, end
	On    string // park: the kind of what is waited for
}

// String is the step as "t2 park on mutex".
func (s Step) String() string {
	text := "t" + strconv.Itoa(s.Task) + " " + s.Event
	if s.On != "" {
		text += " on " + s.On
	}
	return text
}

// String is a line for each step.
func (t Trace) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.String())
		b.WriteByte('\n')
	}
	return b.String()
}
