package main

import (
	"strings"
	"testing"
)

func example() outcome {
	o := outcome{
		name: "spawn-1",
		per:  "scope",
		ours: quantity{600, nanoseconds},
		rivals: []compared{
			{name: "errgroup", value: quantity{400, nanoseconds}, ratio: 1.5, low: 1.2, high: 1.9, rounds: 21},
			{name: "conc", value: quantity{1200, nanoseconds}, ratio: 0.5, low: 0.4, high: 0.7, rounds: 21},
		},
	}
	o.charge(owed{"errgroup", 1.45})
	return o
}

func TestOutcomesPrintFiveColumnsAndCommentsBelow(t *testing.T) {
	var b strings.Builder
	writeOutcome(&b, example())
	const want = "spawn-1\t600.0ns\terrgroup\t400.0ns\t1.500\n" +
		"# spread 1.20 to 1.90 in 21 rounds\n" +
		"# owed <= 1.45, missed\n" +
		"spawn-1\t600.0ns\tconc\t1200.0ns\t0.500\n" +
		"# spread 0.40 to 0.70 in 21 rounds\n"
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
}

func TestOutcomesWithoutRivalsHaveDashes(t *testing.T) {
	var b strings.Builder
	writeOutcome(&b, outcome{
		name:  "knot-report",
		ours:  quantity{15563, nanoseconds},
		notes: []string{"lacked a stack 0"},
		debts: []debt{{"p99", quantity{1e6, nanoseconds}, quantity{67300, nanoseconds}}},
	})
	const want = "knot-report\t15563.0ns\t-\t-\t-\n" +
		"# lacked a stack 0\n" +
		"# owed p99 <= 1000000.0ns, met\n"
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
}

func TestWhatIsOwedIsMetAtItsBound(t *testing.T) {
	at := func(n float64) debt { return debt{"", quantity{1.45, ratioUnit}, quantity{n, ratioUnit}} }
	if !at(1.45).met() || at(1.451).met() {
		t.Error("1.45 meets <= 1.45, and 1.451 does not")
	}
}

func TestBestRivalIsTheOneThatOursDoesWorstAgainst(t *testing.T) {
	if best, ok := example().best(); !ok || best.name != "errgroup" {
		t.Errorf("got %q, want errgroup", best.name)
	}
	if _, ok := (outcome{}).best(); ok {
		t.Error("an outcome without rivals has a best one")
	}
}
