package graph

import (
	"sync"

	"github.com/hemgo/hem/fault"
)

// verdicts lets one knot be judged at a time, so that each falls on one task
// though several closed it at once. It is taken when a knot is suspected and
// never else.
var verdicts sync.Mutex

// verdict returns a *fault.Deadlock if waiting in w could never end, nil if it
// could or w has been granted meanwhile.
func (w *Wait) verdict() error {
	if !w.res.Blocked(w.t, waits) || w.knot() == nil {
		return nil
	}
	verdicts.Lock()
	knot := w.knot() // again: another of its tasks may have been judged
	if knot == nil || !certain || !w.state.CompareAndSwap(waitOpen, waitLeft) {
		verdicts.Unlock()
		if knot != nil && !certain {
			suspect(knot)
		}
		return nil
	}
	verdicts.Unlock()
	return report(knot)
}

// expired is the error of a wait that its own context ended while it was part
// of a knot: first the cause, which decides its kind, then why it could not
// have ended otherwise.
type expired struct {
	cause error
	knot  *fault.Deadlock
}

func (e *expired) Error() string   { return e.cause.Error() + "; until then " + e.knot.Error() }
func (e *expired) Unwrap() []error { return []error{e.cause, e.knot} }

// suspect reports a knot where identity is no proof.
func suspect(knot []*Wait) {
	d := report(knot)
	Report(Finding{Code: "graph.suspected-deadlock", Task: knot[0].t, Detail: d.Error()})
}

// report describes knot, whose first wait is the caller's own.
func report(knot []*Wait) *fault.Deadlock {
	d := &fault.Deadlock{Task: knot[0].t.String()}
	stacks := stacksOf(knot)
	for i, w := range knot {
		d.Members = append(d.Members, fault.Member{
			Task:     w.t.String(),
			Path:     w.t.Path(),
			WaitsFor: w.res.Label().String(),
			Holds:    wantedFrom(w.t, knot),
			Stack:    stacks[i],
		})
	}
	return d
}

// wantedFrom lists what the members of knot wait for that t must act for.
func wantedFrom(t *Task, knot []*Wait) (held []string) {
	in := make(map[*Task]bool, len(knot))
	for _, w := range knot {
		in[w.t] = true
	}
	for _, w := range knot {
		wanted := false
		w.res.Blocked(w.t, func(x *Task) bool {
			wanted = wanted || x == t
			return in[x]
		})
		if wanted {
			held = append(held, w.res.Label().String())
		}
	}
	return held
}
