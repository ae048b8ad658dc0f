package fault

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Deadlock says that tasks wait for each other and would do so for ever. One
// task of the knot gets it in place of what it waited for, so that the knot
// comes undone.
type Deadlock struct {
	// Task is who got the verdict: name#id.
	Task string

	// Members is the whole knot. Members[0] is the task that got the verdict.
	Members []Member
}

// Member is one task of a knot.
type Member struct {
	Task     string   // name#id
	Path     Path     // who started it, the task itself first
	WaitsFor string   // "mutex stock", "future price#3", "join of scope import"
	Holds    []string // what other members wait for from it
	Stack    Stack    // where it waits; Stack.Site is the line shown
}

const (
	maxRows = 16 // members that Error lists; Report lists all
	maxCell = 48 // a longer cell sticks out rather than push all others right
)

// Error lists the knot, a line for each task:
//
//	deadlock: 2 tasks wait for each other
//	  checkout#7  holds stock, waits for price  at order.go:58  started at main.go:31 by serve#1
//	  reprice#3   holds price, waits for stock  at price.go:27  started at main.go:40 by serve#1
//
// A large knot is cut short; [Deadlock.Report] has all of it.
func (d *Deadlock) Error() string {
	shown := d.Members[:min(len(d.Members), maxRows)]
	rows := make([][]string, len(shown))
	for i := range shown {
		rows[i] = shown[i].row()
	}
	s := d.headline() + table(rows)
	if more := len(d.Members) - len(shown); more > 0 {
		s += fmt.Sprintf("\n  … and %d more", more)
	}
	return s
}

// Report is every member with its spawn path and its whole stack.
func (d *Deadlock) Report() string {
	var b strings.Builder
	b.WriteString(d.headline())
	for i := range d.Members {
		m := &d.Members[i]
		b.WriteString("\n\n" + oneLine(m.Task) + " " + m.waits())
		if len(m.Path) > 0 {
			b.WriteString("\npath: " + m.Path.String())
		}
		if len(m.Stack) > 0 {
			b.WriteString("\n" + strings.TrimRight(m.Stack.String(), "\n"))
		}
	}
	return b.String()
}

func (d *Deadlock) headline() string {
	switch n := len(d.Members); n {
	case 0:
		return "deadlock: " + oneLine(d.Task) + " would wait for ever"
	case 1:
		return "deadlock: " + oneLine(d.Members[0].Task) + " waits for itself"
	default:
		return "deadlock: " + strconv.Itoa(n) + " tasks wait for each other"
	}
}

// row is m as a line of Error: task, what it waits for, where, who started it.
func (m *Member) row() []string {
	at := m.Stack.Site().place()
	if at != "" {
		at = "at " + at
	}
	return []string{oneLine(m.Task), m.waits(), at, m.started()}
}

// waits is "holds stock, waits for price".
func (m *Member) waits() string {
	var parts []string
	if len(m.Holds) > 0 {
		parts = append(parts, "holds "+oneLine(strings.Join(m.Holds, ", ")))
	}
	if m.WaitsFor != "" {
		parts = append(parts, "waits for "+oneLine(m.WaitsFor))
	}
	return strings.Join(parts, ", ")
}

// started is "started at main.go:31 by serve#1", as far as that is known.
func (m *Member) started() string {
	var s string
	if len(m.Path) > 0 {
		if at := m.Path[0].Site.place(); at != "" {
			s = " at " + at
		}
	}
	if len(m.Path) > 1 {
		s += " by " + oneLine(m.Path[1].Task)
	}
	if s == "" {
		return ""
	}
	return "started" + s
}

// table sets rows out in columns, each row on a new line, indented.
func table(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if w := utf8.RuneCountInString(cell); w <= maxCell {
				widths[i] = max(widths[i], w)
			}
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if widths[i] == 0 && cell == "" {
				continue
			}
			pad := max(widths[i]-utf8.RuneCountInString(cell), 0)
			line.WriteString("  " + cell + strings.Repeat(" ", pad))
		}
		b.WriteString("\n" + strings.TrimRight(line.String(), " "))
	}
	return b.String()
}

// oneLine keeps names that people gave from breaking a table: those with
// control characters are quoted.
func oneLine(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return strconv.Quote(s)
	}
	return s
}
