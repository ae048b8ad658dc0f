package lock_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/lock"
)

// A till is data under a lock.
type till = lock.Guard[int]

func noChange(*int, *int) error { return nil }

// What is updated together is in one order, though its classes are not.
func TestUpdatesOfSeveralGuardsAreInOneOrder(t *testing.T) {
	s := newStage(t)
	guard := func(class string) *till { return lock.NewGuard(0, lock.In(s.class(class))) }
	a1, b1, b2, a2 := guard("a"), guard("b"), guard("b"), guard("a")
	do := func(f func(ctx context.Context) error) string {
		t.Helper()
		s.task("first", f)
		s.task("second", f)
		return s.codes()
	}
	within := func(ctx context.Context, outer *till, f func() error) error {
		return outer.Update(ctx, func(*int) error { return f() })
	}
	tests := []struct {
		name, want string
		f          func(ctx context.Context) error
	}{
		{"two of a class", "", func(ctx context.Context) error { return lock.Update2(ctx, a1, a2, noChange) }},
		{"two of a class, the other way round", "", func(ctx context.Context) error { return lock.Update2(ctx, a2, a1, noChange) }},
		{"a before b", "", func(ctx context.Context) error { return lock.Update2(ctx, a1, b1, noChange) }},
		{"b before a", "", func(ctx context.Context) error { return lock.Update2(ctx, a2, b2, noChange) }},
		{"all", "", func(ctx context.Context) error {
			return lock.UpdateAll(ctx, []*till{a2, b2, a1, b1}, func([]*int) error { return nil })
		}},
		{"by hand, one of which is contrary", "order-cycle", func(ctx context.Context) error {
			return within(ctx, b1, func() error { return a1.Update(ctx, func(*int) error { return nil }) })
		}},
		{"together within together", "same-class", func(ctx context.Context) error {
			return lock.UpdateAll(ctx, []*till{a1}, func([]*int) error {
				return lock.UpdateAll(ctx, []*till{a2}, func([]*int) error { return nil })
			})
		}},
	}
	for _, test := range tests {
		if got := do(test.f); got != test.want && got != test.want+" "+test.want {
			t.Errorf("%s: found %q, want %q", test.name, got, test.want)
		}
	}
}

// A stack that is too deep to be kept whole does not make one call two.
func TestUpdatesFarDownAreInOneOrderToo(t *testing.T) {
	s := newStage(t)
	var all []*till
	for range 3 {
		all = append(all, lock.NewGuard(0, lock.In(s.class("a"))))
	}
	var down func(ctx context.Context, n int) error
	down = func(ctx context.Context, n int) error {
		if n > 0 {
			return down(ctx, n-1)
		}
		return lock.UpdateAll(ctx, all, func([]*int) error { return nil })
	}
	for n := 30; n < 60; n++ {
		s.task("deep", func(ctx context.Context) error { return down(ctx, n) })
	}
	if got := s.codes(); got != "" {
		t.Errorf("found %q", got)
	}
}

// Ranks are of what is taken by hand.
func TestUpdatesOfSeveralGuardsHaveNoRanks(t *testing.T) {
	s := newStage(t)
	high := lock.NewGuard(0, lock.In(s.class("high", lock.Rank(2))))
	low := lock.NewGuard(0, lock.In(s.class("low", lock.Rank(1))))
	s.task("together", func(ctx context.Context) error { return lock.Update2(ctx, high, low, noChange) })
	if got := s.codes(); got != "" {
		t.Errorf("found %q", got)
	}
	s.task("by hand", func(ctx context.Context) error {
		return high.Update(ctx, func(*int) error { return low.Update(ctx, func(*int) error { return nil }) })
	})
	if got := s.codes(); got != "rank" {
		t.Errorf("found %q", got)
	}
}
