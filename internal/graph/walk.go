package graph

import "slices"

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
	wanted  bool          // some member asked about the first; of all others that is so
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
		k.wanted = k.wanted || i == 0
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
	for changed := true; changed; {
		changed = false
		for i := range k.members {
			if !k.live[i] && !k.blocked(i) {
				k.live[i], changed = true, true
			}
		}
	}
}

// valid reports whether every member of the set stuck still waits in the same
// wait. Read waits, then holders, then the same waits: nobody in the set moved
// in between, and nobody else can undo what holds them.
func (k *walk) valid(stuck []bool) bool {
	for i, w := range k.members {
		if stuck[i] && (w.t.wait.Load() != w || w.state.Load() != waitOpen || i > 0 && !w.stuck()) {
			return false
		}
	}
	return true
}

// A knot is what w, the first of waits, is stuck with.
type knot struct {
	waits   []*Wait
	closes  bool // all are free once w is; else some are stuck without it
	circles bool // those who are stuck because w is, with all others free, keep w stuck
	wanted  bool // others wait for w's task
}

// knot returns the waits of the knot that w closes, w first; nil if it closes
// none.
func (w *Wait) knot() []*Wait {
	if k := w.look(); k != nil && k.closes {
		return k.waits
	}
	return nil
}

// look returns what w is stuck with, nil if it is not.
func (w *Wait) look() *knot {
	for {
		var k walk
		if !k.explore(w) {
			return nil
		}
		k.settle()
		if k.live[0] {
			return nil
		}
		stuck := k.stuck()
		found := &knot{closes: k.closed(), waits: k.pick(stuck), wanted: k.wanted}
		if !found.closes {
			found.circles = k.circle(stuck)
		}
		if mutant.unvalidated || k.valid(stuck) {
			return found
		}
		if w.state.Load() != waitOpen {
			return nil // granted meanwhile
		}
	}
}

// closed reports whether the stuck members are all free once the first is.
func (k *walk) closed() bool {
	k.live[0] = true
	k.settle()
	return !slices.Contains(k.live, false)
}

// circle reports whether those of stuck who are so because of the first keep
// that one stuck. They are the least such set, where settle finds the greatest.
func (k *walk) circle(stuck []bool) bool {
	for i := range k.live {
		k.live[i] = i > 0
	}
	for changed := true; changed; {
		changed = false
		for i := range k.members {
			if stuck[i] && k.live[i] && k.blocked(i) {
				k.live[i], changed = false, true
			}
		}
	}
	return k.blocked(0)
}

// blocked reports whether member i is blocked by those now held to be stuck.
func (k *walk) blocked(i int) bool {
	w := k.members[i]
	return w.res.Blocked(w.t, func(x *Task) bool {
		j, ok := k.find(x)
		return ok && !k.live[j]
	})
}

// stuck returns which members are now held to be.
func (k *walk) stuck() []bool {
	stuck := make([]bool, len(k.live))
	for i, live := range k.live {
		stuck[i] = !live
	}
	return stuck
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
