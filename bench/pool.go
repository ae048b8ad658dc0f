package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

// All pools have as many workers as there are processors, and live for as long
// as their case. A batch is what submitters hand in, each from a goroutine of
// its own, and is over when all of it has run: ours is joined by the scope that
// owns it, errgroup by its Wait, the others, which own nothing, by a WaitGroup.
func init() {
	register(suite{name: "pool", cases: []trial{
		{name: "pool-dispatch", ops: 16 * 500, per: "task", sides: dispatching(16, 500, nothing), owed: owed{"ants", 0.9}},
		{name: "pool-10us", ops: 16 * 20, per: "task", sides: dispatching(16, 20, tenMicroseconds)},
		{name: "pool-result", ops: 16 * 100, per: "result", sides: awaiting(16, 100)},
		{name: "pool-do", ops: 16 * 100, per: "call", sides: calling(16, 100)},
		{name: "pool-do-1", ops: 1000, per: "call", sides: calling(1, 1000)},
	}})
}

func nothing() {}

// tenMicroseconds keeps a processor busy for as long as a microsecond-sized
// piece of work would, without looking at the clock.
func tenMicroseconds() { burn(burnOf10us()) }

// burnOf10us returns how many rounds of burn last 10 µs on this machine, by the
// fastest of several tries.
var burnOf10us = sync.OnceValue(func() int {
	const rounds = 1 << 16
	best := timed(burn, rounds)
	for range 50 {
		best = min(best, timed(burn, rounds))
	}
	return int(rounds * 10 * time.Microsecond / max(best, 1))
})

//go:noinline
func burn(rounds int) {
	x := uint64(rounds)
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 1 {
		panic("a xorshift generator never comes to one from here") // keeps x alive
	}
}

// answer is what is asked for when a result is.
func answer() int { return 42 }

// hem is a side whose turns get a pool of ours and the context of a task.
func hem(batch func(ctx context.Context, cpu *pool.Pool) error) side {
	return side{"hem", func() (func(int), func()) {
		cpu, err := pool.New(pool.Config{Name: "bench", Size: runtime.GOMAXPROCS(0)})
		must(err)
		turn := func(n int) {
			inTask(func(ctx context.Context) {
				for range n {
					must(batch(ctx, cpu))
				}
			})
		}
		return turn, func() { must(cpu.Close(context.Background())) }
	}}
}

// hemCrowd runs f in so many tasks of one scope.
func hemCrowd(ctx context.Context, n int, f func(context.Context, *scope.Scope) error) error {
	return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for range n {
			s.Go(func(ctx context.Context) error { return f(ctx, s) })
		}
		return nil
	})
}

// dispatching compares handing in work that nobody awaits by itself.
func dispatching(submitters, each int, work func()) []side {
	task := func(context.Context) error {
		work()
		return nil
	}
	sides := []side{hem(func(ctx context.Context, cpu *pool.Pool) error {
		return hemCrowd(ctx, submitters, func(_ context.Context, s *scope.Scope) error {
			for range each {
				cpu.Go(s, task)
			}
			return nil
		})
	})}
	for _, c := range competitors {
		sides = append(sides, c.side(func(p pooled) {
			var done sync.WaitGroup
			counted := func() {
				work()
				done.Done()
			}
			crowded(submitters, func() {
				for range each {
					done.Add(1)
					p.submit(counted)
				}
			})
			done.Wait()
		}))
	}
	return append(sides, pondGroup(submitters, each, work), plain("errgroup", func(n int) {
		task := func() error {
			work()
			return nil
		}
		for range n {
			g := limited()
			crowded(submitters, func() {
				for range each {
					g.Go(task)
				}
			})
			must(g.Wait())
		}
	}))
}

// awaiting compares work with a result of its own type, each awaited before
// the next is handed in.
func awaiting(submitters, each int) []side {
	sides := []side{hem(func(ctx context.Context, cpu *pool.Pool) error {
		return hemCrowd(ctx, submitters, func(ctx context.Context, s *scope.Scope) error {
			for range each {
				_, err := pool.Go(s, cpu, func(context.Context) (int, error) { return answer(), nil }).Await(ctx)
				if err != nil {
					return err
				}
			}
			return nil
		})
	})}
	return append(sides, callRivals(submitters, each, func(p pooled) { p.result(answer) })...)
}

// calling compares calls that return when the work is done.
func calling(submitters, each int) []side {
	sides := []side{hem(func(ctx context.Context, cpu *pool.Pool) error {
		return hemCrowd(ctx, submitters, func(ctx context.Context, _ *scope.Scope) error {
			for range each {
				if err := cpu.Do(ctx, nopContext); err != nil {
					return err
				}
			}
			return nil
		})
	})}
	return append(sides, callRivals(submitters, each, func(p pooled) { p.do(nothing) })...)
}

func callRivals(submitters, each int, call func(pooled)) (sides []side) {
	batch := func(p pooled) {
		crowded(submitters, func() {
			for range each {
				call(p)
			}
		})
	}
	for _, c := range competitors {
		sides = append(sides, c.side(batch))
	}
	return append(sides, plain("errgroup", func(n int) {
		for range n {
			g := limited()
			batch(overChannels(func(f func()) {
				g.Go(func() error {
					f()
					return nil
				})
			}))
			must(g.Wait())
		}
	}))
}

// limited returns a group that runs as many at once as a pool of ours.
func limited() *errgroup.Group {
	g := new(errgroup.Group)
	g.SetLimit(runtime.GOMAXPROCS(0))
	return g
}

// crowded runs f on n goroutines and waits for them.
func crowded(n int, f func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(f)
	}
	wg.Wait()
}
