package graph_test

import (
	"context"
	"testing"
)

// A task that calls Do acts for a second one meanwhile, and so waits for it.
func TestTaskThatAdoptsItsOwnGoroutineIsSeenToWaitForItself(t *testing.T) {
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
	if out.hung || len(out.verdicts) != 1 {
		t.Errorf("hung %v, verdicts %v", out.hung, out.verdicts)
	}
}
