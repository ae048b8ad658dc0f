package invariant_test

import (
	"testing"

	"github.com/hemgo/hem/internal/invariant"
)

func TestABrokenInvariantPanicsOnlyWhereInvariantsAreEnabled(t *testing.T) {
	tests := []struct {
		name  string
		check func(ok bool)
		want  string
	}{
		{"Check", func(ok bool) { invariant.Check(ok, "S1: free <= size") }, "invariant broken: S1: free <= size"},
		{"Checkf", func(ok bool) { invariant.Checkf(ok, "S1: %d <= %d", 3, 2) }, "invariant broken: S1: 3 <= 2"},
	}
	for _, test := range tests {
		if got := panicOf(func() { test.check(true) }); got != nil {
			t.Errorf("%s of what holds panics: %v", test.name, got)
		}
		var want any
		if invariant.Enabled {
			want = test.want
		}
		if got := panicOf(func() { test.check(false) }); got != want {
			t.Errorf("%s of what does not hold: got %v, want %v", test.name, got, want)
		}
	}
}

// The arguments of Checkf would be boxed if the call were not compiled away.
func TestAHoldingInvariantCostsNoAllocation(t *testing.T) {
	if invariant.Enabled {
		t.Skip("built with -tags invariants")
	}
	n := 1000
	allocs := testing.AllocsPerRun(100, func() {
		n++
		invariant.Check(n > 0, "n is counted up")
		invariant.Checkf(n > 0, "n is %d", n)
	})
	if allocs > 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func BenchmarkCheck(b *testing.B) {
	n := 0
	for b.Loop() {
		n++
		invariant.Check(n > 0, "n is counted up")
		invariant.Checkf(n > 0, "n is %d", n)
	}
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}
