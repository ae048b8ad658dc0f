package lock

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hemgo/hem/internal/graph"
)

// A step is one edge of a cycle, as one example of it shows it.
type step struct {
	from    *Class
	edge    *edge
	at      *situation
	example int
}

func (s step) x() *example { return &s.at.examples[s.example] }

// A part is what somebody plays in a cycle: who holds a lock and waits for the
// next, or who waits to write and so makes readers wait.
type part struct {
	at *situation
	x  *example
}

// together reports whether two parts can be played at once: by two, and neither
// holds what keeps the other away.
func (p part) together(q part) bool {
	if p.x.by == q.x.by && !p.at.many && !q.at.many {
		return false
	}
	ps, qs := []gate{p.x.source}, []gate{q.x.source}
	return !excludes(p.at.gates, q.at.gates) && !excludes(ps, q.at.gates) && !excludes(p.at.gates, qs)
}

// maxSteps bounds the search for one cycle.
const maxSteps = 20_000

// A search looks for a cycle through a first step that is possible: in which
// all parts can be played together, and each waits for the next.
type search struct {
	path  []step
	cast  []part
	goal  *Class         // where the first step begins
	far   map[*Class]int // how many edges it is from there to goal
	limit int            // edges of the cycle
	cut   bool           // there may be longer cycles
	left  int            // steps
}

// cycle returns the report of the shortest cycle through first that has not
// been told, if there is any.
func (c *checker) cycle(t *graph.Task, first step) []*report {
	to := first.edge.to.Value()
	if to == nil {
		return nil
	}
	far := distances(to, first.from)
	if _, ok := far[to]; !ok {
		return nil
	}
	s := &search{goal: first.from, far: far, left: maxSteps}
	for s.limit = 1 + far[to]; ; s.limit++ {
		s.cut = false
		s.path, s.cast = append(s.path[:0], first), append(s.cast[:0], part{first.at, first.x()})
		if s.extend(to) {
			return []*report{s.report(t)}
		}
		if !s.cut || s.left <= 0 {
			return nil
		}
	}
}

// distances returns how far it is to goal for every class between from and it.
func distances(from, goal *Class) map[*Class]int {
	into := make(map[*Class][]*Class)
	seen := map[*Class]bool{from: true, goal: true}
	for left := []*Class{from}; len(left) > 0; {
		at := left[len(left)-1]
		left = left[:len(left)-1]
		for _, e := range at.orders.after {
			to := e.to.Value()
			if to == nil || len(e.situations) == 0 {
				continue
			}
			into[to] = append(into[to], at)
			if !seen[to] {
				seen[to] = true
				left = append(left, to)
			}
		}
	}
	far := make(map[*Class]int)
	for left := []*Class{goal}; len(left) > 0; left = left[1:] {
		for _, before := range into[left[0]] {
			if _, ok := far[before]; !ok && before != goal {
				far[before] = far[left[0]] + 1
				left = append(left, before)
			}
		}
	}
	return far
}

// extend completes the path, which leads to the class at, and leaves the cycle
// in it.
func (s *search) extend(at *Class) bool {
	last := s.path[len(s.path)-1].at
	if at == s.goal {
		return s.meet(at, last, s.path[0].at, s.news)
	}
	for _, n := range slices.Sorted(maps.Keys(at.orders.after)) {
		e := at.orders.after[n]
		to := e.to.Value()
		if to == nil || to != s.goal && !s.leads(to) {
			continue
		}
		if len(s.path)+1+s.far[to] > s.limit {
			s.cut = true
			continue
		}
		for i := range e.situations {
			sit := &e.situations[i]
			for j := range sit.examples {
				next := step{at, e, sit, j}
				if s.meet(at, last, sit, func() bool { return s.take(next, to) }) {
					return true
				}
			}
		}
	}
	return false
}

// leads reports whether a path may go on by way of c.
func (s *search) leads(c *Class) bool {
	_, ok := s.far[c]
	return ok && !slices.ContainsFunc(s.path, func(p step) bool { return p.from == c })
}

// take goes by next, which leads to the class to.
func (s *search) take(next step, to *Class) bool {
	if !s.enter(part{next.at, next.x()}) {
		return false
	}
	s.path = append(s.path, next)
	if s.extend(to) {
		return true
	}
	s.path = s.path[:len(s.path)-1]
	s.cast = s.cast[:len(s.cast)-1]
	return false
}

// meet calls then if who wants class in the situation a may have to wait for
// who holds it in b. Among readers that takes a writer, for whom a part is
// found first.
func (s *search) meet(class *Class, a, b *situation, then func() bool) bool {
	if a.want&b.held&shared == 0 {
		return then()
	}
	for i := range class.orders.writers {
		w := &class.orders.writers[i]
		for j := range w.examples {
			if !s.enter(part{w, &w.examples[j]}) {
				continue
			}
			if then() {
				return true
			}
			s.cast = s.cast[:len(s.cast)-1]
		}
	}
	return false
}

// enter gives p to somebody, if that goes together with all others.
func (s *search) enter(p part) bool {
	if s.left--; s.left < 0 {
		return false
	}
	for _, q := range s.cast {
		if !p.together(q) {
			return false
		}
	}
	s.cast = append(s.cast, p)
	return true
}

// news reports whether the cycle is possible and has not been told, and notes
// that it is. If all its edges were placed in the one order of all guards it is
// not.
func (s *search) news() bool {
	if !slices.ContainsFunc(s.path, func(p step) bool { return !p.at.placed }) {
		return false
	}
	first := 0
	for i := range s.path {
		if s.path[i].from.orders.number < s.path[first].from.orders.number {
			first = i
		}
	}
	var key []uint64
	for i := range s.path {
		key = append(key, s.path[(first+i)%len(s.path)].from.orders.number)
	}
	e := s.path[first].edge
	if e.told == nil {
		e.told = make(map[string]bool)
	}
	name := fmt.Sprint(key)
	if e.told[name] {
		return false
	}
	e.told[name] = true
	return true
}

func (s *search) report(t *graph.Task) *report {
	r := &report{code: orderCycle, task: t}
	for _, p := range s.path {
		r.classes = append(r.classes, p.from)
		r.steps = append(r.steps, legOf(p.at, p.x()))
	}
	for _, p := range s.cast {
		if p.x.taken == nil {
			r.writers = append(r.writers, legOf(p.at, p.x))
		}
	}
	return r
}
