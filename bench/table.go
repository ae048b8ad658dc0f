package main

import (
	"fmt"
	"io"
	"strings"
)

// A table is a piece of Markdown made of suites' outcomes.
type table struct {
	name   string
	suites []string // whose outcomes it needs
	render func(outcomes map[string]outcome) string
	whole  func(p plan) (string, error) // instead of both
}

// tables returns the ladder and a table for each suite.
func tables() []table {
	all := []table{ladder}
	for _, s := range suites {
		if s.table != nil {
			all = append(all, table{name: s.name, whole: s.table})
			continue
		}
		all = append(all, table{name: s.name, suites: []string{s.name}, render: func(by map[string]outcome) string {
			var rows []outcome
			for _, t := range s.cases {
				rows = append(rows, by[t.name])
			}
			return renderCases(rows)
		}})
	}
	return all
}

func tableNames() (names []string) {
	for _, t := range tables() {
		names = append(names, t.name)
	}
	return names
}

func findTable(name string) (table, error) {
	for _, t := range tables() {
		if t.name == name {
			return t, nil
		}
	}
	return table{}, &unknownError{"table", name, tableNames()}
}

// renderCases sets each case beside the rival that does best, and what is owed
// beside the figure it is owed for.
func renderCases(outcomes []outcome) string {
	rows := [][]string{{"case", "ours", "best rival", "ratio", "owed"}}
	for _, o := range outcomes {
		row := []string{o.name, o.ours.short() + " per " + o.per, "–", "–", "–"}
		if o.ours.unit == perSecond {
			row[1] = o.ours.short()
		}
		if best, ok := o.best(); ok {
			row[2] = best.value.short() + ", " + best.name
			row[3] = digits(best.ratio)
		}
		if owed := o.owed(); len(owed) > 0 {
			row[4] = strings.Join(owed, "; ")
		}
		rows = append(rows, row)
	}
	return markdownTable(rows)
}

// owed tells what is owed and whether it is met, as "≤ 2.00× errgroup: 1.41".
func (o outcome) owed() (owed []string) {
	say := func(d debt, to string) {
		words := []string{d.what, "≤", d.most.short(), to}
		text := strings.Join(strings.Fields(strings.Join(words, " ")), " ") + ": " + d.got.short()
		if !d.met() {
			text += ", missed"
		}
		owed = append(owed, text)
	}
	for _, c := range o.rivals {
		if c.debt != nil {
			say(*c.debt, c.name)
		}
	}
	for _, d := range o.debts {
		say(d, "")
	}
	return owed
}

// ladder is where work can run and what that costs.
var ladder = table{name: "ladder", suites: []string{"scope", "pool", "proc", "accept"}, render: func(by map[string]outcome) string {
	ours := func(name string) string { return by[name].ours.short() }
	child := ours("spawn-10000") + " to start and join"
	call := ours("pool-do-1") + " with a slot free, " + ours("pool-do") + " where 16 queue"
	trip := ours("roundtrip-1KiB") + " for 1 KiB there and back, " + ours("spawn-to-first-result") + " to start one"
	safe := ours("accept-1") + " until it is on the disk, " + ours("accept-64") + " each where 64 enqueue"
	return markdownTable([][]string{
		{"rung", "package", "memory", "overhead", "if it crashes", "pick it when"},
		{"goroutine", "`scope`", "shared", child, "takes the program down unless contained", "I/O, light work"},
		{"CPU pool", "`pool`", "shared", call, "same", "short CPU work that must not starve requests"},
		{"process", "`proc`", "isolated", trip, "only its own call fails", "heavy, risky or native code"},
		{"durable job", "`job`", "isolated, survives this machine", safe, "another worker runs it again", "work that must happen"},
	})
}}

// markdownTable renders rows, the first of which is the heading.
func markdownTable(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		for j, cell := range row {
			row[j] = strings.ReplaceAll(cell, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}

// runTables measures what the named tables need and writes them to out or, if
// there are any, into files. Without names it is the tables that the files
// have, or all. Files are checked before anything is measured.
func runTables(out io.Writer, p plan, names, files []string) error {
	pages, err := readPages(files)
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := page.mustHave(names); err != nil {
			return err
		}
	}
	switch {
	case len(names) > 0:
	case len(pages) > 0:
		names = tablesOf(pages)
	default:
		names = tableNames()
	}
	texts, err := measureTables(p, names)
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := page.write(texts); err != nil {
			return err
		}
	}
	if len(pages) > 0 {
		return nil
	}
	for _, name := range names {
		fmt.Fprintf(out, "%s\n\n%s\n", opening(name), texts[name])
	}
	return nil
}

// measureTables runs each suite that is needed once, so that all tables of a
// run agree, and returns the texts of the named ones.
func measureTables(p plan, names []string) (map[string]string, error) {
	by := make(map[string]outcome)
	ran := make(map[string]bool)
	texts := make(map[string]string)
	for _, name := range names {
		t, err := findTable(name)
		if err != nil {
			return nil, err
		}
		if t.whole != nil {
			if texts[name], err = t.whole(p); err != nil {
				return nil, fmt.Errorf("table %s: %w", name, err)
			}
			continue
		}
		for _, name := range t.suites {
			if ran[name] {
				continue
			}
			ran[name] = true
			s, err := findSuite(name)
			if err != nil {
				return nil, err
			}
			if err := s.run(p, func(o outcome) { by[o.name] = o }); err != nil {
				return nil, err
			}
		}
		texts[name] = t.render(by) + "\n" + signature(p, name)
	}
	return texts, nil
}

// signature says where figures come from, and how to read them.
func signature(p plan, name string) string { return origin(p, name) + "; lower is better.\n" }

// origin says where figures come from.
func origin(p plan, name string) string {
	how := "go run ./bench -tables"
	if p.name == quick.name {
		how += " -quick"
	}
	return fmt.Sprintf("Measured %s on %s by `%s %s`", today(), machine(), how, name)
}
