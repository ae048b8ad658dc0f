package main

import (
	"strings"
	"testing"
)

func TestACrashIsSeenForWhatItIs(t *testing.T) {
	contained := map[string][]string{
		"goroutine": {"a panic"},
		"pool":      {"a panic"},
		"thread":    {"a panic"},
		"process":   nil, // all
	}
	for _, r := range rungs {
		if r.fresh {
			continue
		}
		t.Run(r.key, func(t *testing.T) {
			falls, err := r.fall()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range falls {
				want := wholeProgram
				if r.key == "process" || strings.Join(contained[r.key], "") == f.crash {
					want = onlyItsCall
				}
				if f.took != want {
					t.Errorf("%s takes down %s, want %s", f.crash, f.took, want)
				}
			}
		})
	}
}

func TestFallsAreGroupedByWhatTheyTookDown(t *testing.T) {
	for _, c := range []struct {
		falls []fall
		want  string
	}{
		{[]fall{{"a", onlyItsCall}, {"b", onlyItsCall}}, "its call, whatever crash"},
		{[]fall{{"a", wholeProgram}, {"b", onlyItsCall}, {"c", wholeProgram}}, "b: its call; a, c: the program"},
		{[]fall{{"a", otherCalls}, {"b", onlyItsCall}}, "b: its call; a: other calls too"},
	} {
		if got := tellFalls(c.falls); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// lines runs a suite at a glance, and returns its rows with their cells.
func lines(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	var b strings.Builder
	if err := runSuites(&b, glance, name); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "#") {
			rows = append(rows, strings.Split(strings.TrimSpace(line), "\t"))
		}
	}
	return rows
}

func TestRungsHaveARowEachAndNoEmptyCell(t *testing.T) {
	mark := marked(t)
	rows := lines(t, "rungs")
	if len(rows) != 1+len(rungs) {
		t.Errorf("%d rows, want one for each of %d rungs, and a heading", len(rows), len(rungs))
	}
	for _, row := range rows {
		if len(row) != len(rungColumns) || strings.Contains(strings.Join(row, "|")+"|", "||") {
			t.Errorf("%q is not a cell for each column", row)
		}
	}
	awaitGone(t, mark)
}
