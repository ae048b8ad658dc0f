package inspect

import (
	"hash/maphash"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A reader looks at the live tree once. What it remembers grows with the code
// that is running and not with the number of tasks, but for the roots that were
// adopted under other tasks, which are counted.
type reader struct {
	time    time.Time
	totals  Totals
	names   map[uintptr]string // of functions
	sites   map[uintptr]Frame
	adopted map[*graph.Task][]*graph.Task // by the task whose context they came with
	nested  map[*graph.Task]bool          // the roots in adopted
	heavy   map[graph.Resource]int        // how often asking it was long work
}

// look begins a reading in which at most adopted roots are shown beneath other
// tasks.
func look(adopted int) *reader {
	graph.Tick()
	r := &reader{
		time:    time.Now().UTC().Round(0),
		names:   make(map[uintptr]string),
		sites:   make(map[uintptr]Frame),
		adopted: make(map[*graph.Task][]*graph.Task),
		nested:  make(map[*graph.Task]bool),
		heavy:   make(map[graph.Resource]int),
	}
	r.totals.WaitingFor = make(map[string]int)
	graph.Roots().Tasks(func(t *graph.Task) bool {
		if v := t.Via(); v != nil && !v.Ended() {
			r.adopted[v] = append(r.adopted[v], t)
			r.nested[t] = true
		}
		return len(r.nested) < adopted
	})
	return r
}

// roots calls f for the tasks that stand at the top, until it returns false.
func (r *reader) roots(f func(*graph.Task) bool) {
	graph.Roots().Tasks(func(t *graph.Task) bool {
		return r.nested[t] || f(t)
	})
}

// under takes the living roots that were adopted under t.
func (r *reader) under(t *graph.Task) []*graph.Task {
	if len(r.adopted) == 0 {
		return nil
	}
	ts := r.adopted[t]
	delete(r.adopted, t)
	return slices.DeleteFunc(ts, (*graph.Task).Ended)
}

// orphans returns the roots whose foster parent ended before it was shown.
func (r *reader) orphans() (ts []*graph.Task) {
	for v := range r.adopted {
		if v.Ended() {
			ts = append(ts, r.under(v)...)
		}
	}
	slices.SortFunc(ts, graph.Older)
	return ts
}

// scopesOf returns the groups open on t, outermost first.
func scopesOf(t *graph.Task) (gs []*graph.Group) {
	for g := t.Inner(); g != nil; g = g.Outer() {
		gs = append(gs, g)
	}
	slices.Reverse(gs)
	return gs
}

// A glance is what was seen of a task in one look at it.
type glance struct {
	state  State
	wait   *graph.Wait
	label  graph.Label   // of what is waited for
	waited time.Duration // how long at least; unknown: zero
}

func glanceAt(t *graph.Task) (g glance) {
	g.state = Running
	if g.wait = t.Wait(); g.wait != nil {
		g.waited = g.wait.Age()
		if t.Has(graph.TaskQueued) {
			g.waited = t.Age() // the wait is its queue's; it has done nothing else
		}
		g.state, g.label = Waiting, g.wait.Resource().Label()
		if strings.HasPrefix(g.label.Kind, "join") {
			g.state = Joining
		}
	}
	if t.Has(graph.TaskQueued) {
		g.state = Queued
	}
	return g
}

// maxKinds bounds Totals.WaitingFor. Kinds are words of Hem's packages.
const maxKinds = 64

func (n *Totals) add(g glance) {
	n.Tasks++
	switch g.state {
	case Running:
		n.Running++
	case Waiting:
		n.Waiting++
	case Joining:
		n.Joining++
	case Queued:
		n.Queued++
	}
	if g.wait == nil {
		return
	}
	kind := cut(g.label.Kind, maxName)
	if _, ok := n.WaitingFor[kind]; ok || len(n.WaitingFor) < maxKinds {
		n.WaitingFor[kind]++
	}
}

// count adds t's scopes and the tasks beneath it to the totals, and returns how
// many tasks those are.
func (r *reader) count(t *graph.Task) (n int) {
	add := func(t *graph.Task) bool {
		r.totals.add(glanceAt(t))
		n += 1 + r.count(t)
		return true
	}
	for g := t.Inner(); g != nil; g = g.Outer() {
		r.totals.Scopes++
		g.Tasks(add)
	}
	for _, t := range r.adopted[t] {
		if !t.Ended() {
			add(t)
		}
	}
	return n
}

// yieldEvery is how many tasks are described before others may run. It is less
// than graph's own number, because describing takes ten times what reading does:
// without it spawners were measured at half to two thirds of their rate.
const yieldEvery = 32

// task describes t without what is beneath it, and counts it.
func (r *reader) task(t *graph.Task) *Task {
	g := glanceAt(t)
	r.totals.add(g)
	if r.totals.Tasks%yieldEvery == 0 {
		runtime.Gosched()
	}
	from := t.Origin()
	v := &Task{
		ID:      idOf(t),
		Name:    r.name(from),
		Number:  t.Number(),
		State:   g.state,
		Age:     t.Age(),
		Started: r.site(from.Site),
		Daemon:  t.Has(graph.TaskDaemon),
		Shared:  t.Shared(),
		Cause:   causeOf(t),
		Wait:    r.wait(t, g),
	}
	if at, ok := t.Deadline(); ok {
		v.Deadline = at.UTC().Round(0)
	}
	if s := t.Slot(); s != nil {
		l := labelled(s.Label())
		v.Place = &l
	}
	if via := t.Via(); via != nil && !r.nested[t] {
		ref := refTo(via)
		v.Under = &ref
	}
	return v
}

// scope describes g without its tasks, and counts it.
func (r *reader) scope(g *graph.Group) *Scope {
	r.totals.Scopes++
	from := g.Origin()
	v := &Scope{
		ID:     idOf(g),
		Name:   r.name(from),
		Opened: r.site(from.Site),
		Age:    g.Age(),
		Cause:  causeOf(g.Context()),
	}
	if at, ok := g.Context().Deadline(); ok {
		v.Deadline = at.UTC().Round(0)
	}
	return v
}

func (r *reader) name(from graph.Origin) string {
	if from.Name != "" {
		return cut(from.Name, maxName)
	}
	name, ok := r.names[from.Fn]
	if !ok {
		name = cut(graph.FuncName(from.Fn), maxName)
		r.names[from.Fn] = name
	}
	return name
}

func (r *reader) site(pc uintptr) Frame {
	at, ok := r.sites[pc]
	if !ok {
		at = Frame(fault.FrameAt(pc))
		r.sites[pc] = at
	}
	return at
}

var seed = maphash.MakeSeed()

// idOf makes a name for t that no other has: its address, and when it was born,
// because memory is used again. Mixed, so that neither is told.
func idOf[T interface {
	comparable
	Born() uint32
}](t T) string {
	type key struct {
		at   T
		born uint32
	}
	return strconv.FormatUint(maphash.Comparable(seed, key{t, t.Born()}), 36)
}

func refTo(t *graph.Task) Ref { return Ref{ID: idOf(t), Task: cut(t.String(), maxName)} }

func labelled(l graph.Label) Label { return Label{cut(l.Kind, maxName), cut(l.Name, maxName)} }
