package inspect_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

func TestOnFindingHearsOfEveryFindingUntilItIsStopped(t *testing.T) {
	var heard []inspect.Finding
	stop := inspect.OnFinding(func(f inspect.Finding) { heard = append(heard, f) })
	defer stop()
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			graph.Report(graph.Finding{
				Code: "test.newer-than-this-package", Task: graph.Current(c), Detail: "it happened",
				Stack: fault.Stack{{Func: "main.f", File: "/src/order.go", Line: 41}},
			})
			return nil
		}, scope.Name("fetch"))
		synctest.Wait()
		if len(heard) != 1 {
			t.Fatalf("heard %+v", heard)
		}
		f := heard[0]
		if f.Code != "test.newer-than-this-package" || f.Task != "fetch#1" || f.TaskID == "" || f.Detail != "it happened" || f.Hint != "" ||
			!f.Time.Equal(time.Now()) || !slices.Equal(f.Stack, []inspect.Frame{{Func: "main.f", File: "/src/order.go", Line: 41}}) {
			t.Errorf("heard %+v", f)
		}
		if want := "fetch#1 (finding_test.go:N) < main#R (world_test.go:N)"; normal(f.Path) != want {
			t.Errorf("the path is %s", f.Path)
		}
		all := inspect.Findings()
		if last := all[len(all)-1]; last.Detail != f.Detail || last.TaskID != f.TaskID {
			t.Errorf("the newest is %+v", last)
		}
	})
	stop()
	graph.Report(graph.Finding{Code: "test.after"})
	if len(heard) != 1 {
		t.Error("heard of one after stop")
	}
}

func TestOnFindingRefusesANilFunction(t *testing.T) {
	defer func() {
		if got := recover(); got != "inspect: OnFinding with a nil function" {
			t.Errorf("got %v", got)
		}
	}()
	inspect.OnFinding(nil)
}

func TestFindingOfIgnoredCancellationNamesTheTaskAndSaysWhatToDo(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error {
				s.Go(func(ctx) error { time.Sleep(time.Minute); return nil }, scope.Name("deaf"))
				s.Cancel(nil)
				return nil
			}, scope.Name("within"), scope.Grace(time.Second))
		})
		time.Sleep(3 * time.Second)
		all := inspect.Findings()
		f := all[len(all)-1]
		if f.Code != "scope.ignored-cancel" || f.Task != "deaf#1" || f.Hint == "" || len(f.Stack) == 0 {
			t.Errorf("the newest is %+v", f)
		}
		_, got, _ := strings.Cut(dump(t), "\nfindings\n")
		got = lineNumber.ReplaceAllString(rootNumber.ReplaceAllString(got, "#R"), "$1:N")
		got = regexp.MustCompile(`time\.go:\d+`).ReplaceAllString(got, "time.go:N")
		for _, want := range []string{
			"  scope.ignored-cancel, ",
			"    2s ago: deaf#1 still runs 1s after its context ended: context canceled\n" +
				"      path: deaf#1 (finding_test.go:N) < inspect_test.TestFindingOfIgnoredCancellationNamesTheTaskAndSaysWhatToDo.func1.1#1 (finding_test.go:N) < main#R (world_test.go:N)\n" +
				"      at: Sleep (time.go:N) < TestFindingOfIgnoredCancellationNamesTheTaskAndSaysWhatToDo.func1.1.1.1 (finding_test.go:N)",
			"    what to do: let the function at the top of the stack watch ctx.Done()",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	})
}

func TestDumpShowsFewFindingsOfACodeAndCountsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := inspect.Take().FindingCounts["test.many"] // of an earlier run
		for i := range 300 {
			graph.Report(graph.Finding{Code: "test.many", Detail: fmt.Sprintf("number %d\nof\x1b many", i)})
		}
		_, got, _ := strings.Cut(dump(t), "\nfindings\n")
		_, got, _ = strings.Cut(got, "  test.many, "+inspect.Thousands(int(before)+300)+" times\n")
		got, _, _ = strings.Cut(got, "\n  test.")
		same(t, strings.TrimRight(got, "\n")+"\n", `
	    0s ago: number 299 of� many
	    0s ago: number 298 of� many
	    0s ago: number 297 of� many
	`)
		s := inspect.Take()
		if len(s.Findings) != 256 || s.FindingCounts["test.many"] != before+300 {
			t.Errorf("%d are kept, the counts are %v", len(s.Findings), s.FindingCounts)
		}
	})
}

func TestEveryCodeOfThePackageCommentHasAHintAndTheOtherWayRound(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z]+\.[a-z-]+)  +\w`).FindAllStringSubmatch(string(doc), -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	if hinted := inspect.HintedCodes(); len(hinted) == 0 || !slices.Equal(documented, hinted) {
		t.Errorf("documented are %q, hints are for %q", documented, hinted)
	}
}
