package graph

import "unsafe"

// Owner names the task that holds something. Whoever holds it writes, before
// it gives it up to others; anybody reads.
//
// A hold must be visible before its owner's next wait is, and gone before the
// thing is free: with that, whoever publishes the last wait of a knot sees all
// of it. On amd64 plain stores have that order, and a lock's fast path is spared
// a second locked instruction. Elsewhere, and under the race detector, they are
// atomic.
type Owner struct{ task unsafe.Pointer }

// Get returns the owner, nil if there is none or it is outside every task.
func (o *Owner) Get() *Task { return (*Task)(loadOwner(&o.task)) }

// Set makes t the owner, nil for nobody known.
func (o *Owner) Set(t *Task) { storeOwner(&o.task, unsafe.Pointer(t)) }

// Hold notes that t, whose goroutine is the calling one, holds one more thing
// which it must give up before it ends.
func (t *Task) Hold() { t.held++ }

// Unhold notes that t, whose goroutine is the calling one, has given one up.
func (t *Task) Unhold() { t.held-- }

// Told reports whether t's last wait ended in a verdict. What it gives up now is
// for those who were stuck with it: it must not take it back before they can.
func (t *Task) Told() bool { return t.Has(taskTold) }

// Spread returns a small number that differs between most tasks which run at
// the same time, to keep them apart in what they share.
func (t *Task) Spread() int { return int(t.g >> 7) }

// Holdable is a resource that knows who holds it, for reports.
type Holdable interface {
	// HeldBy reports whether t holds it, or a part of it.
	HeldBy(t *Task) bool
}

// Estate is a resource whose holder may end without giving it up.
type Estate interface {
	Resource
	// HolderEnded sees to those who wait for it, if t holds it.
	HolderEnded(t *Task)
}

// Abandoned is called, if it is set, with a task that ended while it held so
// many things. It is for findings.
var Abandoned func(t *Task, n int)

// abandon tells all who wait for what t held. Whoever publishes a wait later
// has to look whether the holder has ended: it or this walk sees the other.
func (t *Task) abandon() {
	if Abandoned != nil {
		Abandoned(t, int(t.held))
	}
	tell := func(w *Wait) {
		if e, ok := w.res.(Estate); ok {
			e.HolderEnded(t)
		}
	}
	var visit func(g *Group)
	visit = func(g *Group) {
		g.Tasks(func(x *Task) bool {
			if w := x.Wait(); w != nil {
				tell(w)
			}
			for g := x.Inner(); g != nil; g = g.Outer() {
				visit(g)
			}
			return true
		})
	}
	visit(&roots)
	for _, w := range strangers.waits() {
		tell(w)
	}
}
