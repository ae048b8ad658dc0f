package scopetest

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines that are ending may take for it. A test that
// leaks takes that much longer; another one does not.
const patience = time.Second

// reportLeaks fails t for every goroutine marked as given but the caller's.
func reportLeaks(t testing.TB, mark string) {
	t.Helper()
	left, seen := marked(mark)
	for wait := time.Millisecond; len(left) > 0 && wait < patience; wait *= 2 {
		time.Sleep(wait)
		left, seen = marked(mark)
	}
	if !seen {
		t.Error("scopetest: leaks cannot be seen: the test's goroutine has lost its pprof label" +
			"\n  hint: something in the test replaced its labels; give pprof.Do the body's context")
	}
	for _, g := range left {
		t.Error(g.String())
	}
}

// leftover is a goroutine that still runs, or several alike.
type leftover struct {
	count  int
	frames []frame // innermost first
}

type frame struct {
	function, file string
	line           int
}

func (g leftover) String() string {
	var b strings.Builder
	name, many := g.name(), ""
	if g.count > 1 {
		many = " (" + strconv.Itoa(g.count) + " alike)"
	}
	fmt.Fprintf(&b, "scopetest: a goroutine of this test still runs: %s%s", name, many)
	for _, f := range g.frames {
		writeFrame(&b, f.function, f.file, f.line)
	}
	return b.String()
}

// name is the function that the goroutine was started with.
func (g leftover) name() string {
	if len(g.frames) == 0 {
		return "one that has not begun"
	}
	return g.frames[len(g.frames)-1].function
}

func writeFrame(b *strings.Builder, function, file string, line int) {
	fmt.Fprintf(b, "\n  %s\n      %s:%d", function, file, line)
}

// marked returns the goroutines with that mark, but the caller's and those that
// nobody could end, and whether it has seen the caller.
func marked(mark string) (left []leftover, caller bool) {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return nil, false
	}
	pair := strconv.Quote(label) + ":" + strconv.Quote(mark)
	for _, entry := range strings.Split(profile.String(), "\n\n") {
		g, labels := parse(entry)
		switch {
		case !strings.Contains(labels, pair):
		case g.calls(self):
			caller = true
		case !g.immortal():
			left = append(left, g)
		}
	}
	return left, caller
}

const self = "github.com/hemgo/hem/scope/scopetest.marked"

func (g leftover) calls(function string) bool {
	for _, f := range g.frames {
		if f.function == function {
			return true
		}
	}
	return false
}

// immortal reports whether g belongs to somebody else though the test may have
// started it: to package testing, or to the whole process.
func (g leftover) immortal() bool {
	switch name := g.name(); name {
	case "testing.tRunner", // a subtest, which testing joins
		"os/signal.loop",
		"runtime/pprof.profileWriter",
		"runtime/trace.Start.func1":
		return true
	default:
		return strings.HasPrefix(name, "internal/synctest.") || strings.HasPrefix(name, "testing/synctest.")
	}
}

// parse reads one entry of the profile:
//
//	2 @ 0x483c8e 0x4168ee 0x532679
//	# labels: {"hem-test":"TestX#1"}
//	#	0x532678	example.com/shop.poll+0x18	/src/shop/poll.go:24
func parse(entry string) (g leftover, labels string) {
	for line := range strings.Lines(entry) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# labels: "); ok {
			labels = rest
			continue
		}
		if count, _, ok := strings.Cut(line, " @ "); ok {
			g.count, _ = strconv.Atoi(count)
			continue
		}
		// Columns are padded with tabs; a path may have blanks in it.
		columns := strings.FieldsFunc(line, func(r rune) bool { return r == '\t' })
		if len(columns) < 4 || columns[0] != "#" {
			continue
		}
		var f frame
		f.function, _, _ = strings.Cut(columns[2], "+0x")
		if colon := strings.LastIndexByte(columns[3], ':'); colon >= 0 {
			f.file = columns[3][:colon]
			f.line, _ = strconv.Atoi(columns[3][colon+1:])
		}
		g.frames = append(g.frames, f)
	}
	return g, labels
}
