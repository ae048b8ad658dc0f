package graph

import "cmp"

// What is below is for inspect, which looks and decides nothing.

// Origin is what tasks of one sort have in common, or scopes, unresolved: to
// compare two costs nothing.
type Origin struct {
	Name string  // as given, may be empty
	Fn   uintptr // entry of the function
	Site uintptr // where it was started or opened
}

// Origin returns where t comes from.
func (t *Task) Origin() Origin { return Origin{t.name, t.fn, t.site} }

// Origin returns where g comes from.
func (g *Group) Origin() Origin { return Origin{g.name, g.fn, g.site} }

// Via returns the task of another goroutine under whose context t, a root, was
// adopted; nil if there was none.
func (t *Task) Via() *Task {
	if t.rare == nil {
		return nil
	}
	return t.rare.via
}

// Shared reports whether another goroutine was seen waiting under t's context.
func (t *Task) Shared() bool { return t.Has(taskShared) }

// Born returns the tick of the coarse clock at which t was added. Together with
// t's address it tells t from a later task that got the same memory.
func (t *Task) Born() uint32 { return uint32(t.born) }

// Born returns the tick of the coarse clock at which g was opened.
func (g *Group) Born() uint32 { return uint32(g.born) }

// Older orders siblings, the older first, as well as that is known: within a
// shard exactly; a group's first shard is older than its others; between those
// by tick and number.
func Older(a, b *Task) int {
	return cmp.Or(
		cmp.Compare(min(a.seq&0xff, 1), min(b.seq&0xff, 1)),
		cmp.Compare(a.born, b.born),
		cmp.Compare(a.seq, b.seq),
	)
}
