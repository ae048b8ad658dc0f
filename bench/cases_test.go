package main

import (
	"strings"
	"testing"
)

func TestEveryCaseIsToldAsItShouldBeByHem(t *testing.T) {
	n := 0
	err := playCases(func(cells []string) {
		n++
		if ours := cells[2]; strings.HasPrefix(ours, "MISSED") || strings.HasPrefix(ours, "FALSE") || (ours == "nothing") != (cells[1] == "nothing") {
			t.Errorf("%s: to be told is %s, hem tells %s", cells[0], cells[1], ours)
		}
	})
	if err != nil || n != len(lockCases) {
		t.Errorf("%d of %d cases: %v", n, len(lockCases), err)
	}
}

func TestACellJudgesWhatWasTold(t *testing.T) {
	for _, c := range []struct{ danger, told, want string }{
		{"", "", "nothing"}, {"an order", "", "MISSED"}, {"", "order", "FALSE: order"}, {"an order", "order", "order"},
	} {
		if got := cell(c.danger, c.told); got != c.want {
			t.Errorf("of %q, told %q: %q, want %q", c.danger, c.told, got, c.want)
		}
	}
}
