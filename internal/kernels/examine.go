package kernels

import (
	"fmt"
	"slices"
	"strings"
)

// A Report is what came of a kernel under many schedules.
type Report struct {
	Kernel    Kernel
	Schedules int // of either form, seeds 1 to Schedules

	// Of the buggy form: as what it was named first, and after how many
	// schedules, 0 if never; in how many it was named; in how many it stood
	// still and nobody was told, and the first such error.
	As           string
	Needed       int
	Named        int
	Missed       int
	FirstMissed  error
	BuggyOthers  error // an error that is none of these
	Findings     []string
	FindingsFrom int // schedules before the first finding, 0 if there was none

	// Of the fixed form: the first thing that it did but end well.
	Loud error
}

// Examine runs both forms of k under that many schedules each, in Hem's world.
// findings, if it is not nil, returns the codes of what checkers have found since
// it was called last.
func Examine(k Kernel, schedules int, findings func() []string) Report {
	if findings == nil {
		findings = func() []string { return nil }
	}
	findings() // those of others
	r := Report{Kernel: k, Schedules: schedules}
	buggy, fixed := NewProgram(k.Buggy), NewProgram(k.Fixed)
	for n := range schedules {
		r.buggy(n+1, buggy.Run(uint64(n+1)), findings())
	}
	for n := range schedules {
		r.fixed(n+1, fixed.Run(uint64(n+1)), findings())
	}
	return r
}

func (r *Report) buggy(n int, o Outcome, found []string) {
	if as := o.Named(); as != "" {
		r.Named++
		if r.Needed == 0 {
			r.As, r.Needed = as, n
		}
	} else if o.Idle != nil {
		r.Missed++
		if r.FirstMissed == nil {
			r.FirstMissed = fmt.Errorf("schedule %d: %w\n%v", n, o.Idle, o.Trace)
		}
	}
	if len(o.Others) > 0 && r.BuggyOthers == nil {
		r.BuggyOthers = fmt.Errorf("schedule %d: %w", n, o.Others[0])
	}
	if len(found) > 0 && r.FindingsFrom == 0 {
		slices.Sort(found)
		r.Findings, r.FindingsFrom = slices.Compact(found), n
	}
}

func (r *Report) fixed(n int, o Outcome, found []string) {
	if r.Loud != nil || o.Silent() && len(found) == 0 {
		return
	}
	switch {
	case o.Deadlock != nil:
		r.Loud = o.Deadlock
	case o.Lost != nil:
		r.Loud = o.Lost
	case o.Idle != nil:
		r.Loud = o.Idle
	case len(o.Others) > 0:
		r.Loud = o.Others[0]
	default:
		r.Loud = fmt.Errorf("finding %s", strings.Join(found, ", "))
	}
	r.Loud = fmt.Errorf("schedule %d: %w\n%v", n, r.Loud, o.Trace)
}

// Complaints says what is not as it has to be: the buggy form is named, and
// wherever it stands still; the fixed one is silent.
func (r *Report) Complaints() (all []string) {
	say := func(format string, args ...any) {
		all = append(all, r.Kernel.Bug+": "+fmt.Sprintf(format, args...))
	}
	if r.Named == 0 {
		say("the buggy form is not named in any of %d schedules", r.Schedules)
	}
	if r.Missed > 0 {
		say("the buggy form stands still in %d of %d schedules, and nobody is told: %v", r.Missed, r.Schedules, r.FirstMissed)
	}
	if r.BuggyOthers != nil {
		say("the buggy form fails otherwise: %v", r.BuggyOthers)
	}
	if r.Loud != nil {
		say("the fixed form is not silent: %v", r.Loud)
	}
	return all
}
