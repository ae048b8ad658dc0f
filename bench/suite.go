package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A suite is the cases of one package. Its file registers it, and is all that
// a new suite takes.
type suite struct {
	name  string
	cases []trial

	// A suite that measures no time has no cases: it prints itself, and makes
	// its own table.
	print func(out io.Writer, p plan) error
	table func(p plan) (string, error)
}

// A trial is one case: Hem and its rivals doing the same.
type trial struct {
	name string
	ops  int    // counted operations in one turn, such as children of a scope
	per  string // what an operation is, for people: "child"

	// Most cases are sides that take turns, ours first. The others bring
	// their own way to measure.
	sides   []side
	measure func(plan) (outcome, error)

	owed owed
	also owed // to another rival
}

// owed is the most that ours may be, as a ratio to a rival's.
type owed struct {
	rival string
	most  float64 // zero: nothing is owed
}

// suites is the registry, in order of names.
var suites []suite

// register enters s. It is called by init of the file that defines it.
func register(s suite) {
	suites = append(suites, s)
	slices.SortFunc(suites, func(a, b suite) int { return strings.Compare(a.name, b.name) })
}

func suiteNames() (names []string) {
	for _, s := range suites {
		names = append(names, s.name)
	}
	return names
}

func findSuite(name string) (suite, error) {
	for _, s := range suites {
		if s.name == name {
			return s, nil
		}
	}
	return suite{}, &unknownError{"suite", name, append(suiteNames(), "all")}
}

// runSuites runs the suite of that name, or all, and prints each case as soon
// as it is known.
func runSuites(out io.Writer, p plan, name string) error {
	names := []string{name}
	if name == "all" {
		names = suiteNames()
	}
	for _, name := range names {
		s, err := findSuite(name)
		if err != nil {
			return err
		}
		if s.print != nil {
			if err := s.print(out, p); err != nil {
				return fmt.Errorf("suite %s: %w", s.name, err)
			}
			continue
		}
		writeHeader(out, s.name, p)
		if err := s.run(p, func(o outcome) { writeOutcome(out, o) }); err != nil {
			return err
		}
	}
	return nil
}

// run measures every case in turn and hands each outcome to done.
func (s suite) run(p plan, done func(outcome)) error {
	for _, t := range s.cases {
		o, err := t.run(p)
		if err != nil {
			return fmt.Errorf("suite %s: case %s: %w", s.name, t.name, err)
		}
		done(o)
	}
	return nil
}

func (t trial) run(p plan) (o outcome, err error) {
	if t.measure != nil {
		o, err = t.measure(p)
	} else {
		o = versus(p, t.ops, t.sides)
	}
	o.name, o.per = t.name, t.per
	o.charge(t.owed)
	o.charge(t.also)
	return o, err
}
