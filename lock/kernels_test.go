package lock_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/kernels"
	"github.com/hemgo/hem/internal/turns"
	"github.com/hemgo/hem/lock"
)

// schedulesOfKernels is how many schedules each form of each kernel runs under.
func schedulesOfKernels() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

// Real-world deadlocks, cut down, with their fixed twins: see package kernels.
func TestKernelsAreNamedAndTheirFixedTwinsAreSilent(t *testing.T) {
	found := orderFindings(t)
	t.Logf("%-31s  %-9s  %-16s  %-26s  %-34s  %s", "bug", "study", "class", "found", "order checker", "fixed twin")
	for _, k := range kernels.All() {
		r := kernels.Examine(k, schedulesOfKernels(), found)
		t.Logf("%-31s  %-9s  %-16s  %-26s  %-34s  %s", k.Bug, k.Study, k.Class, foundBy(&r), orderFound(&r), twin(&r))
		for _, complaint := range r.Complaints() {
			t.Error(complaint)
		}
	}
}

// foundBy says how a buggy form was named, in which schedule first and in how
// many of all: "deadlock at 3, 37%".
func foundBy(r *kernels.Report) string {
	if r.Named == 0 {
		return "NOT FOUND"
	}
	text := fmt.Sprintf("%s at %d, %.0f%%", r.As, r.Needed, 100*float64(r.Named)/float64(r.Schedules))
	if r.Missed > 0 {
		text += fmt.Sprintf(", %d MISSED", r.Missed)
	}
	return text
}

// orderFound says what the order checker foresaw, and when.
func orderFound(r *kernels.Report) string {
	if r.FindingsFrom == 0 {
		return "-"
	}
	return fmt.Sprintf("%s at %d", strings.Join(r.Findings, ","), r.FindingsFrom)
}

func twin(r *kernels.Report) string {
	if r.Loud != nil {
		return "NOT SILENT"
	}
	return fmt.Sprintf("silent in %d", r.Schedules)
}

// orderFindings switches the order checker on for the test, and returns what
// gives the codes that were found since it was called last.
func orderFindings(t *testing.T) func() []string {
	unlogged(t) // it logs, too
	t.Cleanup(lock.CheckOrder())
	var mu sync.Mutex
	var codes []string
	t.Cleanup(inspect.OnFinding(func(f inspect.Finding) {
		mu.Lock()
		defer mu.Unlock()
		codes = append(codes, f.Code)
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		now := codes
		codes = nil
		return now
	}
}

// What is examined the wrong way round must not pass.
func TestKernelsWithTheirTwinsSwappedAreComplainedOf(t *testing.T) {
	found := orderFindings(t)
	for _, k := range kernels.All() {
		k.Buggy, k.Fixed = k.Fixed, k.Buggy
		r := kernels.Examine(k, 30, found)
		complaints := strings.Join(r.Complaints(), "\n")
		for _, want := range []string{"is not named in any of 30", "the fixed form is not silent"} {
			if !strings.Contains(complaints, want) {
				t.Errorf("%s, swapped: no complaint that %s:\n%s", k.Bug, want, complaints)
			}
		}
	}
}

func TestKernelsThatStandStillUnnamedAreComplainedOf(t *testing.T) {
	r := kernels.Report{Schedules: 10, Named: 9, Missed: 1, FirstMissed: turns.ErrIdle}
	if all := r.Complaints(); len(all) != 1 || !strings.Contains(all[0], "stands still in 1 of 10") {
		t.Errorf("complaints: %q", all)
	}
}

// What a seed finds, it must find again.
func TestKernelsRunTheSameWayUnderTheSameSeed(t *testing.T) {
	for _, k := range kernels.All() {
		for seed := range uint64(20) {
			one, two := kernels.NewProgram(k.Buggy).Run(seed), kernels.NewProgram(k.Buggy).Run(seed)
			if !slices.Equal(one.Trace, two.Trace) || one.Named() != two.Named() {
				t.Fatalf("%s, seed %d: %q and %q\n%v\n%v", k.Bug, seed, one.Named(), two.Named(), one.Trace, two.Trace)
			}
		}
	}
}

func TestKernelsCoverAllClassesAndNoneStandsTwice(t *testing.T) {
	all := kernels.All()
	if len(all) < 30 {
		t.Errorf("%d kernels, fewer than 30", len(all))
	}
	seen := make(map[string]bool)
	var classes []kernels.Class
	for _, k := range all {
		if seen[k.Bug] {
			t.Errorf("%s stands twice", k.Bug)
		}
		seen[k.Bug] = true
		if k.Study == "" || !strings.Contains(k.Story, " Fixed: ") {
			t.Errorf("%s: study %q, story %q", k.Bug, k.Study, k.Story)
		}
		classes = append(classes, k.Class)
	}
	for _, c := range kernels.Classes() {
		if !slices.Contains(classes, c) {
			t.Errorf("no kernel of class %q", c)
		}
	}
}
