package graph

// A walk finds the tasks that can never act again if nobody else helps them:
// the greatest fixpoint of "blocked, given that the others are". It takes no
// lock on the graph; what it read counts only once validate has seen the same
// waits still there (G4).
//
//	K1. members holds every waiting task that was asked about, once.
//	K2. A task found live is live: Blocked is monotone, and it was evaluated
//	    against at least everybody who may be stuck.
type walk struct {
	members []*Wait
	index   map[*Task]int // of members; nil while there are few
	live    []bool        // parallel to members
}

const fewMembers = 12

func (k *walk) find(t *Task) (i int, ok bool) {
	if k.index != nil {
		i, ok = k.index[t]
		return i, ok
	}
	for i, w := range k.members {
		if w.t == t {
			return i, true
		}
	}
	return 0, false
}

func (k *walk) add(w *Wait) int {
	i := len(k.members)
	k.members = append(k.members, w)
	k.live = append(k.live, false)
	switch {
	case k.index != nil:
		k.index[w.t] = i
	case len(k.members) > fewMembers:
		k.index = make(map[*Task]int, 4*fewMembers)
		for i, w := range k.members {
			k.index[w.t] = i
		}
	}
	return i
}

// waits reports whether t waits for anything that could be a knot's edge. It
// captures nothing, so that the first level of a walk costs no allocation.
func waits(t *Task) bool {
	w := t.wait.Load()
	return w != nil && w.stuck()
}

// explore visits everybody w's task depends on, taking those seen as stuck.
func (k *walk) explore(w *Wait) (blocked bool) {
	i := k.add(w)
	blocked = w.res.Blocked(w.t, k.ask)
	if !blocked {
		k.live[i] = true // K2
	}
	return blocked
}

func (k *walk) ask(x *Task) bool {
	if i, ok := k.find(x); ok {
		return !k.live[i]
	}
	w := x.wait.Load()
	if w == nil || !w.stuck() {
		return false
	}
	return k.explore(w)
}

// settle removes the tasks that the live ones can help, until none is left
// to remove: what remains is the greatest fixpoint.
func (k *walk) settle() {
	stuck := func(x *Task) bool {
		i, ok := k.find(x)
		return ok && !k.live[i]
	}
	for changed := true; changed; {
		changed = false
		for i, w := range k.members {
			if !k.live[i] && !w.res.Blocked(w.t, stuck) {
				k.live[i], changed = true, true
			}
		}
	}
}

// valid reports whether every stuck member still waits in the same wait. Read
// waits, then holders, then the same waits: nobody in the set moved in
// between, and nobody else can undo what holds them.
func (k *walk) valid() bool {
	for i, w := range k.members {
		if k.live[i] {
			continue
		}
		if w.t.wait.Load() != w || w.state.Load() != waitOpen || i > 0 && !w.stuck() {
			return false
		}
	}
	return true
}

// knot returns the waits of the knot that w closes, w first; nil if it closes
// none. Tasks that are stuck without w's help belong to another knot, which
// another wait closed and will report, unless its verdict is spent.
func (w *Wait) knot() []*Wait {
	for {
		var k walk
		if !k.explore(w) {
			return nil
		}
		k.settle()
		if k.live[0] {
			return nil
		}
		if !mutant.unvalidated && !k.valid() {
			if w.state.Load() != waitOpen {
				return nil // granted meanwhile
			}
			continue
		}
		return k.closed()
	}
}

// closed returns the stuck members that w, the first, keeps stuck.
func (k *walk) closed() []*Wait {
	stuck := make([]bool, len(k.live))
	for i := range stuck {
		stuck[i] = !k.live[i]
	}
	w := k.members[0]
	k.live[0] = true
	k.settle()
	for i, m := range k.members {
		if stuck[i] && !k.live[i] && m.spent {
			// An older knot that nobody will report again: w would hang on it
			// in silence, so it is told too.
			return k.pick(stuck)
		}
	}
	if w.res.Blocked(w.t, func(x *Task) bool {
		i, ok := k.find(x)
		return ok && !k.live[i]
	}) {
		return nil
	}
	for i := range stuck {
		stuck[i] = stuck[i] && (i == 0 || k.live[i])
	}
	return k.pick(stuck)
}

func (k *walk) pick(in []bool) []*Wait {
	var knot []*Wait
	for i, w := range k.members {
		if in[i] {
			knot = append(knot, w)
		}
	}
	return knot
}
