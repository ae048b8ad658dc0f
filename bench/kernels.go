package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/kernels"
	"github.com/hemgo/hem/lock"
)

// The suite kernels is about what is found, not how fast: real-world deadlocks,
// cut down, under many schedules of Hem's, and on goroutines under go-deadlock.
func init() {
	register(suite{name: "kernels", print: printKernels, table: tabulateKernels})
}

// schedules is how many of Hem's each form of a kernel runs under.
const schedules = 1000

// attempts is how often go-deadlock may see each form run.
func (p plan) attempts() int {
	if p.name == quick.name {
		return 20
	}
	return 100
}

// A find is one kernel and what came of it on both sides.
type find struct {
	hem          kernels.Report
	buggy, fixed rivalRun
}

// columns are the names of a find's cells.
var kernelColumns = []string{"kernel", "study", "class", "hem", "findings", "its fixed twin", "go-deadlock", "its fixed twin"}

func (f find) cells() []string {
	k := f.hem.Kernel
	return []string{k.Bug, k.Study, string(k.Class), hemFound(&f.hem), hemForesaw(&f.hem), hemTwin(&f.hem), f.buggy.found(), f.fixed.twin()}
}

// hemFound says how the buggy form was named, after how many schedules and in
// how many of all.
func hemFound(r *kernels.Report) string {
	if r.Named == 0 {
		return "missed"
	}
	text := fmt.Sprintf("%s, schedule %d (%.0f %%)", r.As, r.Needed, 100*float64(r.Named)/float64(r.Schedules))
	if r.Missed > 0 {
		text += fmt.Sprintf(", missed in %d", r.Missed)
	}
	return text
}

// hemForesaw says what the order checker found, and when.
func hemForesaw(r *kernels.Report) string {
	if r.FindingsFrom == 0 {
		return "–"
	}
	return fmt.Sprintf("%s, schedule %d", strings.ReplaceAll(strings.Join(r.Findings, ", "), "lock.", ""), r.FindingsFrom)
}

func hemTwin(r *kernels.Report) string {
	if r.Loud != nil {
		return "FALSE REPORT"
	}
	return "silent"
}

// findKernels examines every kernel and hands each find to done, in order.
func findKernels(p plan, done func(find)) error {
	rivals := playAll(p)
	findings, stop := watchOrders()
	defer stop()
	for i, k := range kernels.All() {
		f := find{hem: kernels.Examine(k, schedules, findings)}
		both, err := rivals(i)
		if err != nil {
			return fmt.Errorf("%s: %w", k.Bug, err)
		}
		f.buggy, f.fixed = both[0], both[1]
		done(f)
	}
	return nil
}

// watchOrders switches the order checker on. findings gives the codes that have
// come since it was called last.
func watchOrders() (findings func() []string, stop func()) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the checker logs, too
	var mu sync.Mutex
	var codes []string
	uncheck := lock.CheckOrder()
	unsubscribe := inspect.OnFinding(func(f inspect.Finding) {
		mu.Lock()
		defer mu.Unlock()
		codes = append(codes, f.Code)
	})
	return func() []string {
			mu.Lock()
			defer mu.Unlock()
			now := codes
			codes = nil
			return now
		}, func() {
			unsubscribe()
			uncheck()
			slog.SetDefault(before)
		}
}

// printKernels is the suite on a terminal: tabs between the columns.
func printKernels(out io.Writer, p plan) error {
	fmt.Fprintf(out, "# suite kernels, %s: %s, %s\n", p.name, machine(), today())
	fmt.Fprintf(out, "# %d schedules of hem's for each form, up to %d runs under go-deadlock %s\n", schedules, p.attempts(), rivalVersion)
	fmt.Fprintln(out, strings.Join(kernelColumns, "\t"))
	var sum kernelSum
	err := findKernels(p, func(f find) {
		sum.add(f)
		fmt.Fprintln(out, strings.Join(f.cells(), "\t"))
		for _, complaint := range f.hem.Complaints() {
			fmt.Fprintf(out, "# hem: %s\n", strings.ReplaceAll(complaint, "\n", "; "))
		}
	})
	for _, line := range sum.lines() {
		fmt.Fprintln(out, "#", line)
	}
	return err
}

// tabulateKernels is the suite as Markdown.
func tabulateKernels(p plan) (string, error) {
	rows := [][]string{kernelColumns}
	var sum kernelSum
	err := findKernels(p, func(f find) {
		sum.add(f)
		rows = append(rows, f.cells())
	})
	if err != nil {
		return "", err
	}
	return markdownTable(rows) + "\n" + strings.Join(sum.lines(), "\n") + "\n\n" +
		fmt.Sprintf("Run %s on %s by `go run ./bench -tables kernels`: %d schedules for each form, up to %d runs under go-deadlock.\n",
			today(), machine(), schedules, p.attempts()), nil
}

// kernelSum counts finds.
type kernelSum struct {
	all, named, missedIn, loud int
	rival                      map[string]int // by kind of report, "" for none
	rivalLoud                  int
}

func (s *kernelSum) add(f find) {
	if s.rival == nil {
		s.rival = make(map[string]int)
	}
	s.all++
	if f.hem.Named > 0 {
		s.named++
	}
	if f.hem.Missed > 0 {
		s.missedIn++
	}
	if f.hem.Loud != nil {
		s.loud++
	}
	s.rival[f.buggy.Report]++
	if f.fixed.Report != "" {
		s.rivalLoud++
	}
}

func (s *kernelSum) lines() []string {
	return []string{
		fmt.Sprintf("hem names %d of %d, misses some schedules of %d, reports %d fixed twins.", s.named, s.all, s.missedIn, s.loud),
		fmt.Sprintf("go-deadlock %s reports %d of %d as recursion and %d as inconsistent order, %d by its timeout once they are stuck; it misses %d and reports %d fixed twins.",
			rivalVersion, s.rival[byRecursion], s.all, s.rival[byOrder], s.rival[byTimeout], s.rival[""], s.rivalLoud),
	}
}
