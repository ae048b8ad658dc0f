package graph_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/turns"
	"github.com/hemgo/hem/scope"
)

// That a controlled schedule is the seed's alone, finds lost wake-ups and never
// hangs is tested with the scheduler, in internal/turns.

const schedules = 100

// inversion is two tasks that lock in opposite order: under some schedules
// they deadlock, under others they do not.
func inversion(_ context.Context, s *scope.Scope) error {
	a, b := &mutex{name: "a"}, &mutex{name: "b"}
	s.Go(func(ctx context.Context) error {
		return hold(ctx, a, func() error { return hold(ctx, b, func() error { return nil }) })
	}, scope.Name("ab"))
	s.Go(func(ctx context.Context) error {
		return hold(ctx, b, func() error { return hold(ctx, a, func() error { return nil }) })
	}, scope.Name("ba"))
	return nil
}

func TestSeedsFindTheScheduleThatDeadlocksAndTheOneThatDoesNot(t *testing.T) {
	named, free := 0, 0
	for seed := range uint64(schedules) {
		_, err := turns.Run(seed, inversion)
		var d *fault.Deadlock
		switch {
		case err == nil:
			free++
		case errors.As(err, &d) && len(d.Members) == 2 && len(d.Members[0].Stack) > 0 && len(d.Members[1].Stack) > 0:
			named++
		default:
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	t.Logf("%d schedules deadlock, %d do not", named, free)
	if named == 0 || free == 0 {
		t.Error("one outcome was not found")
	}
}

// A grant, a verdict and a cancellation are each decided in a task's turn.
func TestADeadlockComesTheSameWayUnderTheSameSeed(t *testing.T) {
	for seed := range uint64(schedules) {
		one, errOne := turns.Run(seed, inversion)
		two, errTwo := turns.Run(seed, inversion)
		if !slices.Equal(one, two) || (errOne == nil) != (errTwo == nil) {
			t.Fatalf("seed %d: %v and %v\n%v\n%v", seed, errOne, errTwo, one, two)
		}
	}
}
