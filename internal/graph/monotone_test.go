package graph_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// Blocked must be monotone: more stuck tasks never unblock. The resources are
// those of a scene at rest, the stuck sets random.
func TestMoreStuckTasksNeverUnblock(t *testing.T) {
	for seed := range uint64(20) {
		play(t, func(sc *scene) {
			rest := still(sc, rand.New(rand.NewPCG(seed, 16)))
			synctest.Wait()
			tasks, waits := everybody()
			kinds := make(map[string]int)
			r := rand.New(rand.NewPCG(seed, 17))
			for range 40 {
				few, more := make(map[*graph.Task]bool), make(map[*graph.Task]bool)
				p := r.Float64()
				for _, x := range tasks {
					few[x] = r.Float64() < p
					more[x] = few[x] || r.Float64() < 0.3
				}
				for _, w := range waits {
					blocked := w.Resource().Blocked(w.Task(), func(x *graph.Task) bool { return few[x] })
					if blocked {
						kinds[w.Resource().Label().Kind]++
					}
					if blocked && !w.Resource().Blocked(w.Task(), func(x *graph.Task) bool { return more[x] }) {
						t.Errorf("seed %d: %v is blocked by some and free with more", seed, w.Resource().Label())
					}
					if w.Resource().Blocked(w.Task(), func(*graph.Task) bool { return false }) {
						t.Errorf("seed %d: %v is blocked by nobody", seed, w.Resource().Label())
					}
				}
			}
			for _, kind := range []string{"mutex", "semaphore", "future", "join of scope", "place in each"} {
				if kinds[kind] == 0 {
					t.Errorf("seed %d: no %s was ever blocked", seed, kind)
				}
			}
			close(rest)
		})
	}
}

// still lets tasks come to rest in waits of every kind, random in their numbers,
// until rest is closed.
func still(sc *scene, r *rand.Rand) (rest chan struct{}) {
	rest = make(chan struct{})
	m, s := &mutex{name: "m"}, newSemaphore("s", 6)
	stay := func(ctx context.Context) error { return sc.until(rest) }
	sc.task("holder", func(ctx context.Context) error { return hold(ctx, m, func() error { return stay(ctx) }) })
	for range 1 + r.IntN(3) {
		n := 1 + r.IntN(2)
		sc.task("units", func(ctx context.Context) error { return units(ctx, s, n, func() error { return stay(ctx) }) })
	}
	for i := range 3 {
		n := 6 - i
		sc.start("more units", func(ctx context.Context) error { return units(ctx, s, n, func() error { return nil }) })
	}
	sc.start("mutex", func(ctx context.Context) error { return hold(ctx, m, func() error { return nil }) })
	slow := sc.start("slow", stay)
	sc.start("future", func(ctx context.Context) error { _, err := slow.Await(ctx); return err })
	children := 1 + r.IntN(4)
	sc.start("join", func(ctx context.Context) error {
		return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			for range children {
				s.Go(stay)
			}
			s.Daemon(func(ctx context.Context) error { <-ctx.Done(); return nil })
			return nil
		})
	})
	n := 1 + r.IntN(4)
	sc.start("each", func(ctx context.Context) error {
		return scope.Each(ctx, n, func(yield func(int) bool) {
			for i := range 5 {
				if !yield(i) {
					return
				}
			}
		}, func(ctx context.Context, _ int) error { return stay(ctx) })
	})
	sc.start("sleep", func(ctx context.Context) error { return scope.Sleep(ctx, time.Minute) })
	return rest
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
