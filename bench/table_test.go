package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCasesBecomeATable(t *testing.T) {
	got := renderCases([]outcome{example(), {
		name:  "knot-report",
		per:   "knot",
		ours:  quantity{15563, nanoseconds},
		debts: []debt{{"p99", quantity{1e6, nanoseconds}, quantity{67300, nanoseconds}}},
	}})
	const want = "| case | ours | best rival | ratio | owed |\n" +
		"|---|---|---|---|---|\n" +
		"| spawn-1 | 600 ns per scope | 400 ns, errgroup | 1.50 | ≤ 1.45× errgroup: 1.50×, missed |\n" +
		"| knot-report | 15.6 µs per knot | – | – | p99 ≤ 1.00 ms: 67.3 µs |\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestLadderQuotesEachRung(t *testing.T) {
	got := ladder.render(map[string]outcome{
		"spawn-10000": {ours: quantity{312, nanoseconds}},
		"pool-do-1":   {ours: quantity{48, nanoseconds}},
		"pool-do":     {ours: quantity{550, nanoseconds}},

		"roundtrip-1KiB":        {ours: quantity{21_000, nanoseconds}},
		"spawn-to-first-result": {ours: quantity{5_400_000, nanoseconds}},

		"accept-1":  {ours: quantity{330_000, nanoseconds}},
		"accept-64": {ours: quantity{14_000, nanoseconds}},
	})
	for _, want := range []string{
		"| 312 ns to start and join |", "| 48.0 ns with a slot free, 550 ns where 16 queue |",
		"| 21.0 µs for 1 KiB there and back, 5.40 ms to start one |", "| 330 µs until it is on the disk, 14.0 µs each where 64 enqueue | another worker",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from:\n%s", want, got)
		}
	}
}

func TestLadderIsMadeOfCasesThatExist(t *testing.T) {
	ours := make(map[string]bool)
	for _, name := range ladder.suites {
		s, err := findSuite(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.cases {
			ours[c.name] = true
		}
	}
	for _, name := range []string{"spawn-10000", "pool-do-1", "pool-do", "roundtrip-1KiB", "spawn-to-first-result", "accept-1", "accept-64"} {
		if !ours[name] {
			t.Errorf("the ladder quotes %s, which no suite of its has", name)
		}
	}
}

func TestTablesReplaceWhatIsBetweenMarkersAndNothingElse(t *testing.T) {
	const before = "# Hem\n\nfast <!-- not ours -->\n\n<!-- bench:scope -->\nold | table\n<!-- /bench:scope -->\n\nmiddle\n\n" +
		"<!-- bench:pool --><!-- /bench:pool -->\ntrailing space \n\n\n"
	p := page{"README.md", before}
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	got := p.replace(map[string]string{"pool": "| new |\n", "graph": "unwanted"})
	want := strings.Replace(before, "<!-- bench:pool -->", "<!-- bench:pool -->\n\n| new |\n\n", 1)
	if got != want {
		t.Errorf("got:\n%q\nwant:\n%q", got, want)
	}
	again := page{p.name, got}
	if again.replace(map[string]string{"pool": "| new |\n"}) != got {
		t.Error("writing the same table twice changes the page twice")
	}
	if got := again.replace(map[string]string{"scope": "| s |"}); strings.Contains(got, "old | table") || !strings.Contains(got, "| s |") {
		t.Errorf("the scope table was not replaced:\n%s", got)
	}
}

func TestPagesThatLackAMarkerSayWhich(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"nothing", "<!-- bench:ladder --> is missing"},
		{"<!-- bench:scope -->\n", "<!-- /bench:scope --> is missing after"},
		{"<!-- /bench:scope -->\n", "<!-- bench:scope --> is missing before"},
		{"<!-- bench:scope --> <!-- bench:pool --> <!-- /bench:pool -->", "<!-- /bench:scope --> is missing before <!-- bench:pool -->"},
		{"<!-- bench:scpoe --><!-- /bench:scpoe -->", `no table is called "scpoe"`},
	} {
		err := page{"X.md", c.text}.check()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "X.md") {
			t.Errorf("%q: got %v, want X.md and %q", c.text, err, c.want)
		}
	}
	p := page{"X.md", "<!-- bench:scope --><!-- /bench:scope -->"}
	if err := p.mustHave([]string{"scope", "pool"}); err == nil || !strings.Contains(err.Error(), "<!-- bench:pool -->") {
		t.Errorf("got %v, want an error that names the pool's marker", err)
	}
}

func TestWritingKeepsTheFileItsModeAndWhatWasEditedMeanwhile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "X.md")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	put("a <!-- bench:scope --><!-- /bench:scope -->")
	pages, err := readPages([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	put("b <!-- bench:scope --><!-- /bench:scope -->")
	if err := pages[0].write(map[string]string{"scope": "new"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := "b <!-- bench:scope -->\n\nnew\n\n<!-- /bench:scope -->"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want 0640", info.Mode().Perm())
	}
}
