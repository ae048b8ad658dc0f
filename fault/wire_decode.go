package fault

import (
	"context"
	"errors"
	"time"
)

// remote is an error of another process whose type is not known here.
type remote struct {
	text string
	tail bool    // the text of errs[0] follows
	errs []error // what it wrapped
	is   error   // the context error it said it was, or nil
}

func (r *remote) Error() string {
	if r.tail {
		return r.text + r.errs[0].Error()
	}
	return r.text
}

func (r *remote) Unwrap() []error { return r.errs }

func (r *remote) Is(target error) bool { return r.is != nil && target == r.is }

// decode is the error that n stands for, never nil.
func (n *node) decode(depth int) error {
	errs := decodeAll(n.Errs, depth)
	switch n.Form {
	case formCanceled:
		return context.Canceled
	case formDeadline:
		return context.DeadlineExceeded
	case formSentinel:
		if 0 < len(n.Text) && len(n.Text) <= maxSentinel {
			return sentinel(n.Text)
		}
	case formJoin:
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
	case formPermanent:
		return Permanent(n.cause(errs))
	case formRetry:
		return RetryAfter(n.cause(errs), time.Duration(n.After))
	case formError:
		return n.error(errs)
	case formPanic:
		return n.panicked(errs, depth)
	case formDeadlock:
		return n.deadlock()
	}
	r := &remote{text: string(n.Text), tail: n.Tail && len(errs) > 0, errs: errs}
	switch form(n.Ctx) {
	case formCanceled:
		r.is = context.Canceled
	case formDeadline:
		r.is = context.DeadlineExceeded
	}
	return r
}

// decodeAll stops where Encode would have: what nests deeper is not ours.
func decodeAll(nodes []*node, depth int) []error {
	if depth == maxDepth {
		return nil
	}
	var errs []error
	for _, n := range nodes {
		if n != nil { // JSON's null
			errs = append(errs, n.decode(depth+1))
		}
	}
	return errs
}

// cause is what a wrapper wraps: the reverse of encoder.wrapper.
func (n *node) cause(errs []error) error {
	if len(errs) > 0 {
		return errs[0]
	}
	return &remote{text: string(n.Text)}
}

func (n *node) error(errs []error) error {
	e := &Error{
		Op:      string(n.Op),
		Task:    string(n.Task),
		Started: !n.Unbegun,
		Hint:    string(n.Hint),
	}
	if n.Kind != "" {
		e.Kind = kindNamed(n.Kind)
	}
	if len(errs) > 0 || n.Text != "" {
		e.Err = n.cause(errs)
	}
	return e
}

func (n *node) panicked(errs []error, depth int) error {
	p := &Panic{
		Stack:  string(n.Stack),
		Task:   string(n.Task),
		Path:   decodePath(n.Path),
		Goexit: n.Goexit,
	}
	switch {
	case !n.Valued:
	case len(errs) > 0:
		p.Value = errs[0]
	default:
		p.Value = string(n.Text)
	}
	for _, other := range decodeAll(n.Others, depth) {
		if o, ok := other.(*Panic); ok {
			p.Others = append(p.Others, o)
		}
	}
	return p
}

func (n *node) deadlock() error {
	d := &Deadlock{Task: string(n.Task)}
	for _, w := range n.Members {
		m := Member{Task: string(w.Task), Path: decodePath(w.Path), WaitsFor: string(w.WaitsFor)}
		for _, held := range w.Holds {
			m.Holds = append(m.Holds, string(held))
		}
		for _, f := range w.Stack {
			m.Stack = append(m.Stack, f.decode())
		}
		d.Members = append(d.Members, m)
	}
	return d
}

func decodePath(steps []step) Path {
	var p Path
	for _, s := range steps {
		p = append(p, Step{Task: string(s.Task), Site: s.Site.decode()})
	}
	return p
}

func (f frame) decode() Frame {
	return Frame{Func: string(f.Func), File: string(f.File), Line: f.Line}
}
