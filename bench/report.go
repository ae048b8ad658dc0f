package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// An outcome is what a case came to.
type outcome struct {
	name   string
	per    string
	ours   quantity
	rivals []compared // empty: nobody else does this
	debts  []debt     // of what is no ratio
	notes  []string
}

// compared is one rival and how ours relates to it.
type compared struct {
	name      string
	value     quantity
	ratio     float64 // of the medians; lower is better for us
	low, high float64 // of one round
	rounds    int
	debt      *debt
}

// A debt is a bound on one figure, and the figure.
type debt struct {
	what string // empty: the ratio
	most quantity
	got  quantity
}

func (d debt) met() bool { return d.got.n <= d.most.n }

// charge puts what is owed next to the rival it is owed for.
func (o *outcome) charge(w owed) {
	for i := range o.rivals {
		if c := &o.rivals[i]; w.most > 0 && c.name == w.rival {
			c.debt = &debt{most: quantity{w.most, ratioUnit}, got: quantity{c.ratio, ratioUnit}}
		}
	}
}

// noteDisturbed tells how many of all samples were, if any.
func (o *outcome) noteDisturbed(disturbed, all int) {
	if disturbed > 0 {
		o.notes = append(o.notes, fmt.Sprintf("disturbed %d of %d samples: threads waited for a processor", disturbed, all))
	}
}

// best returns the rival that comes closest to ours, or beats it by most.
func (o outcome) best() (best compared, ok bool) {
	for i, c := range o.rivals {
		if i == 0 || c.ratio > best.ratio {
			best = c
		}
	}
	return best, len(o.rivals) > 0
}

// writeHeader begins a suite: one comment, and the names of the columns.
func writeHeader(w io.Writer, suite string, p plan) {
	fmt.Fprintf(w, "# suite %s, %s: %s, %s\n", suite, p.name, machine(), today())
	fmt.Fprintln(w, "case\tours\trival\trival_value\tratio")
}

// writeOutcome prints a row for each rival, and comments below the row that
// they are about.
func writeOutcome(w io.Writer, o outcome) {
	if len(o.rivals) == 0 {
		fmt.Fprintf(w, "%s\t%v\t-\t-\t-\n", o.name, o.ours)
	}
	for _, c := range o.rivals {
		fmt.Fprintf(w, "%s\t%v\t%s\t%v\t%.3f\n", o.name, o.ours, c.name, c.value, c.ratio)
		fmt.Fprintf(w, "# spread %.2f to %.2f in %d rounds\n", c.low, c.high, c.rounds)
		if c.debt != nil {
			writeDebt(w, *c.debt)
		}
	}
	for _, note := range o.notes {
		fmt.Fprintln(w, "#", note)
	}
	for _, d := range o.debts {
		writeDebt(w, d)
	}
}

func writeDebt(w io.Writer, d debt) { fmt.Fprintln(w, "#", d) }

// String reads "owed <= 1.45, met" or "owed p99 <= 1000000.0ns, missed".
func (d debt) String() string {
	verdict := "met"
	if !d.met() {
		verdict = "missed"
	}
	return strings.Join(strings.Fields("owed "+d.what+" <= "+d.most.String()+", "+verdict), " ")
}

// machine tells what may explain a figure and names nobody's machine.
func machine() string {
	return fmt.Sprintf("%d cores, GOMAXPROCS %d, %s %s/%s",
		runtime.NumCPU(), runtime.GOMAXPROCS(0), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func today() string { return time.Now().Format(time.DateOnly) }
