package child

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// A group is the cgroup of a nursery: a directory below the delegated one, with
// one directory for each child below it. Nothing is written outside of it, but
// for the list of controllers in the directory above; and no process is moved.
//
//	delegated/                where we may work: controllers are enabled here
//	└─ hem-<pid>-<n>-<name>/  the group, in which there is no process
//	   ├─ 1/                  a leaf: a child, and all that it starts
//	   └─ 2/
type group struct {
	dir    string
	limits Limits
	held   []string // the controllers that the leaves have
	leaves atomic.Uint64
}

// groups counts those that this process has made.
var groups atomic.Uint64

// openGroup makes a group in dir, or, if that is empty, where this process may.
// why says what could not be had of what the limits ask for, and what can be
// done about it. Without a group, it says why there is none.
func openGroup(dir, name string, l Limits) (g *group, why string) {
	places := []string{dir}
	if dir == "" {
		var err error
		if places, err = ownPlaces(); err != nil {
			return nil, err.Error()
		}
	}
	var whys []string
	for _, place := range places {
		next, missing := makeGroup(place, name, l)
		whys = append(whys, missing...)
		if g = better(g, next); g != nil && len(g.lacks()) == 0 {
			whys = nil
			break
		}
	}
	if g != nil {
		keep.adopt(g.dir)
	}
	if len(whys) > 0 {
		why = strings.Join(whys, "; ") + groupHint
	}
	return g, why
}

const groupHint = ": start the service with systemd's Delegate=yes and DelegateSubgroup=, " +
	"or give the directory of a delegated cgroup that no process is in"

// better keeps the group that lacks less, and removes the other. Both may be
// nil.
func better(a, b *group) *group {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case len(b.lacks()) < len(a.lacks()):
		a, b = b, a
	}
	removeDirs(b.dir)
	return a
}

// makeGroup makes a group in place. whys says what is missing of what the
// limits ask for.
func makeGroup(place, name string, l Limits) (g *group, whys []string) {
	if _, err := os.Stat(filepath.Join(place, "cgroup.controllers")); err != nil {
		return nil, []string{fmt.Sprintf("%s is no cgroup of version 2: %v", place, reason(err))}
	}
	removeStale(place)
	whys = enable(place, l.controllers())
	enable(place, useful)
	g = &group{limits: l, dir: filepath.Join(place, groupName(name))}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, []string{fmt.Sprintf("no cgroup can be made in %s: %v", place, reason(err))}
	}
	enable(g.dir, append(l.controllers(), useful...))
	g.held = wordsOf(g.dir, "cgroup.subtree_control")
	return g, whys
}

// useful are the controllers that tell something even without a limit: how much
// memory, and who was killed for it; how many processes.
var useful = []string{"memory", "pids"}

// controllers are those that the limits need.
func (l Limits) controllers() (names []string) {
	if l.Memory > 0 {
		names = append(names, "memory")
	}
	if l.CPUWeight > 0 {
		names = append(names, "cpu")
	}
	if l.Pids > 0 {
		names = append(names, "pids")
	}
	return names
}

// enable lets what is below dir have controllers, each by itself so that one
// does not spoil the others, and says why those that are not there are not.
func enable(dir string, controllers []string) (whys []string) {
	for _, c := range controllers {
		switch {
		case slices.Contains(wordsOf(dir, "cgroup.subtree_control"), c):
		case !slices.Contains(wordsOf(dir, "cgroup.controllers"), c):
			whys = append(whys, fmt.Sprintf("no %s controller in %s", c, dir))
		default:
			if err := writeTo(dir, "cgroup.subtree_control", "+"+c); err != nil {
				whys = append(whys, fmt.Sprintf("the %s controller cannot be enabled in %s: %v", c, dir, reason(err)))
			}
		}
	}
	return whys
}

// lacks are the controllers that the limits need and the leaves do not have.
func (g *group) lacks() []string {
	return slices.DeleteFunc(g.limits.controllers(), g.holds)
}

// holds reports whether the leaves have a controller: "memory", "pids", "cpu".
func (g *group) holds(controller string) bool { return slices.Contains(g.held, controller) }

// close removes the group, whose leaves must be empty.
func (g *group) close() {
	removeDirs(g.dir)
	keep.abandon(g.dir)
}

// groupName is the directory's name: whose it is first, so that a later process
// can tell whether they are dead.
func groupName(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_':
			return r
		}
		return '-'
	}, name)
	return fmt.Sprintf("%s%d-%d-%.64s", groupPrefix, os.Getpid(), groups.Add(1), clean)
}

const groupPrefix = "hem-"

// removeStale removes the groups that dead processes have left in place, if
// nobody is in them.
func removeStale(place string) {
	dirs, _ := filepath.Glob(filepath.Join(globQuote(place), groupPrefix+"*"))
	for _, dir := range dirs {
		rest := strings.TrimPrefix(filepath.Base(dir), groupPrefix)
		pid, _, _ := strings.Cut(rest, "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 1 && startOf(n) == 0 {
			removeDirs(dir)
		}
	}
}

// globQuote keeps what a directory's name has of a pattern's characters from
// being one.
func globQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
