package inspect

import (
	"context"
	"strings"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A node writes the rest of one line and what is beneath it.
type node func()

// tree writes the tasks from the roots down.
func (p *printer) tree() {
	for _, n := range p.tasks(p.roots, nil, 1) {
		n()
	}
	for _, t := range p.orphans() {
		delete(p.nested, t)
		p.task(t, nil, 1)
	}
}

// branches writes nodes beneath the current line.
func (p *printer) branches(nodes []node) {
	depth := len(p.prefix)
	for i, n := range nodes {
		if p.broken() {
			return
		}
		fork, more := "├─ ", "│  "
		if i == len(nodes)-1 {
			fork, more = "└─ ", "   "
		}
		p.w.Write(p.prefix)
		p.w.WriteString(fork)
		p.prefix = append(p.prefix, more...)
		n()
		p.prefix = p.prefix[:depth]
	}
}

// tasks makes nodes of what each yields, all on the level-th level; g is their
// group, nil for roots.
func (p *printer) tasks(each func(func(*graph.Task) bool), g *graph.Group, level int) (nodes []node) {
	f := p.fold(each, p.limit)
	for _, fam := range f.families {
		if fam.n > few {
			nodes = append(nodes, func() { p.family(fam, g, level) })
			continue
		}
		for _, t := range fam.oldest {
			nodes = append(nodes, func() { p.task(t, g, level) })
		}
	}
	if f.rest.Tasks > 0 {
		nodes = append(nodes, func() {
			p.printf("… and %s of %s: %s (inspect.Limit shows more)\n",
				plural(f.rest.Tasks, "task"), plural(f.sorts, "other sort"), f.rest.states())
		})
	}
	return nodes
}

// task writes t's line and what t owns.
func (p *printer) task(t *graph.Task, g *graph.Group, level int) {
	look := glanceAt(t)
	p.printf("%s  %s", show(t.String()), p.does(look, look.label))
	if look.state != Joining { // else what it waits for stands beneath it
		p.printf("%s", p.chain(t, look).because())
	}
	p.flags(t, g)
	if started := p.started(t); started != "" {
		p.printf("  started%s", started)
	}
	p.printf("\n")
	p.show(t)
	p.branches(p.owned(t, level))
}

func (p *printer) family(fam *family, g *graph.Group, level int) {
	t := fam.oldest[0]
	label := fam.label
	if fam.varied {
		label.Name = fam.waits.Name + "#…"
	}
	p.printf("× %s %s  %s", thousands(fam.n), show(fam.from.name), p.does(glance{state: fam.state, wait: t.Wait(), waited: glanceAt(t).waited}, label))
	if chain := p.chain(t, glanceAt(t)); len(chain) > 1 && fam.state != Joining {
		p.printf(", %s%s", show(t.String()), chain.because())
	}
	p.flags(t, g)
	p.printf("  the oldest, %s, started%s\n", show(t.String()), p.started(t))
	p.show(t)
	if owned := p.owned(t, level); len(owned) > 0 {
		p.branches([]node{func() {
			p.printf("as in %s\n", show(t.String()))
			p.branches(owned)
		}})
	}
}

// does says what a task is doing, under the name that label gives.
func (p *printer) does(g glance, label graph.Label) string {
	if g.wait == nil {
		return string(g.state)
	}
	return doing(g.state, labelled(label), g.waited)
}

// started says when and where.
func (p *printer) started(t *graph.Task) (s string) {
	if age := atLeast(t.Age()); age != "" {
		s += age + " ago"
	}
	if at := p.site(t.Origin().Site).at(); at != "" {
		s += " at " + at
	}
	return s
}

// flags writes what is out of the ordinary with t, a task of g's.
func (p *printer) flags(t *graph.Task, g *graph.Group) {
	var flags []string
	add := func(when bool, flag string) {
		if when && flag != "" {
			flags = append(flags, flag)
		}
	}
	add(t.Has(graph.TaskDaemon), "daemon")
	if slot := t.Slot(); slot != nil {
		flags = append(flags, "on "+labelled(slot.Label()).String())
	}
	if via := t.Via(); via != nil {
		add(p.nested[t], "adopted")
		add(!p.nested[t], "adopted under "+show(via.String()))
	}
	add(t.Shared(), "context shared")
	cause, known := causeOf(t), ""
	if g != nil {
		known = causeOf(g.Context())
	}
	add(cause != "" && cause != known, "cancelled: "+sentence(cause))
	if gs := scopesOf(t); len(gs) > 0 && gs[0].Origin() == t.Origin() {
		ended := causeOf(gs[0].Context())
		add(ended != "" && ended != cause, "cancelled: "+sentence(ended))
	}
	if g != nil {
		add(cause == "", p.deadline(t, g.Context()))
	}
	if len(flags) > 0 {
		p.printf("  [%s]", strings.Join(flags, ", "))
	}
}

// owned makes nodes of t's scopes and of what was adopted under it.
func (p *printer) owned(t *graph.Task, level int) (nodes []node) {
	groups := scopesOf(t)
	if len(groups) == 0 && len(p.adopted[t]) == 0 {
		return nil
	}
	if level >= p.depth {
		deeper := (&reader{adopted: p.adopted, totals: Totals{WaitingFor: map[string]int{}}}).count(t)
		if deeper == 0 {
			return nil
		}
		return []node{func() { p.printf("… %s deeper (inspect.Depth shows more)\n", plural(deeper, "task")) }}
	}
	for _, g := range groups {
		if g.Origin() == t.Origin() { // the root that stands for this very Run
			nodes = append(nodes, p.tasks(g.Tasks, g, level+1)...)
			continue
		}
		nodes = append(nodes, func() {
			p.scope(g)
			p.branches(p.tasks(g.Tasks, g, level+1))
		})
	}
	if adopted := p.under(t); len(adopted) > 0 {
		each := func(f func(*graph.Task) bool) {
			for _, t := range adopted {
				if !t.Ended() && !f(t) {
					return
				}
			}
		}
		nodes = append(nodes, p.tasks(each, nil, level+1)...)
	}
	return nodes
}

func (p *printer) scope(g *graph.Group) {
	from := g.Origin()
	p.printf("scope %s", show(p.name(from)))
	if cause := causeOf(g.Context()); cause != "" {
		p.printf("  [cancelled: %s]", sentence(cause))
	} else if ends := p.deadline(g.Context(), g.Owner()); ends != "" {
		p.printf("  [%s]", ends)
	}
	if at := p.site(from.Site).at(); at != "" {
		p.printf("  opened%s at %s", ago(atLeast(g.Age())), at)
	}
	p.printf("\n")
}

// deadline says when c ends by itself, unless outer does so too.
func (p *printer) deadline(c, outer context.Context) string {
	at, ok := c.Deadline()
	if known, too := outer.Deadline(); !ok || too && known.Equal(at) {
		return ""
	}
	return "deadline in " + short(max(0, at.Sub(p.time)))
}

func ago(age string) string {
	if age == "" {
		return ""
	}
	return age + " ago"
}

// show remembers that t has a line.
func (p *printer) show(t *graph.Task) {
	if len(p.shown) < p.stacks {
		p.shown = append(p.shown, t)
	}
}

// stacksShown writes the stacks of the tasks remembered, equal ones together.
func (p *printer) stacksShown() {
	if len(p.shown) == 0 || p.broken() {
		return
	}
	stacks := graph.Stacks(p.shown)
	tasks := make(map[string][]string)
	var order []string
	for _, t := range p.shown {
		if len(stacks[t]) == 0 {
			continue
		}
		text := stacks[t].String()
		if tasks[text] == nil {
			order = append(order, text)
		}
		tasks[text] = append(tasks[text], show(t.String()))
	}
	if len(order) == 0 {
		return
	}
	p.printf("\nstacks\n")
	for _, text := range order {
		p.printf("  %s\n", strings.Join(tasks[text], ", "))
		for line := range strings.Lines(text) {
			p.printf("    %s", line)
		}
	}
}

// where is the innermost calls of a stack that are not Hem's own or the
// runtime's, three at most.
func where(stack []Frame) string {
	var calls []string
	for _, f := range stack {
		if strings.HasPrefix(f.Func, "github.com/hemgo/hem/scope.(*task)") || len(calls) == 3 {
			break
		}
		own := strings.HasPrefix(f.Func, "github.com/hemgo/hem/") && !strings.HasPrefix(f.Func, "github.com/hemgo/hem/examples/")
		if strings.HasPrefix(f.Func, "runtime.") || own && !strings.HasSuffix(f.File, "_test.go") {
			continue
		}
		calls = append(calls, fault.Frame(f).String())
	}
	return sentence(strings.Join(calls, " < "))
}
