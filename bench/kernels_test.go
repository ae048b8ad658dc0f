package main

import (
	"os"
	"strings"
	"testing"

	"github.com/hemgo/hem/internal/kernels"
)

// The suite's processes are this program, whatever it is.
func TestMain(m *testing.M) {
	becomeChild()
	if played(os.Stdout) {
		return
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each child takes a second to end
	os.Exit(m.Run())
}

// kernelNumbered returns the place of the kernel of that bug.
func kernelNumbered(t *testing.T, bug string) int {
	t.Helper()
	for i, k := range kernels.All() {
		if k.Bug == bug {
			return i
		}
	}
	t.Fatalf("no kernel of %s", bug)
	return 0
}

func TestGoDeadlockIsHeardOfEachKindOfReportAndOfNone(t *testing.T) {
	for _, c := range []struct {
		bug, kind string
	}{
		{"moby#36114", byRecursion},
		{"cockroach#7504", byOrder},
		{"moby#17176", byTimeout},
		{"restic#1188", ""}, // of semaphores it knows nothing
	} {
		i := kernelNumbered(t, c.bug)
		r, err := playElsewhere(part{Kernel: i, Fixed: false, Runs: 50})
		if err != nil {
			t.Fatal(err)
		}
		if r.Report != c.kind && !(c.kind == byOrder && r.Report == byTimeout) || c.kind == "" && r.Stuck != 1 {
			t.Errorf("%s: %+v, want a report by %q", c.bug, r, c.kind)
		}
		r, err = playElsewhere(part{Kernel: i, Fixed: true, Runs: 5})
		if err != nil {
			t.Fatal(err)
		}
		if r.Stuck > 0 || r.Runs != 5 {
			t.Errorf("%s, fixed: %+v", c.bug, r)
		}
	}
}

func TestFindsPrintACellForEachColumn(t *testing.T) {
	f := find{
		hem:   kernels.Report{Kernel: kernels.All()[0], Schedules: 1000, As: "deadlock", Needed: 3, Named: 500, Findings: []string{"lock.order-cycle"}, FindingsFrom: 2},
		buggy: rivalRun{Runs: 7, Report: byOrder},
		fixed: rivalRun{Runs: 20, Report: byTimeout},
	}
	cells := f.cells()
	if len(cells) != len(kernelColumns) {
		t.Errorf("%d cells for %d columns", len(cells), len(kernelColumns))
	}
	got := strings.Join(cells[3:], " | ")
	const want = "deadlock, schedule 3 (50 %) | order-cycle, schedule 2 | silent | order, run 7 | FALSE REPORT: timeout"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var sum kernelSum
	sum.add(f)
	sum.add(find{buggy: rivalRun{Runs: 1, Stuck: 1}})
	got = strings.Join(sum.lines(), " ")
	const counts = "hem names 1 of 2, misses some schedules of 0, reports 0 fixed twins. " +
		"go-deadlock " + rivalVersion + " reports 0 of 2 as recursion and 1 as inconsistent order, 0 by its timeout once they are stuck; it misses 1 and reports 1 fixed twins."
	if got != counts {
		t.Errorf("got  %s\nwant %s", got, counts)
	}
}
