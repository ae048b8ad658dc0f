package graph_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// underSeed runs body as a root scope under the seed's schedule. If every task
// waits and none can go on, it is cancelled with errIdle.
func underSeed(seed uint64, body func(context.Context, *scope.Scope) error) (trace []string, err error) {
	s := newTurns(seed)
	ctx, cancel := context.WithCancelCause(graph.WithScheduler(context.Background(), s))
	defer cancel(nil)
	var once sync.Once
	s.onIdle = func() {
		once.Do(func() {
			go func() { // in one step, so that it does not matter who hears first
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.current == nil { // else somebody was woken meanwhile
					cancel(errIdle)
					s.next()
				}
			}()
		})
	}
	err = scope.Run(ctx, body)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trace, err
}

var errIdle = errors.New("every task waits, and none can go on")

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

// flag is set once and waited for. Unless it looks again under its lock, a
// waiter may miss the setting.
type flag struct {
	again   bool
	mu      sync.Mutex
	set     bool
	waiters []*graph.Wait
}

func (f *flag) Label() graph.Label                               { return graph.Label{Kind: "flag"} }
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

const schedules = 100

func TestSameSeedGivesTheSameTrace(t *testing.T) {
	for name, body := range map[string]func(context.Context, *scope.Scope) error{
		"inversion": inversion, "family": family, "lost wake-up": lostWakeUp(false),
	} {
		different := make(map[string]bool)
		for seed := range uint64(schedules) {
			one, _ := underSeed(seed, body)
			two, _ := underSeed(seed, body)
			if !slices.Equal(one, two) {
				t.Errorf("%s, seed %d: %d and %d steps:\n%s\n\n%s", name, seed, len(one), len(two),
					strings.Join(one, "\n"), strings.Join(two, "\n"))
				break
			}
			different[strings.Join(one, "\n")] = true
		}
		t.Logf("%s: %d schedules of %d seeds", name, len(different), schedules)
		if len(different) < 2 {
			t.Errorf("%s: every seed gives the same schedule", name)
		}
	}
}

func TestSeedsFindTheScheduleThatDeadlocksAndTheOneThatDoesNot(t *testing.T) {
	named, free := 0, 0
	for seed := range uint64(schedules) {
		_, err := underSeed(seed, inversion)
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

func TestSeedsFindTheLostWakeUpAndNoneWhereThereIsNone(t *testing.T) {
	lost := 0
	for seed := range uint64(schedules) {
		_, err := underSeed(seed, lostWakeUp(false))
		if errors.Is(err, errIdle) {
			lost++
		} else if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if _, err := underSeed(seed, lostWakeUp(true)); err != nil {
			t.Fatalf("seed %d, without the mistake: %v", seed, err)
		}
	}
	t.Logf("%d of %d schedules lose the wake-up", lost, schedules)
	if lost == 0 || lost == schedules {
		t.Error("one outcome was not found")
	}
}

func TestFamiliesEndUnderEverySchedule(t *testing.T) {
	for seed := range uint64(schedules) {
		if trace, err := underSeed(seed, family); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(trace, "\n"))
		}
	}
}
