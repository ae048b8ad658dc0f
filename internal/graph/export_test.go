package graph

// What tests outside the package may reach of its inside.

// Mutate switches rules of the walk off until undo is called. No task may be
// waiting at either moment.
func Mutate(unvalidated, timedCounted bool) (undo func()) {
	before := mutant
	mutant.unvalidated, mutant.timedCounted = unvalidated, timedCounted
	return func() { mutant = before }
}

// Certain says whether verdicts are errors on this architecture.
const Certain = certain

// Self is the address by which the running goroutine is known.
func Self() uintptr { return getg() }

// Spread gives g its shards, as two spawners that meet do.
func (g *Group) Spread() { g.spread() }

// Shards is how many lists g has.
func (g *Group) Shards() int {
	if g.more.Load() == nil {
		return 1
	}
	return 1 + nShards
}

func (t *Task) Shard() uint64 { return t.seq & 0xff }

// States of a wait, for the model.
const (
	WaitOpen    = waitOpen
	WaitClaimed = waitClaimed
	WaitWoken   = waitWoken
	WaitLeft    = waitLeft
)

func (w *Wait) State() uint32 { return w.state.Load() }

// Knot is the walk alone, without its verdict.
func (w *Wait) Knot() []*Wait { return w.knot() }
