package turns_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/turns"
	"github.com/hemgo/hem/scope"
)

const schedules = 200

// family spawns, awaits and joins.
func family(ctx context.Context, s *scope.Scope) error {
	first := scope.Go(s, func(ctx context.Context) (int, error) {
		graph.Current(ctx).Point()
		return 1, nil
	})
	second := scope.Go(s, func(ctx context.Context) (int, error) {
		n, err := first.Await(ctx)
		return n + 1, err
	})
	s.Go(func(ctx context.Context) error {
		return scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error { _, err := second.Await(ctx); return err })
			_, err := first.Await(ctx)
			return err
		})
	})
	n, err := second.Await(ctx)
	if err == nil && n != 2 {
		err = errors.New("the sum is wrong")
	}
	return err
}

func TestTheSameSeedGivesTheSameTraceAndOthersGiveOthers(t *testing.T) {
	different := make(map[string]bool)
	for seed := range uint64(schedules) {
		one, errOne := turns.Run(seed, family)
		two, errTwo := turns.Run(seed, family)
		if errOne != nil || errTwo != nil {
			t.Fatalf("seed %d: %v, %v", seed, errOne, errTwo)
		}
		if !slices.Equal(one, two) {
			t.Fatalf("seed %d: two traces:\n%v\n%v", seed, one, two)
		}
		different[one.String()] = true
	}
	t.Logf("%d schedules of %d seeds", len(different), schedules)
	if len(different) < schedules/4 {
		t.Errorf("only %d schedules of %d seeds", len(different), schedules)
	}
}

func TestEveryOrderOfThreeTasksComesUp(t *testing.T) {
	seen := make(map[string]bool)
	for seed := range uint64(schedules) {
		var order strings.Builder
		_, err := turns.Run(seed, func(_ context.Context, s *scope.Scope) error {
			for _, name := range []string{"a", "b", "c"} {
				s.Go(func(context.Context) error { order.WriteString(name); return nil })
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		seen[order.String()] = true
	}
	if len(seen) != 6 {
		t.Errorf("orders: %v", seen)
	}
}

// flag is set once and waited for. Unless it looks again under its lock, a
// waiter may miss the setting.
type flag struct {
	again   bool
	mu      sync.Mutex
	set     bool
	waiters []*graph.Wait
}

func (f *flag) Label() graph.Label                               { return graph.Label{Kind: "flag", Name: "ready"} }
func (f *flag) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

func (f *flag) Set(ctx context.Context) {
	graph.Current(ctx).Point()
	f.mu.Lock()
	f.set = true
	waiters := f.waiters
	f.waiters = nil
	f.mu.Unlock()
	for _, w := range waiters {
		w.Grant()
	}
}

func (f *flag) Wait(ctx context.Context) error {
	f.mu.Lock()
	set := f.set
	f.mu.Unlock()
	if set {
		return nil
	}
	graph.Current(ctx).Point()
	w := new(graph.Wait)
	w.Begin(ctx, f)
	f.mu.Lock()
	if f.again && f.set {
		f.mu.Unlock()
		w.Abandon()
		return nil
	}
	f.waiters = append(f.waiters, w)
	w.Publish()
	f.mu.Unlock()
	return w.Park()
}

func lostWakeUp(again bool) func(context.Context, *scope.Scope) error {
	return func(_ context.Context, s *scope.Scope) error {
		f := &flag{again: again}
		s.Go(f.Wait, scope.Name("waiter"))
		s.Go(func(ctx context.Context) error { f.Set(ctx); return nil }, scope.Name("setter"))
		return nil
	}
}

func TestAStandstillIsErrIdleAndSaysWhoWaitsForWhat(t *testing.T) {
	idle := 0
	for seed := range uint64(schedules) {
		_, err := turns.Run(seed, lostWakeUp(false))
		switch {
		case err == nil:
		case !errors.Is(err, turns.ErrIdle):
			t.Fatalf("seed %d: %v", seed, err)
		case !strings.Contains(err.Error(), "waiter") || !strings.Contains(err.Error(), "flag ready"):
			t.Fatalf("seed %d: %q does not say who waits for what", seed, err)
		default:
			idle++
		}
		if _, err := turns.Run(seed, lostWakeUp(true)); err != nil {
			t.Fatalf("seed %d, without the mistake: %v", seed, err)
		}
	}
	t.Logf("%d of %d schedules lose the wake-up", idle, schedules)
	if idle == 0 || idle == schedules {
		t.Error("one outcome was not found")
	}
}

func TestADeadlockThatIsNamedIsNoStandstill(t *testing.T) {
	for seed := range uint64(schedules) {
		_, err := turns.Run(seed, func(_ context.Context, s *scope.Scope) error {
			var a, b *scope.Future[int] // the body keeps the turn until both are there
			a = scope.Go(s, func(ctx context.Context) (int, error) { return b.Await(ctx) })
			b = scope.Go(s, func(ctx context.Context) (int, error) { return a.Await(ctx) })
			return nil
		})
		var d *fault.Deadlock
		if !errors.As(err, &d) || errors.Is(err, turns.ErrIdle) || len(d.Members) != 2 {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestAPanicOfTheBodyGoesOn(t *testing.T) {
	defer func() {
		if p := recover(); p != "boom" {
			t.Errorf("got %v", p)
		}
	}()
	_, _ = turns.Run(1, func(context.Context, *scope.Scope) error { panic("boom") })
	t.Error("Run returned")
}

func TestTheWatchdogWaitsForStepsAndNotForTheirLack(t *testing.T) {
	first, second := turns.Looks(30)
	if first != nil {
		t.Errorf("a run that goes on was given up: %v", first)
	}
	if text := fmt.Sprint(second); !strings.Contains(text, "no step for") || !strings.Contains(text, "t29 run") {
		t.Errorf("a run that stands was given up with %v", second)
	}
}
