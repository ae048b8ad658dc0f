package lock

import (
	"runtime"
	"slices"
	"strings"

	"github.com/hemgo/hem/internal/graph"
)

// A want is one acquisition that is about to wait if need be.
type want struct {
	t    *graph.Task
	lock lockable
	mode mode
	pcs  []uintptr // where; cloned before it is kept
	by   *holder   // nil: holds nothing
}

// wants learns from what is held by who wants l, and returns what is to be told
// when mu is free.
func (c *checker) wants(t *graph.Task, l lockable, m mode, pcs []uintptr) []*report {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users == 0 {
		return nil
	}
	found := c.learns(t, l, m, pcs)
	for _, r := range found {
		r.suppressed = c.reason(r)
	}
	return found
}

func (c *checker) learns(t *graph.Task, l lockable, m mode, pcs []uintptr) (found []*report) {
	w := &want{t: t, lock: l, mode: m, pcs: pcs, by: c.holder(t)}
	found = c.writes(w)
	if w.by == nil {
		return found
	}
	found = append(found, c.ranks(w)...)
	for i, h := range w.by.holds {
		switch {
		case h.lock == l:
			found = append(found, c.rereads(w, h)...)
		case h.lock.class() != l.class():
			found = append(found, c.follows(w, i)...)
		case !w.placed(&h):
			found = append(found, c.nests(w, i)...)
		}
	}
	return found
}

// placed reports whether one call of Update2, Update3 or UpdateAll took h and
// wants w, and so in the order of all guards. A call within the function that
// another was given is another call: nothing orders the two.
func (w *want) placed(h *hold) bool {
	if w.mode&h.mode&ordered == 0 {
		return false
	}
	a, b := callers(w.pcs), callers(h.pcs)
	n := min(len(a), len(b)) // where one is cut, the rest is not known
	return slices.Equal(a[:n], b[:n])
}

// callers returns the part of a stack that is outside this package.
func callers(pcs []uintptr) []uintptr {
	for i, pc := range pcs {
		if f := runtime.FuncForPC(pc - 1); f != nil && !strings.HasPrefix(f.Name(), "github.com/hemgo/hem/lock.") {
			return pcs[i:]
		}
	}
	return nil
}

// example is w as seen beside the hold h, nil for none.
func (w *want) example(h *hold, source gate, by who) func() example {
	return func() example {
		x := example{by: by, name: callerName(w.t), source: source, to: called(w.lock), wanted: slices.Clone(w.pcs)}
		if h != nil {
			x.from, x.taken = called(h.lock), h.pcs
		}
		return x
	}
}

// follows learns that the lock wanted comes after the hold i.
func (c *checker) follows(w *want, i int) []*report {
	h := &w.by.holds[i]
	from := h.lock.class()
	e := c.edge(from, w.lock.class())
	at := c.learn(e, w, i)
	if at == nil {
		return nil
	}
	return c.cycle(w.t, step{from: from, edge: e, at: at, example: len(at.examples) - 1})
}

// learn adds w, beside the hold i, to e, and returns where it is the last
// example then; nil if that is nothing new.
func (c *checker) learn(e *edge, w *want, i int) (at *situation) {
	h := &w.by.holds[i]
	s := situation{held: h.mode & shared, want: w.mode & shared, placed: w.placed(h), gates: c.gatesBeside(w.by, i, w.lock)}
	source := c.gate(*h)
	e.situations, at = admit(e.situations, s, w.example(h, source, w.by.who), w.by.who, source)
	return at
}

// nests learns that a lock was wanted beside one of its own class.
func (c *checker) nests(w *want, i int) []*report {
	class := w.lock.class()
	e := c.edge(class, class)
	if c.learn(e, w, i) == nil {
		return nil
	}
	return c.nested(w.t, class, e)
}

// nested tells of class's nestings, once, if there are two that another task
// could do the other way round: a nesting and itself, unless it has a gate.
func (c *checker) nested(t *graph.Task, class *Class, e *edge) []*report {
	if class.orders.nested {
		return nil
	}
	for i := range e.situations {
		for j := i; j < len(e.situations); j++ {
			a, b := &e.situations[i], &e.situations[j]
			if excludes(a.gates, b.gates) || !c.meets(class, a, b) || !c.meets(class, b, a) {
				continue
			}
			class.orders.nested = true
			last := a
			if j != i && len(b.examples) > 0 {
				last = b
			}
			return []*report{{code: sameClass, task: t, classes: []*Class{class},
				steps: []leg{legOf(last, &last.examples[len(last.examples)-1])}}}
		}
	}
	return nil
}

// meets reports whether who wants a lock of class in the situation a may have to
// wait for who holds it in b.
func (c *checker) meets(class *Class, a, b *situation) bool {
	if a.want&b.held&shared == 0 {
		return true
	}
	return slices.ContainsFunc(class.orders.writers, func(w situation) bool {
		return !excludes(w.gates, a.gates) && !excludes(w.gates, b.gates)
	})
}

// rereads tells, once a class, of a reader that wants to read again.
func (c *checker) rereads(w *want, h hold) []*report {
	class := w.lock.class()
	if h.mode&w.mode&shared == 0 || class.orders.reread {
		return nil
	}
	class.orders.reread = true
	x := w.example(&h, gate{}, who{})()
	return []*report{{code: recursiveRead, task: w.t, classes: []*Class{class},
		steps: []leg{legOf(&situation{held: shared, want: shared}, &x)}}}
}

// ranks tells, once for each pair of classes, of a rank that is not above all
// that are held.
func (c *checker) ranks(w *want) []*report {
	class := w.lock.class()
	if class.rank == 0 {
		return nil
	}
	var top *hold
	for i := range w.by.holds {
		h := &w.by.holds[i]
		if held := h.lock.class(); held != class && held.rank >= class.rank && !w.placed(h) &&
			(top == nil || held.rank > top.lock.class().rank) {
			top = h
		}
	}
	if top == nil {
		return nil
	}
	held := top.lock.class()
	e := c.edge(held, class)
	if e.rankTold {
		return nil
	}
	e.rankTold = true
	x := w.example(top, gate{}, who{})()
	return []*report{{code: rankOrder, task: w.t, classes: []*Class{held, class},
		steps: []leg{legOf(&situation{held: top.mode & shared, want: w.mode & shared}, &x)}}}
}

// writes learns that somebody waits to write, if what is wanted has readers:
// from then on readers may have to wait for readers.
func (c *checker) writes(w *want) (found []*report) {
	if _, ok := w.lock.(*seenMutex); ok || w.mode&shared != 0 {
		return nil
	}
	var s situation
	var by who
	if w.by != nil {
		s.gates, by = c.gatesBeside(w.by, -1, w.lock), w.by.who
	} else {
		by = whoIs(w.t)
	}
	class := w.lock.class()
	var at *situation
	class.orders.writers, at = admit(class.orders.writers, s, w.example(nil, gate{}, by), by, gate{})
	if at == nil {
		return nil
	}
	for _, e := range class.orders.after {
		for i := range e.situations {
			at := &e.situations[i]
			for j := range at.examples {
				if at.held&shared != 0 {
					found = append(found, c.cycle(w.t, step{from: class, edge: e, at: at, example: j})...)
				}
			}
		}
	}
	if e := class.orders.after[c.number(class)]; e != nil {
		found = append(found, c.nested(w.t, class, e)...)
	}
	return found
}
