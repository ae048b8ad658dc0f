package fault

import (
	"fmt"
	"strings"
)

// Panic is a panic that was caught: the error a contained task returns, and
// the value with which a scope panics again.
type Panic struct {
	// Value is what was passed to panic. After [Decode] it is the text of
	// that value, or an error of the same text if it was an error.
	Value any

	// Stack is that of the goroutine which panicked, as [runtime/debug.Stack] gives
	// it, taken while it was panicking.
	Stack string

	// Task is the name of the task, and Path who started it.
	Task string
	Path Path

	// Goexit says that the task did not panic but ended its goroutine by
	// [runtime.Goexit], as testing.T.FailNow does. Then Value is nil.
	Goexit bool

	// Others are panics of siblings while this one was being handled.
	Others []*Panic
}

// Error is what a crash prints: the value, who started the task, and the
// stack of the goroutine that panicked. Those of the others follow.
func (p *Panic) Error() string {
	var b strings.Builder
	b.WriteString(p.what(valueText(p.Value)))
	if len(p.Path) > 0 {
		b.WriteString("\npath: ")
		b.WriteString(p.Path.String())
	}
	if p.Stack != "" {
		b.WriteString("\n\n")
		b.WriteString(strings.TrimRight(p.Stack, "\n"))
	}
	for _, other := range p.Others {
		b.WriteString("\n\nmeanwhile ")
		b.WriteString(other.Error())
	}
	return b.String()
}

// Short is one line without the stacks: "checkout#7 panicked: no such item".
func (p *Panic) Short() string {
	value, _, more := strings.Cut(valueText(p.Value), "\n")
	if more {
		value += " …"
	}
	s := p.what(value)
	if n := len(p.Others); n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// what says what the task did.
func (p *Panic) what(value string) string {
	did := "panicked: " + value
	if p.Goexit {
		did = "called runtime.Goexit"
	}
	if p.Task == "" {
		return did
	}
	return p.Task + " " + did
}

// Unwrap gives Value if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// valueText is the text of a value passed to panic. It prefers Error to
// Format, which fmt would take, so that the text is that of the error chain.
func valueText(v any) string {
	if err, ok := v.(error); ok {
		return textOf(err)
	}
	return fmt.Sprint(v)
}

// textOf is err.Error(), also for an error whose method panics: reporting a
// failure must not become the next one.
func textOf(err error) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprintf("%T whose Error method panics: %v", err, r)
		}
	}()
	return err.Error()
}
