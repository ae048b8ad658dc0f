package check

import (
	"go/token"
	"slices"
	"strings"
)

// link connects the units of a source that import each other, if they are of
// a module, and returns them dependencies first. An import that closes a cycle
// is reported and left out.
func link(units []*unit, ofModule bool, found *collector) []*unit {
	byPath := make(map[string]*unit)
	for _, u := range units {
		if ofModule {
			byPath[u.path] = u
		}
	}
	l := linker{byPath: byPath, found: found, done: make(map[*unit]bool)}
	for _, u := range units {
		l.visit(u)
	}
	return l.order
}

// A linker walks units depth first.
type linker struct {
	byPath map[string]*unit
	found  *collector
	done   map[*unit]bool
	trail  []*unit // from the unit where the walk began to the present one
	order  []*unit
}

func (l *linker) visit(u *unit) {
	if l.done[u] {
		return
	}
	l.done[u] = true
	l.trail = append(l.trail, u)
	u.importsOf(func(path string, at token.Pos) {
		dep := l.byPath[path]
		if dep == nil {
			return
		}
		u.deps[path] = dep
		if i := slices.Index(l.trail, dep); i >= 0 {
			l.found.add(at, CodeImport, "import cycle: "+cycleString(l.trail[i:], dep))
			u.deps[path] = nil // known, and not to be had
			return
		}
		l.visit(dep)
	})
	l.trail = l.trail[:len(l.trail)-1]
	l.order = append(l.order, u)
}

func cycleString(trail []*unit, last *unit) string {
	var b strings.Builder
	for _, u := range trail {
		b.WriteString(u.path + " -> ")
	}
	return b.String() + last.path
}
