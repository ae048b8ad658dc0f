package lock_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hemgo/hem/lock"
)

func TestOrdersThatAreContraryAreFound(t *testing.T) {
	const cycle, same = "order-cycle", "same-class"
	ring := func(n int) (lines []string) {
		names := make([]string, n)
		for i := range names {
			names[i] = "k" + strings.Repeat("x", i)
		}
		for i := range names {
			lines = append(lines, names[i]+" "+names[(i+1)%n])
		}
		return lines
	}
	// round is the line of one task that goes all the way round a ring.
	round := func(n int) string {
		var words []string
		for _, line := range ring(n) {
			a, b, _ := strings.Cut(line, " ")
			words = append(words, a, b, "-"+b, "-"+a)
		}
		return strings.Join(words, " ")
	}
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"one order", []string{"a b", "a b", "a b c", "b c"}, ""},
		{"two locks", []string{"a b", "b a"}, cycle},
		{"three locks, two orders", []string{"a b", "b c"}, ""},
		{"three locks", []string{"a b", "b c", "c a"}, cycle},
		{"a ring of thirty", ring(30), cycle},
		{"a ring of thirty that is open", ring(30)[1:], ""},
		{"not held together", []string{"a -a b", "b -b a"}, ""},
		{"not unlocked in order", []string{"a b -a c", "c b"}, cycle},
		{"not unlocked in order, no longer held", []string{"a b -a c", "c a"}, ""},
		{"through a third", []string{"a b c", "c a"}, cycle},
		{"other locks of the same classes", []string{"a1 b1", "b2 a2"}, cycle},
		{"a cycle is told once", []string{"a b", "b a", "b a", "a b", "a1 b1", "b1 a1"}, cycle},
		{"two cycles are two", []string{"a b", "b a", "c d", "d c"}, cycle + " " + cycle},
		{"a longer cycle after a short one", []string{"a b", "b a", "b c", "c a"}, cycle + " " + cycle},

		// Each part of a cycle needs somebody else.
		{"one task, one after the other", []string{"a b -b -a b a"}, ""},
		{"two tasks do so each", []string{"a b -b -a b a", "a b -b -a b a"}, cycle},
		{"two tasks for three parts", []string{"a b -a -b b c", "c a"}, ""},
		{"two tasks for three parts, with many locks", []string{
			"a1 b -b -a1 a2 b -b -a2 a3 b -b -a3 a4 b -b -a4 a5 b -b -a5 a6 b -b -a6 a7 b -b -a7 a8 b -b -a8 a9 b -a9 c",
			"a b -b -a c a"}, ""},
		{"three tasks for three parts", []string{"a b -a -b b c", "a b -a -b b c", "c a"}, cycle},
		{"many tasks, all alike", slices.Repeat([]string{"a b -b -a b c -c -b c a"}, 12), cycle},
		{"five tasks round a ring of ten", slices.Repeat([]string{round(10)}, 5), ""},
		{"ten tasks round a ring of ten", slices.Repeat([]string{round(10)}, 10), cycle},

		// Who tries does not wait.
		{"the contrary by trying", []string{"a b", "b try:a"}, ""},
		{"both by trying", []string{"a try:b", "b try:a"}, ""},
		{"got by trying, then waits", []string{"a b", "try:b a"}, cycle},
		{"the contrary by trying to read", []string{"a b", "b tryr:a"}, ""},

		// Locks of one class.
		{"nested", []string{"a1 a2"}, same},
		{"nested, told once", []string{"a1 a2", "a2 a1", "a3 a4"}, same},
		{"nested by trying", []string{"a1 try:a2"}, ""},
		{"nested in one order by a promise", []string{"o:a1 o:a2"}, ""},
		{"one of them without the promise", []string{"o:a1 a2"}, same},
		{"nested under a gate", []string{"g a1 a2", "g a2 a1"}, ""},
		{"nested under two gates", []string{"g1 a1 a2", "g2 a2 a1"}, same},
		{"nested with and without the gate", []string{"g a1 a2", "a1 a2"}, same},
		{"nested under a gate that is read", []string{"r:g a1 a2"}, same},
		{"nested for reading", []string{"r:a1 r:a2", "r:a2 r:a1"}, ""},
		{"nested for reading, with a writer before", []string{"a1", "r:a1 r:a2"}, same},
		{"nested for reading, with a writer after", []string{"r:a1 r:a2", "a1"}, same},
		{"nested for reading and writing", []string{"r:a1 a2"}, same},

		// Reading again.
		{"a reader reads again", []string{"r:a r:a"}, "recursive-read"},
		{"a reader reads again, told once", []string{"r:a r:a", "r:a r:a"}, "recursive-read"},
		{"a reader tries to read again", []string{"r:a tryr:a"}, ""},
		{"a reader got by trying reads again", []string{"tryr:a r:a"}, "recursive-read"},
		{"a reader reads when it is done", []string{"r:a -a r:a"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t)
			s.run(test.lines...)
			if got := s.codes(); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
			if n := lock.KnownHolders(); n != 0 {
				t.Errorf("%d still hold something", n)
			}
		})
	}
}

// Each of four acquisitions for reading or writing; if all are for reading, and
// on either lock only one side writes, it takes who waits to write.
func TestReadersWaitForWritersOnly(t *testing.T) {
	tests := []struct {
		first, second string   // contrary orders of a and b
		writers       []string // tasks before
		found         bool
	}{
		{"a b", "b a", nil, true},
		{"r:a b", "b a", nil, true},
		{"r:a b", "r:b a", nil, true},
		{"a r:b", "b r:a", nil, true},
		{"a r:b", "b a", nil, true},

		{"r:a r:b", "r:b r:a", nil, false},
		{"r:a r:b", "r:b r:a", []string{"a"}, false}, // nobody ever has to wait for b
		{"r:a r:b", "r:b r:a", []string{"b"}, false},
		{"r:a r:b", "r:b r:a", []string{"a", "b"}, true},
		{"r:a r:b", "r:b r:a", []string{"a -a b"}, false}, // one writer cannot wait in two places
		{"r:a r:b", "r:b r:a", []string{"a -a b", "a -a b"}, true},
		{"r:a r:b", "r:b r:a", []string{"try:a", "try:b"}, false},

		{"r:a b", "b r:a", nil, false}, // all of a is reading
		{"r:a b", "b r:a", []string{"a"}, true},
		{"r:a b", "b r:a", []string{"b"}, false},
		{"r:a b", "r:b r:a", nil, false},
		{"r:a b", "r:b r:a", []string{"a"}, true},
		{"a r:b", "r:b a", nil, false},
		{"a r:b", "r:b a", []string{"b"}, true},
		{"a r:b", "r:b r:a", nil, false},
		{"a r:b", "r:b r:a", []string{"b"}, true},
		{"g r:a b", "b r:a", []string{"g a"}, false}, // the writer cannot come between
		{"g r:a b", "b r:a", []string{"g2 a"}, true},
	}
	for _, test := range tests {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprint(test.first, ", ", test.second, ", writers ", when, ":", test.writers), func(t *testing.T) {
				s := newStage(t)
				if when == "before" {
					s.run(test.writers...)
				}
				s.run(test.first, test.second)
				if when == "after" {
					s.run(test.writers...)
				}
				want := ""
				if test.found {
					want = "order-cycle"
				}
				if got := s.codes(); got != want {
					t.Errorf("found %q, want %q", got, want)
				}
			})
		}
	}
}

func TestAGateKeepsContraryOrdersApart(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		found bool
	}{
		{"both hold it", []string{"g a b", "g b a"}, false},
		{"one holds it", []string{"g a b", "b a"}, true},
		{"each holds another of one class", []string{"g1 a b", "g2 b a"}, true},
		{"both hold it for reading", []string{"r:g a b", "r:g b a"}, true},
		{"one holds it for reading", []string{"r:g a b", "g b a"}, false},
		{"one gave it up in time", []string{"g a -g b", "g b a"}, true},
		{"taken between", []string{"a g b", "b g a"}, true}, // a → g → b, b → g → a: no gate for a and b
		{"held by trying", []string{"try:g a b", "try:g b a"}, false},
		{"three, two under it", []string{"g a b", "b c", "g c a"}, false},
		{"three, one under it", []string{"g a b", "b c", "c a"}, true},
		{"three, two gates that do not cover each other", []string{"g a b", "b c", "h c a"}, true},
		{"only one of two ways is guarded", []string{"g a b", "g b a", "b a"}, true},
		{"the short way round is guarded, a longer is not", []string{"g b a", "b c", "c a", "g a b"}, true},
		{"the lock itself is held by the other", []string{"a1 b1", "a1 b2 a2 -a2 -b2"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t)
			s.run(test.lines...)
			got := slices.DeleteFunc(strings.Fields(s.codes()), func(c string) bool { return c == "same-class" })
			if found := len(got) > 0; found != test.found {
				t.Errorf("found %q, want any: %v", got, test.found)
			}
		})
	}
}

func TestARankIsAboveAllThatIsHeld(t *testing.T) {
	tests := []struct {
		name, line, want string
	}{
		{"ascending", "low mid high", ""},
		{"descending", "high low", "rank"},
		{"above one, below another", "low high mid", "rank"},
		{"none in between", "low plain high", ""},
		{"without a rank", "high plain", ""},
		{"equal ranks of two classes", "mid also", "rank"},
		{"of one class", "mid1 mid2", "same-class"},
		{"of one class by a promise", "o:mid1 o:mid2", ""},
		{"for reading", "r:high r:low", "rank"},
		{"by trying", "high try:low", ""},
		{"held by trying", "try:high low", "rank"},
		{"told once", "high low -low low", "rank"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t)
			s.class("low", lock.Rank(1))
			s.class("mid", lock.Rank(2))
			s.class("also", lock.Rank(2))
			s.class("high", lock.Rank(3))
			s.run(test.line)
			if got := s.codes(); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}
