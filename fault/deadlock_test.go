package fault_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
)

// knot is the two-task deadlock that examples and tests print.
func knot() *fault.Deadlock {
	serve := fault.Step{Task: "serve#1", Site: fault.Frame{Func: "main.main", File: "/src/main.go", Line: 20}}
	return &fault.Deadlock{
		Task: "checkout#17",
		Members: []fault.Member{
			{
				Task:     "checkout#17",
				WaitsFor: "mutex price",
				Holds:    []string{"mutex stock"},
				Path:     fault.Path{{Task: "checkout#17", Site: fault.Frame{Func: "main.serve", File: "/src/main.go", Line: 31}}, serve},
				Stack: fault.Stack{
					{Func: "github.com/hemgo/hem/lock.(*Mutex).Lock", File: "/hem/lock/mutex.go", Line: 30},
					{Func: "main.checkout", File: "/src/order.go", Line: 58},
				},
			},
			{
				Task:     "reprice#3",
				WaitsFor: "mutex stock",
				Holds:    []string{"mutex price"},
				Path:     fault.Path{{Task: "reprice#3", Site: fault.Frame{Func: "main.serve", File: "/src/main.go", Line: 40}}, serve},
				Stack:    fault.Stack{{Func: "main.reprice", File: "/src/price.go", Line: 27}},
			},
		},
	}
}

func TestDeadlockIsATableOfWhoWaitsForWhat(t *testing.T) {
	long := strings.Repeat("x", 60)
	tests := []struct {
		name string
		err  *fault.Deadlock
		want string
	}{
		{"two", knot(), `deadlock: 2 tasks wait for each other
  checkout#17  holds mutex stock, waits for mutex price  at order.go:58  started at main.go:31 by serve#1
  reprice#3    holds mutex price, waits for mutex stock  at price.go:27  started at main.go:40 by serve#1`},
		{"one", &fault.Deadlock{Task: "a#1", Members: []fault.Member{{Task: "a#1", WaitsFor: "join of scope import"}}}, `deadlock: a#1 waits for itself
  a#1  waits for join of scope import`},
		{"none", &fault.Deadlock{Task: "a#1"}, `deadlock: a#1 would wait for ever`},
		{"what is not known is left out", &fault.Deadlock{Members: []fault.Member{
			{Task: "a#1", WaitsFor: "x", Stack: fault.Stack{{File: "a.go", Line: 1}}},
			{Task: "b#22", Holds: []string{"x", "y"}, Path: fault.Path{{Task: "b#22"}, {Task: "main"}}},
		}}, `deadlock: 2 tasks wait for each other
  a#1   waits for x  at a.go:1
  b#22  holds x, y              started by main`},
		{"names that would break the table", &fault.Deadlock{Members: []fault.Member{
			{Task: "a\n#1", WaitsFor: "x"},
			{Task: "ääääääää", WaitsFor: "x"},
			{Task: long, WaitsFor: "y"},
		}}, `deadlock: 3 tasks wait for each other
  "a\n#1"   waits for x
  ääääääää  waits for x
  ` + long + `  waits for y`},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestALargeKnotIsCutInTheErrorAndWholeInTheReport(t *testing.T) {
	d := &fault.Deadlock{Task: "a#0"}
	for i := range 20 {
		d.Members = append(d.Members, fault.Member{Task: fmt.Sprintf("a#%d", i), WaitsFor: fmt.Sprintf("a#%d", (i+1)%20)})
	}
	if text := d.Error(); !strings.HasSuffix(text, "\n  … and 4 more") || strings.Count(text, "\n") != 17 {
		t.Errorf("got\n%s", text)
	}
	if report := d.Report(); !strings.Contains(report, "\n\na#19 waits for a#0") {
		t.Errorf("got\n%s", report)
	}
}

func TestReportHasEveryStackWhole(t *testing.T) {
	want := `deadlock: 2 tasks wait for each other

checkout#17 holds mutex stock, waits for mutex price
path: checkout#17 (main.go:31) < serve#1 (main.go:20)
github.com/hemgo/hem/lock.(*Mutex).Lock
	/hem/lock/mutex.go:30
main.checkout
	/src/order.go:58

reprice#3 holds mutex price, waits for mutex stock
path: reprice#3 (main.go:40) < serve#1 (main.go:20)
main.reprice
	/src/price.go:27`
	if got := knot().Report(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
