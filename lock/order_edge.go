package lock

import (
	"slices"
	"weak"

	"github.com/hemgo/hem/internal/graph"
)

// orders is what a class knows of its locks.
type orders struct {
	number  uint64           // among the classes, from one; zero: not met yet
	after   map[uint64]*edge // by number: classes wanted by who held this one
	swept   int              // how many of after the last sweep left
	writers []situation      // in which it was wanted for writing

	// What has been told of it already.
	nested, reread bool
}

// An edge is that locks of one class, to, were wanted by who held one of
// another. Those of a class to itself are nestings.
type edge struct {
	to         weak.Pointer[Class]
	situations []situation
	told       map[string]bool // cycles of which this is the first edge
	rankTold   bool
}

// A situation is a way in which an edge was seen: it can be part of a deadlock
// only beside others that it goes together with.
type situation struct {
	held, want mode   // shared, or zero
	placed     bool   // in the order of all guards: see want.placed
	gates      []gate // what else was held
	examples   []example
	many       bool // more did it than there is room for
}

// A gate is a lock that is held beside, by its address. It keeps nothing alive;
// a later lock of the same class in the same place is taken for it.
type gate struct {
	addr   uintptr
	class  uint64
	shared bool
}

// An example is a situation with who, which and where.
type example struct {
	by            who
	name          string // of who it was
	source        gate   // the lock that was held, zero for a writer
	from, to      string // what it and the one wanted are called
	taken, wanted []uintptr
}

const (
	maxSituations = 8 // of an edge
	maxExamples   = 8 // of a situation
	perHolder     = 2 // examples of one holder: others need room
)

// excludes reports whether who holds a and who holds b cannot be two.
func excludes(a, b []gate) bool {
	for _, x := range a {
		for _, y := range b {
			if x.addr == y.addr && x.class == y.class && !(x.shared && y.shared) {
				return true
			}
		}
	}
	return false
}

// sameGates reports whether a and b have the same elements.
func sameGates(a, b []gate) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

// admit adds an example, seen in s, to list, and returns where it is the last
// then; nil if that is nothing new.
func admit(list []situation, s situation, x func() example, by who, source gate) ([]situation, *situation) {
	i := slices.IndexFunc(list, func(o situation) bool {
		return o.held == s.held && o.want == s.want && o.placed == s.placed && sameGates(o.gates, s.gates)
	})
	switch {
	case i < 0 && len(list) < maxSituations:
		list, i = append(list, s), len(list)
	case i < 0:
		// What has fewer gates goes together with more.
		i = mostGates(list)
		if len(list[i].gates) <= len(s.gates) {
			return list, nil
		}
		list[i] = s
	}
	at := &list[i]
	switch at.welcome(by, source) {
	case crowded:
		return list, at
	case welcome:
		at.examples = append(at.examples, x())
		return list, at
	}
	return list, nil
}

func mostGates(list []situation) (most int) {
	for i := range list {
		if len(list[i].gates) > len(list[most].gates) {
			most = i
		}
	}
	return most
}

type reception uint8

const (
	known reception = iota // or as good as known
	welcome
	crowded // no room, and that is new: anybody may do it
)

// welcome says what s makes of an example by that holder with that lock.
func (s *situation) welcome(by who, source gate) reception {
	his := 0
	for i := range s.examples {
		if x := &s.examples[i]; x.by == by {
			if his++; his == perHolder || x.source == source {
				return known
			}
		}
	}
	switch {
	case len(s.examples) < maxExamples:
		return welcome
	case his > 0 || s.many:
		return known
	}
	s.many = true
	return crowded
}

// number returns cl's.
func (c *checker) number(cl *Class) uint64 {
	if cl.orders.number == 0 {
		c.classes++
		cl.orders.number = c.classes
	}
	return cl.orders.number
}

// edge returns that from one class to another.
func (c *checker) edge(from, to *Class) *edge {
	o, n := &from.orders, c.number(to)
	if e := o.after[n]; e != nil {
		return e
	}
	if o.after == nil {
		o.after = make(map[uint64]*edge)
	}
	if len(o.after) >= 16+2*o.swept {
		for n, e := range o.after {
			if e.to.Value() == nil {
				delete(o.after, n)
			}
		}
		o.swept = len(o.after)
	}
	e := &edge{to: weak.Make(to)}
	o.after[n] = e
	return e
}

// gatesBeside returns what x holds but its hold i, -1 for none, and of what is
// wanted itself nothing.
func (c *checker) gatesBeside(x *holder, i int, wanted lockable) (gates []gate) {
	for j, h := range x.holds {
		if j != i && h.lock != wanted {
			gates = append(gates, c.gate(h))
		}
	}
	return gates
}

func (c *checker) gate(h hold) gate {
	return gate{addressOf(h.lock), c.number(h.lock.class()), h.mode&shared != 0}
}

// called is what l is called in a report.
func called(l lockable) string {
	if name := l.class().name; name != "" {
		return name
	}
	return l.Label().String()
}

// callerName is what t is called in a report.
func callerName(t *graph.Task) string {
	if t == nil {
		return "who is outside every task"
	}
	return t.String()
}
