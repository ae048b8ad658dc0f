package graph

import (
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/hemgo/hem/fault"
)

// verdicts lets one knot be judged at a time, so that each falls on one task
// though several closed it at once. It is taken when a knot is suspected and
// never else.
var verdicts sync.Mutex

// verdict returns a *fault.Deadlock if waiting in w could never end, nil if it
// could or w need wait no more.
func (w *Wait) verdict() error {
	if !w.res.Blocked(w.t, waits) {
		return nil
	}
	var b bystander
	for {
		k := w.look()
		if k == nil || !k.closes && !b.abandoned(w, k) {
			if k == nil || !b.linger(w, k) {
				return nil
			}
			continue
		}
		verdicts.Lock()
		k = w.look() // again: another of its tasks may have been judged
		ours := k != nil && (k.closes || b.abandoned(w, k))
		told := ours && certain && w.state.CompareAndSwap(waitOpen, waitLeft)
		verdicts.Unlock()
		switch {
		case told:
			w.t.or(taskTold)
			return report(k.waits)
		case ours:
			if !certain {
				suspect(k.waits)
			}
			return nil
		}
	}
}

// A bystander waits for tasks that are stuck without it. Whoever closed their
// knot is about to be told, so the bystander is not; it looks again until it is
// free or closes a knot itself. But it may be that nobody is about to be told:
// a join that has been told waits on, and of knots that share tasks and closed
// at once each looks older to the other. So the bystander asks the others
// where they are.
type bystander struct {
	asked  map[*Wait]*stackRequest
	past   map[*Wait]bool // will not look again
	looks  map[*Wait]bool // linger as this one does
	rounds int
	quiet  int // looks in a row at which all others were past or lingered
}

// In knots over weighted units it may be that nobody is stuck by one other alone:
// then none closes it and none is in a circle, and all linger. After fewRounds of
// answers that say so, the first of those who are waited for is told. What others
// give up, who merely wait, frees nobody. After manyRounds anybody is told: it
// takes knots of a shape that no test has met.
const (
	fewRounds  = 3
	manyRounds = 60
)

// abandoned reports whether nobody else will be told of what w is stuck with:
// all others are past their verdict, or linger while w has a knot of its own.
func (b *bystander) abandoned(w *Wait, k *knot) bool {
	if w.t.Scheduler() != nil {
		return true // one task runs at a time: nobody is on its way to a verdict
	}
	others := 0
	for _, m := range k.waits[1:] {
		switch {
		case b.past[m] || m.bell == nil: // who stands by does not look
		case b.looks[m]:
			others++
		default:
			b.quiet = 0
			return false
		}
	}
	b.quiet++
	return others == 0 || k.circles || b.quiet > fewRounds && b.first(w, k) || b.quiet > manyRounds
}

// first reports whether w is waited for, and no other of k that lingers comes
// before it, in an order on which all agree.
func (b *bystander) first(w *Wait, k *knot) bool {
	for _, m := range k.waits[1:] {
		if b.looks[m] && !b.past[m] && uintptr(unsafe.Pointer(m.t)) < uintptr(unsafe.Pointer(w.t)) {
			return false
		}
	}
	return k.wanted
}

// linger gives the others a while to come to their verdicts, and reports false
// if w is over before.
func (b *bystander) linger(w *Wait, k *knot) bool {
	if b.rounds == 0 {
		b.asked, b.past, b.looks = make(map[*Wait]*stackRequest), make(map[*Wait]bool), make(map[*Wait]bool)
	}
	b.rounds++
	for _, m := range k.waits[1:] {
		if b.asked[m] == nil && !b.past[m] {
			b.asked[m] = m.request()
		}
	}
	pause := time.NewTimer(min(50*time.Microsecond<<min(b.rounds, 16), 10*time.Millisecond))
	defer pause.Stop()
	for {
		select {
		case <-w.bell:
			if w.state.Load() == waitWoken {
				w.ring() // for Park
				return false
			}
			w.answer(false)
			continue
		case <-w.ctx.Done():
			return false
		case <-pause.C:
		}
		break
	}
	for m, r := range b.asked {
		if r == nil {
			continue // it had gone
		}
		select {
		case a := <-r.answer:
			b.past[m], b.looks[m] = a.past, a.stack != nil
			b.asked[m] = nil
		default:
			b.looks[m] = false
		}
	}
	return true
}

// expired is the error of a wait that its own context ended while it was part
// of a knot: first the cause, which decides its kind, then why it could not
// have ended otherwise.
type expired struct {
	cause error
	ended error // what the context says: Canceled or DeadlineExceeded
	knot  *fault.Deadlock
}

func (e *expired) Error() string   { return e.cause.Error() + "; until then " + e.knot.Error() }
func (e *expired) Unwrap() []error { return []error{e.cause, e.knot} }

// Is gives a kind to causes that have none of their own: else the knot's would
// be found.
func (e *expired) Is(target error) bool {
	return target == e.ended && fault.KindOf(e.cause) == fault.Failed
}

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
		if s, ok := w.res.(standing); ok {
			// The one it stands by for is parked on the same goroutine.
			if j := slices.IndexFunc(knot, func(w *Wait) bool { return w.t == s.inner }); j >= 0 {
				stacks[i] = stacks[j]
			}
		}
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

// wantedFrom lists what the members of knot wait for that t must act for, but
// for things of which is known that t does not hold them: it merely waits for
// them too, ahead of another.
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
		if h, ok := w.res.(Holdable); wanted && ok && !h.HeldBy(t) {
			continue
		}
		if label := w.res.Label().String(); wanted && !slices.Contains(held, label) {
			held = append(held, label)
		}
	}
	return held
}
