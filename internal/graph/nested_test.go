package graph_test

import (
	"context"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// Who stands by acts through the goroutine that waits: its stack is known.
func TestReportHasTheStackOfATaskThatStandsBy(t *testing.T) {
	out := play(t, func(sc *scene) {
		m := &mutex{name: "m"}
		sc.task("outer", func(ctx context.Context) error {
			return hold(ctx, m, func() error {
				return sc.s.Do(ctx, func(ctx context.Context) error {
					return hold(ctx, m, func() error { return nil })
				})
			})
		})
	})
	if len(out.verdicts) != 1 {
		t.Fatalf("hung %v, verdicts %v", out.hung, out.verdicts)
	}
	for _, m := range out.verdicts[0].Members {
		if len(m.Stack) == 0 {
			t.Errorf("%s has no stack", m.Task)
		}
	}
}

// The end of its context does not let it go on: it still stands by.
func TestTaskThatStandsByIsStuckThoughItsContextHasEnded(t *testing.T) {
	out := play(t, func(sc *scene) {
		m := &mutex{name: "m"}
		scope.Try(sc.s, func(ctx context.Context) (int, error) {
			err := hold(ctx, m, func() error {
				time.Sleep(time.Minute) // its context ends
				return sc.s.Do(context.WithoutCancel(ctx), func(ctx context.Context) error {
					return hold(ctx, m, func() error { return nil })
				})
			})
			sc.note("outer", err)
			return 0, nil
		}, scope.Name("outer"), scope.Timeout(time.Second))
	})
	if out.hung || len(out.verdicts) != 1 {
		t.Errorf("hung %v, verdicts %v", out.hung, out.verdicts)
	}
}

// Nobody will be told any more, and who stands by cannot say so itself.
func TestWhoWaitsForWhoStandsByForAJoinThatWasToldIsToldToo(t *testing.T) {
	out := play(t, func(sc *scene) {
		n := &mutex{name: "n"}
		m := toldJoin(sc, func(ctx context.Context, f func(context.Context) error) error {
			return hold(ctx, n, func() error { return sc.s.Do(ctx, f) })
		})
		sc.task("late", func(ctx context.Context) error { return hold(ctx, n, func() error { return nil }) })
		time.Sleep(time.Minute)
		m.Unlock()
	})
	if out.hung || fault.KindOf(out.errs["late"]) != fault.Deadlocked {
		t.Errorf("hung %v, errors %v", out.hung, out.errs)
	}
}
