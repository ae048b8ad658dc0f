package scope_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// Random trees of scopes, up to four deep, with everything that ends a scope:
// each must return what the model predicts, and when, with nothing left over.
func TestScopesDoWhatTheModelDoes(t *testing.T) {
	n := 600
	if testing.Short() {
		n = 100
	}
	for seed := range n {
		simulate(t, uint64(seed))
	}
}

func FuzzScopesDoWhatTheModelDoes(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(simulate)
}

// A model that every result satisfied would prove nothing: the plans reach all
// endings.
func TestTheSimulationReachesEveryEnding(t *testing.T) {
	seen := make(map[string]int)
	for seed := range uint64(600) {
		_, err := predict(newPlanner(seed).scope(0))
		switch {
		case err == nil:
			seen["nil"]++
		case errors.As(err, new(panicOf)):
			seen["panic"]++
		case errors.As(err, new(timeUp)):
			seen["timeout"]++
		case errors.As(err, new(wrapOf)):
			seen["wrapped"]++
		case err == context.DeadlineExceeded:
			seen["deadline"]++
		default:
			seen["error"]++
		}
	}
	if len(seen) != 6 {
		t.Errorf("endings: %v", seen)
	}
	t.Logf("endings: %v", seen)
}

func simulate(t *testing.T, seed uint64) {
	plan := newPlanner(seed).scope(0)
	at, want := predict(plan)
	synctest.Test(t, func(t *testing.T) {
		before := bubbled()
		start := time.Now()
		err := (&player{t, seed}).scope(context.Background(), plan)
		if took := time.Since(start); took != at {
			t.Errorf("seed %d: Run took %v, the model %v", seed, took, at)
		}
		if !same(err, want) {
			t.Errorf("seed %d: Run returned %v, the model %v", seed, err, want)
		}
		nothingRuns(t)
		synctest.Wait()
		if after := bubbled(); after != before {
			t.Errorf("seed %d: %d goroutines before, %d after", seed, before, after)
		}
	})
}

// bubbled counts the goroutines in bubbles, of which there is one at a time.
func bubbled() int {
	buf := make([]byte, 64<<10)
	return bytes.Count(buf[:runtime.Stack(buf, true)], []byte(", synctest bubble "))
}

// same compares a real error with the model's.
func same(got, want error) bool {
	switch want := want.(type) {
	case timeUp:
		e, ok := got.(*fault.Error)
		return ok && e.Kind == fault.Deadline && e.Task == want.name
	case panicOf:
		p, ok := got.(*fault.Panic)
		return ok && p.Value == want.err
	case wrapOf:
		return got != nil && same(errors.Unwrap(got), want.err)
	}
	if want == errDismissed {
		return got != nil && errors.Unwrap(got) == nil // scope's own, not exported
	}
	return got == want
}

// player runs plans for real.
type player struct {
	t    *testing.T
	seed uint64
}

func (p *player) scope(ctx context.Context, plan *planned) error {
	opts := []scope.Option{scope.Name(plan.name), scope.Contain(), scope.Grace(24 * time.Hour)}
	if plan.timeout > 0 {
		opts = append(opts, scope.Timeout(plan.timeout))
	}
	var alive atomic.Int32
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		alive.Add(1)
		defer alive.Add(-1)
		if plan.cancelAt > 0 {
			timer := time.AfterFunc(plan.cancelAt, func() { s.Cancel(plan.cancelBy) })
			s.Defer(func() error { timer.Stop(); return nil })
		}
		for _, task := range plan.tasks {
			p.start(s, task, &alive)
		}
		return p.act(ctx, plan.body)
	}, opts...)
	if n := alive.Load(); n != 0 {
		p.t.Errorf("seed %d: %s returned before %d of its tasks", p.seed, plan.name, n)
	}
	return err
}

func (p *player) start(s *scope.Scope, task plannedTask, alive *atomic.Int32) {
	opts := []scope.Option{scope.Name(task.name)}
	if task.timeout > 0 {
		opts = append(opts, scope.Timeout(task.timeout))
	}
	f := func(ctx context.Context) error {
		alive.Add(1)
		defer alive.Add(-1)
		if task.inner != nil {
			return p.scope(ctx, task.inner)
		}
		return p.act(ctx, task.act)
	}
	future := func(ctx context.Context) (int, error) { return 0, f(ctx) }
	switch task.how {
	case "go":
		s.Go(f, opts...)
	case "daemon":
		s.Daemon(f, opts...)
	case "future":
		scope.Go(s, future, opts...)
	case "try":
		scope.Try(s, future, opts...)
	}
}

func (p *player) act(ctx context.Context, a act) error {
	how := a.ends
	if !a.obeys {
		time.Sleep(a.takes)
	} else if scope.Sleep(ctx, a.takes) != nil {
		time.Sleep(a.cleanup)
		how = a.late
	}
	switch how.how {
	case "error":
		return how.err
	case "panic":
		panic(how.err)
	case "err":
		return ctx.Err()
	case "cause":
		return context.Cause(ctx)
	case "wrap":
		return fmt.Errorf("wrapped: %w", context.Cause(ctx))
	}
	return nil
}

// planner makes random plans. Everything starts at once, so times that are all
// different make one order of events.
type planner struct {
	*rand.Rand
	count int
}

func newPlanner(seed uint64) *planner { return &planner{Rand: rand.New(rand.NewPCG(seed, 0))} }

func (p *planner) name(what string) string {
	p.count++
	return fmt.Sprintf("%s-%d", what, p.count)
}

// chance is true once in n times.
func (p *planner) chance(n int) bool { return p.IntN(n) == 0 }

// time returns a moment that no other is equal to, nor any sum of them.
func (p *planner) time(most time.Duration) time.Duration {
	return 1 + time.Duration(p.Int64N(int64(most)))
}

func (p *planner) scope(depth int) *planned {
	plan := &planned{name: p.name("scope"), body: p.act()}
	if p.chance(5) {
		plan.timeout = p.time(time.Minute)
	}
	if p.chance(5) {
		plan.cancelAt, plan.cancelBy = p.time(time.Minute), errors.New(p.name("cancel"))
	}
	for range p.IntN(6) {
		task := plannedTask{name: p.name("task"), how: []string{"go", "go", "future", "try", "daemon"}[p.IntN(5)], act: p.act()}
		if p.chance(8) {
			task.timeout = p.time(time.Minute)
		}
		if depth < 3 && p.chance(3) {
			task.inner = p.scope(depth + 1)
		}
		plan.tasks = append(plan.tasks, task)
	}
	return plan
}

func (p *planner) act() act {
	a := act{takes: p.time(time.Minute), obeys: !p.chance(4), cleanup: p.time(10 * time.Second)}
	a.ends = ending{how: "nil"}
	switch p.IntN(12) {
	case 0:
		a.ends = ending{"error", errors.New(p.name("error"))}
	case 1:
		a.ends = ending{"panic", errors.New(p.name("panic"))}
	}
	a.late = ending{how: []string{"err", "err", "cause", "wrap", "nil"}[p.IntN(5)]}
	switch p.IntN(12) {
	case 0:
		a.late = ending{"error", errors.New(p.name("late error"))}
	case 1:
		a.late = ending{"panic", errors.New(p.name("late panic"))}
	}
	return a
}
