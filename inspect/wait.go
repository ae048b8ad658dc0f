package inspect

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/hemgo/hem/internal/graph"
)

const (
	// maxOn is how many tasks a Wait lists.
	maxOn = 16

	// A queue of n is long work to ask about for each of its n waiters: after
	// manyAsked tasks in one answer, oftenAsked such answers are enough.
	manyAsked  = 64
	oftenAsked = 32
)

// wait describes what t waits for, nil if it runs.
func (r *reader) wait(t *graph.Task, g glance) *Wait {
	if g.wait == nil {
		return nil
	}
	l := labelled(g.label)
	v := &Wait{Kind: l.Kind, Name: l.Name, Age: g.waited, Timed: g.wait.Soft()}
	on := r.ask(t, g.wait.Resource())
	for _, x := range on.tasks {
		v.On = append(v.On, refTo(x))
	}
	v.OnTotal = on.total
	return v
}

// An answer is what a resource says of who could end a wait for it.
type answer struct {
	tasks []*graph.Task // few of them; first the one to look at first
	total int
}

// ask finds out which tasks could end t's wait for res: those that res asks
// about before it says whether t is blocked.
func (r *reader) ask(t *graph.Task, res graph.Resource) (a answer) {
	known := reflect.ValueOf(res).Comparable()
	if known && r.heavy[res] >= oftenAsked {
		return a
	}
	var first *graph.Task
	rank := 0
	res.Blocked(t, func(x *graph.Task) bool {
		if x.Ended() || slices.Contains(a.tasks, x) {
			return true
		}
		a.total++
		if len(a.tasks) < maxOn {
			a.tasks = append(a.tasks, x)
		}
		if n := urgency(x); first == nil || n > rank || n == rank && older(x, first) {
			first, rank = x, n
		}
		return true
	})
	if a.total > manyAsked && known {
		r.heavy[res]++
	}
	if first == nil {
		return a
	}
	if i := slices.Index(a.tasks, first); i >= 0 {
		a.tasks = slices.Delete(a.tasks, i, i+1)
	} else {
		a.tasks = a.tasks[:maxOn-1]
	}
	a.tasks = slices.Insert(a.tasks, 0, first)
	return a
}

// urgency says which of several to look at first: one that waits itself, since
// there the chain goes on.
func urgency(t *graph.Task) int {
	if t.Wait() != nil || t.Has(graph.TaskQueued) {
		return 1
	}
	return 0
}

// older compares tasks of any groups as well as can be.
func older(a, b *graph.Task) bool {
	if a.Group() == b.Group() {
		return graph.Older(a, b) < 0
	}
	return cmp.Less(a.Born(), b.Born())
}

// A Chain says why a task waits: what for, on which task, what that one waits
// for, and so on to one that runs, or to something that ends by itself. If it
// comes back to a task it has passed, that task ends it.
type Chain []Link

// A Link is one task of a chain. Wait is nil if it runs.
type Link struct {
	ID    string `json:"id"`
	Task  string `json:"task"`
	State State  `json:"state"`
	Wait  *Wait  `json:"wait,omitempty"`
}

// maxChain is how many links a chain has at most.
const maxChain = 16

// follow makes the chain that begins with l; next finds a link by its task.
func follow(l Link, next func(id string) (Link, bool)) Chain {
	c := Chain{l}
	for l.Wait != nil && len(l.Wait.On) > 0 && !c.Circle() && len(c) < maxChain {
		var ok bool
		if l, ok = next(l.Wait.On[0].ID); !ok {
			break
		}
		c = append(c, l)
	}
	return c
}

// Circle reports whether the chain comes back to a task that it has passed.
func (c Chain) Circle() bool {
	last := len(c) - 1
	return last > 0 && slices.ContainsFunc(c[:last], func(l Link) bool { return l.ID == c[last].ID })
}

// Waits says of every task that waits why it does; the longest waits first.
func (s *Snapshot) Waits() []Chain {
	byID := make(map[string]*Task)
	var waiting []*Task
	for t := range s.Tasks() {
		byID[t.ID] = t
		if t.Wait != nil {
			waiting = append(waiting, t)
		}
	}
	slices.SortStableFunc(waiting, func(a, b *Task) int { return cmp.Compare(b.Wait.Age, a.Wait.Age) })
	chains := make([]Chain, 0, len(waiting))
	for _, t := range waiting {
		chains = append(chains, follow(t.link(), func(id string) (Link, bool) {
			t, ok := byID[id]
			if !ok {
				return Link{}, false
			}
			return t.link(), true
		}))
	}
	return chains
}

func (t *Task) link() Link { return Link{ID: t.ID, Task: t.String(), State: t.State, Wait: t.Wait} }

// chain follows t's wait through the live program.
func (r *reader) chain(t *graph.Task, g glance) Chain {
	var on []*graph.Task
	link := func(t *graph.Task, g glance) Link {
		ref := refTo(t)
		l := Link{ID: ref.ID, Task: ref.Task, State: g.state}
		if g.wait == nil {
			return l
		}
		name := labelled(g.label)
		l.Wait = &Wait{Kind: name.Kind, Name: name.Name, Age: g.waited}
		a := r.ask(t, g.wait.Resource())
		if on, l.Wait.OnTotal = a.tasks, a.total; len(on) > 0 {
			l.Wait.On = []Ref{refTo(on[0])}
		}
		return l
	}
	return follow(link(t, g), func(string) (Link, bool) { return link(on[0], glanceAt(on[0])), true })
}
