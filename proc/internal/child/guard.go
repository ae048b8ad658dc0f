package child

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The guard's descriptors, beside the standard ones.
const (
	lifelineFD = 3 // read: what the host says, and EOF when it is dead
	statusFD   = 4 // write: what the guard says, and EOF when that is dead
)

// guardName is what ps shows of a guard.
const guardName = "hem-guard"

// guardReady is all that a guard ever says.
const guardReady = "ready\n"

// The host's words. Each is a line; a mark has no blanks.
//
//   - mark              a tree is about to be started
//     = mark pid start    it was, with that leader
//   - mark              it is gone
//     > "directory"       a cgroup was made for trees
//     < "directory"       it is gone
//     . start             when the host itself started
const (
	wordEnrol   = "+"
	wordBorn    = "="
	wordDismiss = "-"
	wordAdopt   = ">"
	wordAbandon = "<"
	wordHost    = "."
)

// ward is what a guard knows: whom it has to kill.
type ward struct {
	trees map[string]tree
	dirs  map[string]bool
}

// guard is what a guard does: it takes note of the host's trees until the
// host's end of the lifeline is closed, which the kernel does if nobody else
// has, and then kills those that are left.
//
// It holds nothing that is not its own: no descriptor of the host, which are
// close-on-exec, no directory, no terminal. What was written to the lifeline is
// read even if the host is dead before the guard's main has begun.
func guard(lifeline io.Reader, status io.Writer) {
	withdraw()
	io.WriteString(status, guardReady)
	w := ward{trees: map[string]tree{}, dirs: map[string]bool{}}
	lines := bufio.NewScanner(lifeline)
	for lines.Scan() {
		w.hear(lines.Text())
	}
	w.kill()
}

// hear takes note of one of the host's words. One that is not understood is of
// a version of this package that is not this binary's, which cannot be.
func (w *ward) hear(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case wordEnrol:
		w.trees[rest] = tree{mark: rest}
	case wordBorn:
		var t tree
		if n, _ := fmt.Sscanf(rest, "%s %d %d", &t.mark, &t.leader, &t.start); n == 3 {
			w.trees[t.mark] = t
		}
	case wordDismiss:
		delete(w.trees, rest)
	case wordAdopt, wordAbandon:
		if dir, err := strconv.Unquote(rest); err == nil {
			w.dirs[dir] = word == wordAdopt
		}
	case wordHost:
		hostStart, _ = strconv.ParseUint(rest, 10, 64)
	}
}

// unbornFor is how long a tree is looked for that may have been about to start
// when the host died: a process has the mark only after its exec.
const unbornFor = 300 * time.Millisecond

// kill kills all that the host has left.
func (w *ward) kill() {
	for dir, there := range w.dirs {
		if there {
			killGroup(dir)
			defer removeDirs(dir)
		}
	}
	trees := slices.Collect(maps.Values(w.trees))
	if len(trees) == 0 {
		return
	}
	killTrees(trees)
	if !slices.ContainsFunc(trees, func(t tree) bool { return t.leader == 0 }) {
		return
	}
	for end := time.Now().Add(unbornFor); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		killTrees(trees)
	}
}
