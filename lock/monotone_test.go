package lock_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// Blocked must be monotone: more stuck tasks never unblock; and nobody is
// blocked by nobody. The locks are those of tasks at rest, the stuck sets
// random.
func TestMoreStuckTasksNeverUnblockALock(t *testing.T) {
	kinds := make(map[string]int)
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 41))
			err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
				rest := make(chan struct{})
				defer close(rest)
				comeToRest(s, r, rest)
				judgeAtRest(t, seed, r, kinds)
				return nil
			})
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
	for _, kind := range []string{"mutex", "rwmutex", "semaphore", "condition"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s was ever blocked", kind)
		}
	}
}

// judgeAtRest asks everybody's resources about random sets.
func judgeAtRest(t *testing.T, seed uint64, r *rand.Rand, kinds map[string]int) {
	tasks, waits := everybody()
	for range 40 {
		few, more := make(map[*graph.Task]bool), make(map[*graph.Task]bool)
		p := r.Float64()
		for _, x := range tasks {
			few[x] = r.Float64() < p
			more[x] = few[x] || r.Float64() < 0.3
		}
		for _, w := range waits {
			in := func(set map[*graph.Task]bool) bool {
				return w.Resource().Blocked(w.Task(), func(x *graph.Task) bool { return set[x] })
			}
			label := w.Resource().Label()
			if in(few) {
				kinds[label.Kind]++
			}
			if in(few) && !in(more) {
				t.Errorf("seed %d: %v is blocked by some and free with more", seed, label)
			}
			if in(nil) {
				t.Errorf("seed %d: %v is blocked by nobody", seed, label)
			}
		}
	}
}

// comeToRest starts tasks that hold and wait for locks of every kind until rest
// is closed.
func comeToRest(s *scope.Scope, r *rand.Rand, rest chan struct{}) {
	m, s3 := lock.NewMutex(), lock.NewSemaphore(6)
	var rws [3]*lock.RWMutex
	for i := range rws {
		rws[i] = lock.NewRWMutex()
	}
	stay := func() error { <-rest; return nil }
	start := func(f func(ctx context.Context) error) {
		s.Go(f)
		synctest.Wait()
	}
	start(func(ctx context.Context) error { return hold(ctx, m, stay) })
	for range 1 + r.IntN(3) {
		start(func(ctx context.Context) error { return hold(ctx, m, nothing) })
		start(func(ctx context.Context) error { return s3.With(ctx, 2, func(context.Context) error { return stay() }) })
	}
	for i := range 4 {
		n := int64(6 - i)
		start(func(ctx context.Context) error {
			return s3.With(ctx, n, func(context.Context) error { return nil }, lock.Priority(r.IntN(3)-1))
		})
	}
	g := lock.NewGuard(0)
	start(func(ctx context.Context) error { return g.View(ctx, func(int) error { return stay() }) })
	start(func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		go func() { <-rest; cancel() }()
		_, _ = g.Wait(ctx, func(int) bool { return false })
		return nil
	})
	for i, l := range rws {
		if i == 0 {
			start(func(ctx context.Context) error { return write(ctx, l, stay) })
		} else {
			for range 1 + r.IntN(12) {
				start(func(ctx context.Context) error { return read(ctx, l, stay) })
			}
		}
		for range 1 + r.IntN(4) {
			if r.IntN(2) == 0 || i == 2 {
				start(func(ctx context.Context) error { return write(ctx, l, nothing) })
			} else {
				start(func(ctx context.Context) error { return read(ctx, l, nothing) })
			}
		}
	}
}

// everybody returns all tasks there are, and what they wait in.
func everybody() (tasks []*graph.Task, waits []*graph.Wait) {
	var visit func(g *graph.Group)
	visit = func(g *graph.Group) {
		g.Tasks(func(t *graph.Task) bool {
			tasks = append(tasks, t)
			if w := t.Wait(); w != nil {
				waits = append(waits, w)
			}
			for g := t.Inner(); g != nil; g = g.Outer() {
				visit(g)
			}
			return true
		})
	}
	visit(graph.Roots())
	return tasks, waits
}
