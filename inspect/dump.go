package inspect

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hemgo/hem/internal/graph"
)

// Dump writes what there is as text for a person in a hurry: how many tasks do
// what; the tree, with every wait's reason; the places; and the findings with
// what to do about them.
//
//	main#1.3  joins ≥3s scope main  started ≥3s ago at main.go:12
//	├─ price#1  waits ≥3s for timer 1m0s  started ≥3s ago at main.go:20
//	├─ reprice#2  waits ≥3s for future price#1 → price#1 waits ≥3s for timer 1m0s  started ≥3s ago at main.go:21
//	└─ × 9,998 fetch  running  the oldest, fetch#3, started ≥2s ago at order.go:41
//
// Siblings that look alike, with all they own, are one line if they are more
// than three; what the oldest of them owns stands below it. The text is for
// people, and changes from release to release; [DumpJSON] is for programs.
//
// The error is the writer's first. Dump panics if w is nil.
//
// # Cost
//
// About 0.4 µs a task (BenchmarkDump100k), memory for the lines of a scope and
// not for its tasks, no lock that starting or ending a task takes.
func Dump(w io.Writer, opts ...Option) error {
	if w == nil {
		panic("inspect: Dump to a nil writer")
	}
	p := &printer{Option: merge(opts, 40), reader: look(maxNested), w: bufio.NewWriterSize(w, 1<<15)}
	p.summary()
	p.tree()
	p.stacksShown()
	p.places()
	p.findings()
	return failed(p.w.Flush())
}

// maxNested is how many adopted roots a dump remembers, so as to show them
// beneath the tasks they came from; others stand at the top.
const maxNested = 1 << 14

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("inspect: dump: %w", err)
}

// A printer writes one dump. An error of the writer sticks in w.
type printer struct {
	Option
	*reader
	w      *bufio.Writer
	prefix []byte        // of lines beneath the current one
	shown  []*graph.Task // whose stacks are wanted
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p.w, format, args...) }

// broken reports whether going on is of no use.
func (p *printer) broken() bool {
	_, err := p.w.Write(nil)
	return err != nil
}

func (p *printer) summary() {
	p.roots(func(t *graph.Task) bool {
		p.totals.add(glanceAt(t))
		p.count(t)
		return true
	})
	n := &p.totals
	p.printf("hem at %s: ", p.time.Format("2006-01-02 15:04:05 UTC"))
	if n.Tasks == 0 {
		p.printf("no tasks\n")
		return
	}
	p.printf("%s (%s) in %s\n", plural(n.Tasks, "task"), n.states(), plural(n.Scopes, "scope"))
	if len(n.WaitingFor) > 0 {
		kinds := slices.SortedStableFunc(maps.Keys(n.WaitingFor), func(a, b string) int {
			if d := n.WaitingFor[b] - n.WaitingFor[a]; d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		for i, kind := range kinds {
			kinds[i] = thousands(n.WaitingFor[kind]) + " for " + show(kind)
		}
		p.printf("waiting: %s\n", strings.Join(kinds, ", "))
	}
	if n.Running > 0 {
		p.printf("running: or blocked where Hem cannot see it, as in a channel of Go's own; inspect.WithStacks tells\n")
	}
	p.printf("\n")
}

// states lists how many are in which.
func (n *Totals) states() string {
	var parts []string
	for _, s := range []struct {
		n     int
		state State
	}{{n.Running, Running}, {n.Waiting, Waiting}, {n.Joining, Joining}, {n.Queued, Queued}} {
		if s.n > 0 {
			parts = append(parts, thousands(s.n)+" "+string(s.state))
		}
	}
	return strings.Join(parts, ", ")
}

func (p *printer) places() {
	all := places()
	if len(all) == 0 {
		return
	}
	p.printf("\nplaces\n")
	for _, place := range all {
		p.printf("  %s", place.Label)
		for _, f := range place.Figures {
			text := sentence(fmt.Sprint(f.Value))
			switch {
			case text == "0" || text == "0s":
			case len(f.Name) > longFigure || len(text) > longFigure:
				p.printf("\n    %s: %s", show(f.Name), text)
			default:
				p.printf("  %s %s", show(f.Name), text)
			}
		}
		p.printf("\n")
	}
}

// longFigure is the length of a figure's name, or of what it says, from which it
// gets its own line.
const longFigure = 20

// details is how many findings of one code a dump shows.
const details = 3

func (p *printer) findings() {
	newest, count := findings()
	if len(count) == 0 {
		return
	}
	p.printf("\nfindings\n")
	for _, code := range slices.Sorted(maps.Keys(count)) {
		p.printf("  %s, %s\n", show(code), times(count[code]))
		shown := 0
		for _, f := range slices.Backward(newest) {
			if f.Code != code || shown == details {
				continue
			}
			shown++
			p.printf("    %s ago: %s\n", short(max(0, p.time.Sub(f.Time))), sentence(f.Detail))
			if f.Path != "" {
				p.printf("      path: %s\n", sentence(f.Path))
			}
			if at := where(f.Stack); at != "" {
				p.printf("      at: %s\n", at)
			}
		}
		if hint := hints[code]; hint != "" {
			p.printf("    what to do: %s\n", hint)
		}
	}
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return thousands(int(n)) + " times"
}

// Stacks returns the stacks of the tasks with these IDs, innermost call first,
// as far as the tasks live and were started by a scope. It stops the whole
// program for a moment, so ask for few, and seldom.
func Stacks(ids ...string) map[string][]Frame {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	byID := make(map[*graph.Task]string, len(ids))
	var search func(t *graph.Task) bool
	search = func(t *graph.Task) bool {
		if id := idOf(t); wanted[id] {
			byID[t] = id
		}
		for g := t.Inner(); g != nil && len(byID) < len(wanted); g = g.Outer() {
			g.Tasks(search)
		}
		return len(byID) < len(wanted)
	}
	graph.Roots().Tasks(search)
	stacks := make(map[string][]Frame, len(byID))
	if len(byID) == 0 {
		return stacks
	}
	for t, stack := range graph.Stacks(slices.Collect(maps.Keys(byID))) {
		for _, at := range stack {
			stacks[byID[t]] = append(stacks[byID[t]], Frame(at))
		}
	}
	return stacks
}
