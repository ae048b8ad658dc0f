package inspect

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/hemgo/hem/internal/graph"
)

// A sort is what siblings have in common that a text shows as one line.
type sort struct {
	from    source
	state   State
	waits   graph.Label // what for, without the number of a task
	on      graph.Label // the place that they occupy
	daemon  bool
	shared  bool
	ended   bool   // their context
	beneath uint64 // what they own, see reader.beneath
}

// A source is the line that tasks or scopes come from. The addresses of an
// Origin would not do: a function that was inlined has several.
type source struct {
	name, file string
	line       int
}

func (r *reader) source(from graph.Origin) source {
	at := r.site(from.Site)
	return source{r.name(from), at.File, at.Line}
}

// A family is siblings of one sort.
type family struct {
	sort
	n      int
	oldest []*graph.Task // the few that may be shown, oldest first
	label  graph.Label   // of what the first one seen waits for
	varied bool          // others wait for others of the kind
	owner  bool          // one at least owns something
}

const (
	// few is how many siblings of one sort get a line each.
	few = 3

	// maxFamilies bounds what folding remembers of one scope. Beyond it the
	// youngest are forgotten, as what is stuck is old.
	maxFamilies = 4096

	// levels is how far down two siblings must look alike to be folded.
	levels = 16
)

// A folded is the tasks of one scope, summed up.
type folded struct {
	families []*family // oldest first
	rest     Totals    // the tasks that are in none
	sorts    int       // how many sorts of tasks these are, about
}

// fold sums up what each yields, into limit families at most.
func (r *reader) fold(each func(func(*graph.Task) bool), limit int) folded {
	f := r.foldTo(each, limit, 0)
	for _, fam := range f.families {
		if fam.n > few && fam.owner {
			return r.foldTo(each, limit, levels) // by what they own, too
		}
	}
	return f
}

func (r *reader) owns(t *graph.Task) bool {
	return t.Inner() != nil || len(r.adopted) > 0 && len(r.adopted[t]) > 0
}

func (r *reader) foldTo(each func(func(*graph.Task) bool), limit, levels int) (f folded) {
	f.rest.WaitingFor = make(map[string]int)
	known := make(map[sort]*family)
	var arrived []*family // in that order: a shard's youngest first
	each(func(t *graph.Task) bool {
		g := glanceAt(t)
		s := r.sortOf(t, g, levels)
		fam := known[s]
		if fam == nil {
			if len(known) == maxFamilies {
				f.drop(arrived[0])
				delete(known, arrived[0].sort)
				arrived = arrived[1:]
			}
			fam = &family{sort: s, label: g.label}
			known[s] = fam
			arrived = append(arrived, fam)
		}
		fam.owner = fam.owner || r.owns(t)
		fam.add(t, g)
		return true
	})
	f.families = arrived
	slices.SortStableFunc(f.families, func(a, b *family) int { return graph.Older(a.oldest[0], b.oldest[0]) })
	if len(f.families) > limit {
		for _, fam := range f.families[limit:] {
			f.drop(fam)
		}
		f.families = slices.Clone(f.families[:limit])
	}
	return f
}

func (fam *family) add(t *graph.Task, g glance) {
	fam.n++
	fam.varied = fam.varied || g.label != fam.label
	i, _ := slices.BinarySearchFunc(fam.oldest, t, graph.Older)
	if i >= few {
		return
	}
	if len(fam.oldest) == few {
		fam.oldest = fam.oldest[:few-1]
	}
	fam.oldest = slices.Insert(fam.oldest, i, t)
}

// drop counts fam among those that get no line.
func (f *folded) drop(fam *family) {
	f.sorts++
	f.rest.Tasks += fam.n
	switch fam.state {
	case Running:
		f.rest.Running += fam.n
	case Waiting:
		f.rest.Waiting += fam.n
	case Joining:
		f.rest.Joining += fam.n
	case Queued:
		f.rest.Queued += fam.n
	}
}

func (r *reader) sortOf(t *graph.Task, g glance, levels int) sort {
	s := sort{
		from:   r.source(t.Origin()),
		state:  g.state,
		waits:  graph.Label{Kind: g.label.Kind, Name: unnumbered(g.label.Name)},
		daemon: t.Has(graph.TaskDaemon),
		shared: t.Shared(),
		ended:  t.Err() != nil,
	}
	if slot := t.Slot(); slot != nil {
		s.on = slot.Label()
	}
	if levels > 0 {
		s.beneath = r.beneath(t, levels-1)
	}
	return s
}

// unnumbered takes a task's number off its name: "price" of "price#3".
func unnumbered(name string) string {
	if i := strings.LastIndexByte(name, '#'); i >= 0 && strings.Trim(name[i+1:], "0123456789.") == "" {
		return name[:i]
	}
	return name
}

// beneath is a number that tells apart tasks which own different sorts of
// scopes and tasks; how many of each sort they own makes no difference.
func (r *reader) beneath(t *graph.Task, levels int) (h uint64) {
	if levels == 0 {
		return 0
	}
	type part struct {
		before uint64
		from   source
		ended  bool
		tasks  set
	}
	for g := t.Inner(); g != nil; g = g.Outer() {
		p := part{before: h, from: r.source(g.Origin()), ended: g.Context().Err() != nil}
		g.Tasks(func(t *graph.Task) bool {
			p.tasks.add(maphash.Comparable(seed, r.sortOf(t, glanceAt(t), levels)))
			return true
		})
		h = maphash.Comparable(seed, p)
	}
	if adopted := r.adopted[t]; len(adopted) > 0 {
		p := part{before: h}
		for _, t := range adopted {
			p.tasks.add(maphash.Comparable(seed, r.sortOf(t, glanceAt(t), levels)))
		}
		h = maphash.Comparable(seed, p)
	}
	return h
}

// A set is a set of hashes in three words. Sets that are equal are equal; ones
// that are not may be taken for it once in very many times, and never if they
// have two elements or fewer.
type set struct{ or, least, most uint64 }

func (s *set) add(h uint64) {
	if *s == (set{}) {
		s.least = h
	}
	s.or |= h
	s.least, s.most = min(s.least, h), max(s.most, h)
}
