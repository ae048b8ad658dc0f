package fault

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// encoder makes the wire form of one error, within its limits.
type encoder struct {
	nodes int // errors, frames, steps and members that may still be written
	texts int // bytes of text that may still be written
}

// node is the wire form of err, which is not nil.
func (e *encoder) node(err error, depth int) *node {
	switch err {
	case context.Canceled:
		return &node{Form: formCanceled}
	case context.DeadlineExceeded:
		return &node{Form: formDeadline}
	}
	switch x := err.(type) {
	case sentinel:
		e.texts -= len(x) // but never cut: identity travels whole
		return &node{Form: formSentinel, Text: text(x)}
	case *permanent:
		return e.wrapper(&node{Form: formPermanent}, x.err, depth)
	case *retryAfter:
		return e.wrapper(&node{Form: formRetry, After: int64(x.after)}, x.err, depth)
	case *Error:
		if x != nil {
			return e.error(x, depth)
		}
	case *Panic:
		if x != nil {
			return e.panicked(x, depth)
		}
	case *Deadlock:
		if x != nil {
			return e.deadlock(x)
		}
	}
	return e.other(err, depth)
}

// wrapper puts what n wraps into Errs or, where the limits leave no room for
// an error there, its text into Text.
func (e *encoder) wrapper(n *node, cause error, depth int) *node {
	if n.Errs, _ = e.causes([]error{cause}, depth); n.Errs == nil {
		n.Text = e.text(textOf(cause))
	}
	return n
}

// causes is the form of what an error wraps, and whether it is all of it. The
// first are written whole before the last are begun. For those left out
// stands an error that promises nothing, so that the answers of the whole
// stay cautious.
func (e *encoder) causes(errs []error, depth int) (nodes []*node, all bool) {
	if depth < maxDepth {
		for err := range within(e, errs) {
			nodes = append(nodes, e.node(err, depth+1))
		}
	}
	missing := len(errs) - len(nodes)
	if missing > 0 && len(nodes) > 0 {
		nodes = append(nodes, &node{Text: e.text(fmt.Sprintf("… and %d more", missing))})
	}
	return nodes, missing == 0
}

func (e *encoder) error(x *Error, depth int) *node {
	n := &node{
		Form:    formError,
		Op:      e.text(x.Op),
		Task:    e.text(x.Task),
		Unbegun: !x.Started,
		Hint:    e.text(x.Hint),
	}
	if x.Kind != None {
		n.Kind = x.Kind.String()
	}
	if x.Err == nil {
		return n
	}
	return e.wrapper(n, x.Err, depth)
}

func (e *encoder) panicked(p *Panic, depth int) *node {
	n := &node{
		Form:   formPanic,
		Valued: p.Value != nil,
		Task:   e.text(p.Task),
		Stack:  e.text(p.Stack),
		Path:   e.path(p.Path),
		Goexit: p.Goexit,
	}
	switch v := p.Value.(type) {
	case nil:
	case error:
		e.wrapper(n, v, depth)
	default:
		n.Text = e.text(valueText(v))
	}
	if depth < maxDepth {
		for other := range within(e, p.Others) {
			n.Others = append(n.Others, e.node(other, depth+1))
		}
	}
	return n
}

func (e *encoder) deadlock(d *Deadlock) *node {
	n := &node{Form: formDeadlock, Task: e.text(d.Task)}
	for m := range within(e, d.Members) {
		w := member{
			Task:     e.text(m.Task),
			Path:     e.path(m.Path),
			WaitsFor: e.text(m.WaitsFor),
		}
		for held := range within(e, m.Holds) {
			w.Holds = append(w.Holds, e.text(held))
		}
		for f := range within(e, m.Stack) {
			w.Stack = append(w.Stack, e.frame(f))
		}
		n.Members = append(n.Members, w)
	}
	return n
}

func (e *encoder) path(p Path) []step {
	var steps []step
	for s := range within(e, p) {
		steps = append(steps, step{Task: e.text(s.Task), Site: e.frame(s.Site)})
	}
	return steps
}

func (e *encoder) frame(f Frame) frame {
	return frame{Func: e.text(f.Func), File: e.text(f.File), Line: f.Line}
}

// other is the form of an error that this package knows nothing about: its
// text and what it wraps. Most such texts end in that of what they wrap, or
// are those of several on a line each, and then they are not written twice.
func (e *encoder) other(err error, depth int) *node {
	whole := textOf(err)
	wrapped, ctx := inquire(err)
	n := &node{Ctx: ctx}
	var all bool
	n.Errs, all = e.causes(wrapped, depth)
	switch {
	case !all:
		n.Text = e.text(whole)
	case len(wrapped) == 1 && strings.HasSuffix(whole, textOf(wrapped[0])):
		n.Text = e.text(strings.TrimSuffix(whole, textOf(wrapped[0])))
		n.Tail = true
	case len(wrapped) > 1 && ctx == "" && whole == lines(wrapped):
		n.Form = formJoin
	default:
		n.Text = e.text(whole)
	}
	return n
}

// inquire gives what err wraps, without nils, and which context error it says
// it is. A foreign method that panics is taken to say nothing.
func inquire(err error) (wrapped []error, ctx string) {
	defer func() { _ = recover() }()
	var all []error
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		all = []error{x.Unwrap()}
	case interface{ Unwrap() []error }:
		all = x.Unwrap()
	}
	for _, w := range all {
		if w != nil {
			wrapped = append(wrapped, w)
		}
	}
	switch kindAt(err) {
	case Cancelled:
		ctx = string(formCanceled)
	case Deadline:
		ctx = string(formDeadline)
	}
	return wrapped, ctx
}

// lines is the text that errors.Join gives to errs.
func lines(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = textOf(err)
	}
	return strings.Join(texts, "\n")
}

// text is s, or as much of it as the limits allow.
func (e *encoder) text(s string) text {
	s = cut(s, min(maxText, max(e.texts, 0)))
	e.texts -= len(s)
	return text(s)
}

// cut shortens s to n bytes, the note that says so included. Only the note
// may take more.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	end := max(n-len(note(len(s))), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + note(len(s)-end)
}

func note(missing int) string { return fmt.Sprintf(" … (%d bytes cut)", missing) }

// within gives the elements of s for which there is room, and takes that room
// one by one, since what they contain takes some as well.
func within[T any](e *encoder, s []T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, x := range s {
			if e.nodes == 0 {
				return
			}
			e.nodes--
			if !yield(x) {
				return
			}
		}
	}
}
