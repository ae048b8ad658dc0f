package hem_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// floors is the table of design note 0001, closed: if c stands on b and b on
// a, then below[c][a].
type floors struct {
	below map[string]map[string]bool
	never []never
}

// A never is one negative assertion, below !< above.
type never struct{ below, above string }

func (n never) String() string { return n.below + " !< " + n.above }

// readFloors returns the table that design note 0001 holds.
func readFloors(t *testing.T) *floors {
	t.Helper()
	const note = "docs/design/0001-floors.md"
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	blocks := fenced(string(text), "floors")
	if len(blocks) != 1 {
		t.Fatalf("%s holds %d blocks marked floors, not one", note, len(blocks))
	}
	f, err := parseFloors(blocks[0])
	if err != nil {
		t.Fatalf("%s: the table does not hold together:\n%v", note, err)
	}
	return f
}

// fenced returns the contents of the fenced code blocks of a Markdown text
// whose language is lang; "" takes every block.
func fenced(markdown, lang string) []string {
	const fence = "```"
	var blocks []string
	var block strings.Builder
	inside, wanted := false, false
	for line := range strings.Lines(markdown) {
		mark, isFence := strings.CutPrefix(strings.TrimSpace(line), fence)
		switch {
		case isFence && !inside:
			inside, wanted = true, lang == "" || mark == lang
			block.Reset()
		case isFence:
			if wanted {
				blocks = append(blocks, block.String())
			}
			inside = false
		case inside:
			block.WriteString(line)
		}
	}
	return blocks
}

// A rule is one link of a chain: everything in below is under, or with never
// set must not be under, everything in above.
type rule struct {
	below, above []string
	never        bool
}

// parseFloors reads a table in the notation of go/build/deps_test.go and
// checks that it contradicts neither itself nor its negative assertions.
func parseFloors(table string) (*floors, error) {
	rules, err := parseRules(table)
	if err != nil {
		return nil, err
	}
	f := &floors{below: make(map[string]map[string]bool)}
	direct, order, err := define(rules)
	errs := []error{err, f.close(direct, order)}
	for _, r := range rules {
		if r.never {
			errs = append(errs, f.forbid(r))
		}
	}
	return f, errors.Join(errs...)
}

// parseRules cuts a table into rules.
func parseRules(table string) ([]rule, error) {
	var rules []rule
	var statement strings.Builder
	for i, line := range strings.Split(table, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for {
			head, tail, ends := strings.Cut(line, ";")
			statement.WriteString(head + " ")
			if !ends {
				break
			}
			chain, err := parseChain(statement.String())
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			rules = append(rules, chain...)
			statement.Reset()
			line = tail
		}
	}
	if rest := strings.TrimSpace(statement.String()); rest != "" {
		return nil, fmt.Errorf("the table ends without a ; after %q", rest)
	}
	return rules, nil
}

// parseChain reads one statement, a < b, c < d, without its semicolon.
func parseChain(statement string) ([]rule, error) {
	links := strings.Split(statement, "<")
	if len(links) < 2 {
		return nil, fmt.Errorf("no < in %q", strings.TrimSpace(statement))
	}
	var rules []rule
	var below []string
	negated := false
	for i, link := range links {
		link, negates := strings.CutSuffix(link, "!")
		names, err := parseNames(link)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			rules = append(rules, rule{below, names, negated})
		}
		below, negated = names, negates
	}
	return rules, nil
}

// parseNames reads a comma-separated list of package names.
func parseNames(list string) ([]string, error) {
	names := strings.Split(list, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] == "" || strings.ContainsAny(names[i], " \t!") {
			return nil, fmt.Errorf("%q is not a package name", names[i])
		}
	}
	return names, nil
}

// define collects the edges that the positive rules state, and the names in
// the order of their definition.
func define(rules []rule) (direct map[string][]string, order []string, err error) {
	direct = make(map[string][]string)
	var errs []error
	for _, r := range rules {
		if r.never {
			continue
		}
		for _, below := range r.below {
			if _, ok := direct[below]; !ok && below != "NONE" {
				errs = append(errs, fmt.Errorf("%s is used before it is defined", below))
			}
		}
		for _, above := range r.above {
			if above == "NONE" {
				errs = append(errs, errors.New("NONE is the ground: it stands on nothing"))
				continue
			}
			if _, ok := direct[above]; ok {
				errs = append(errs, fmt.Errorf("%s is defined twice", above))
				continue
			}
			direct[above] = slices.DeleteFunc(slices.Clone(r.below), func(s string) bool { return s == "NONE" })
			order = append(order, above)
		}
	}
	return direct, order, errors.Join(errs...)
}

// close fills f.below with everything that direct implies.
func (f *floors) close(direct map[string][]string, order []string) error {
	var errs []error
	var visit func(name string, trail []string)
	visit = func(name string, trail []string) {
		if i := slices.Index(trail, name); i >= 0 {
			cycle := append(slices.Clone(trail[i:]), name)
			slices.Reverse(cycle) // the trail leads down, the notation up
			errs = append(errs, fmt.Errorf("cycle: %s", strings.Join(cycle, " < ")))
			return
		}
		if f.below[name] != nil {
			return
		}
		under := make(map[string]bool)
		for _, below := range direct[name] {
			visit(below, append(trail, name))
			under[below] = true
			for deeper := range f.below[below] {
				under[deeper] = true
			}
		}
		f.below[name] = under
	}
	for _, name := range order {
		visit(name, nil)
	}
	return errors.Join(errs...)
}

// forbid records the assertions of r, all of which the table itself must keep.
// A name the table does not know is refused: an assertion about a misspelt
// package would hold for ever.
func (f *floors) forbid(r rule) error {
	var errs []error
	for _, name := range slices.Concat(r.below, r.above) {
		if f.below[name] == nil {
			errs = append(errs, fmt.Errorf("%s stands in a !< and is nowhere defined", name))
		}
	}
	for _, below := range r.below {
		for _, above := range r.above {
			n := never{below, above}
			f.never = append(f.never, n)
			if f.below[above][below] {
				errs = append(errs, fmt.Errorf("%v, yet the table lets %s import %s", n, above, below))
			}
		}
	}
	return errors.Join(errs...)
}
