package inspect

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// maxDepth is how many levels of tasks a snapshot shows. Each takes four levels
// of JSON, and encoding/json reads 10,000.
const maxDepth = 2000

// Take looks at the whole program. The result is in order: the oldest first,
// wherever tasks, scopes, places or findings are listed. Among tasks that
// several goroutines start at once, that is as right as their ages are.
//
// # Cost
//
// About 1 µs and 500 bytes a task (BenchmarkTake100k); no lock that starting or ending a task takes.
// Where there may be very many tasks, [DumpJSON] writes the same without keeping
// it.
func Take() *Snapshot {
	r := look(math.MaxInt)
	s := &Snapshot{Time: r.time, Roots: []*Task{}, Places: places()}
	s.Findings, s.FindingCounts = findings()
	for _, t := range r.sorted(r.roots) {
		s.Roots = append(s.Roots, r.tree(t, 1))
	}
	for _, t := range r.orphans() {
		delete(r.nested, t) // so that it says under whom it came
		s.Roots = append(s.Roots, r.tree(t, 1))
	}
	s.Totals = r.totals
	return s
}

// sorted collects living tasks, the oldest first.
func (r *reader) sorted(each func(func(*graph.Task) bool)) (ts []*graph.Task) {
	each(func(t *graph.Task) bool {
		ts = append(ts, t)
		return true
	})
	slices.SortFunc(ts, graph.Older)
	return ts
}

// tree describes t and what is beneath it. t is on the level-th level.
func (r *reader) tree(t *graph.Task, level int) *Task {
	v := r.task(t)
	if level >= maxDepth {
		v.Deeper = r.count(t)
		return v
	}
	for _, g := range scopesOf(t) {
		s := r.scope(g)
		for _, t := range r.sorted(g.Tasks) {
			if !t.Ended() {
				s.Tasks = append(s.Tasks, r.tree(t, level+1))
			}
		}
		s.TaskCount = len(s.Tasks)
		v.Scopes = append(v.Scopes, s)
	}
	adopted := r.under(t)
	slices.SortFunc(adopted, graph.Older)
	for _, t := range adopted {
		v.Adopted = append(v.Adopted, r.tree(t, level+1))
	}
	return v
}

func places() []Place {
	all := []Place{}
	for _, p := range graph.Places() {
		v := Place{Label: labelled(p.Label())}
		for _, f := range p.Figures() {
			v.Figures = append(v.Figures, Figure{cut(f.Name, maxName), plain(f.Value)})
		}
		all = append(all, v)
	}
	return all
}

// plain makes of v a bool, a number that JSON knows, or a string. A duration is
// rounded to what anybody reads of it.
func plain(v any) any {
	if d, ok := v.(time.Duration); ok {
		unit := time.Duration(1)
		for d.Abs()/unit >= 1000 {
			unit *= 10
		}
		return d.Round(unit).String()
	}
	if _, ok := v.(fmt.Stringer); !ok {
		switch x := reflect.ValueOf(v); x.Kind() {
		case reflect.Bool:
			return x.Bool()
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			return x.Int()
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
			return x.Uint()
		case reflect.Float32, reflect.Float64:
			if f := x.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
				return f
			}
		}
	}
	return cut(fmt.Sprint(v), maxText)
}
