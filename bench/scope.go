package main

import (
	"context"
	"sync"

	"github.com/sourcegraph/conc"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/hemgo/hem/scope"
)

// The children do nothing, so that what is measured is what starting and
// joining one costs. Each rival gets what it is written with: errgroup a
// context, as a scope has one; conc its WaitGroup, and beside it the pool that
// has a context; go+WaitGroup is the floor, which offers neither.
//
// All run under a parent that can be cancelled, as in a server. Ours runs
// inside a task, where a scope is opened but once in a program's life it is
// not; spawn-1-outside is that once.
func init() {
	register(suite{name: "scope", cases: []trial{
		{name: "spawn-10000", ops: 10_000, per: "child", sides: spawn(10_000), owed: owed{"errgroup", 1.45}},
		{name: "spawn-100", ops: 100, per: "child", sides: spawn(100)},
		{name: "spawn-1", ops: 1, per: "scope", sides: spawn(1), owed: owed{"errgroup", 2.0}},
		{name: "spawn-1-outside", ops: 1, per: "scope", sides: spawnOutside()},
		{name: "spawn-16-spawners", ops: 16 * perSpawner, per: "child", sides: spawners(), owed: owed{"errgroup", 1.15}},
		{name: "future", ops: 1, per: "result", sides: futures()},
		{name: "map-8", ops: mapItems, per: "item", sides: mapping()},
	}})
}

func nop() error                       { return nil }
func nopContext(context.Context) error { return nil }

// must stops a measurement whose subject does not work.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// serving calls f with a context that can be cancelled, as a server's can.
func serving(f func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f(ctx)
}

// inTask calls f as a task.
func inTask(f func(ctx context.Context)) {
	serving(func(ctx context.Context) {
		must(scope.Run(ctx, func(ctx context.Context, _ *scope.Scope) error {
			f(ctx)
			return nil
		}))
	})
}

// spawn compares scopes of so many children.
func spawn(children int) []side {
	ours := plain("hem", func(n int) {
		inTask(func(ctx context.Context) { hemSpawn(ctx, n, children) })
	})
	return append([]side{ours}, spawnRivals(children)...)
}

// spawnOutside compares scopes of one child, opened by a goroutine that is no
// task: each adopts it anew.
func spawnOutside() []side {
	ours := plain("hem", func(n int) {
		serving(func(ctx context.Context) { hemSpawn(ctx, n, 1) })
	})
	return append([]side{ours}, spawnRivals(1)...)
}

func hemSpawn(ctx context.Context, n, children int) {
	for range n {
		must(scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			for range children {
				s.Go(nopContext)
			}
			return nil
		}))
	}
}

func spawnRivals(children int) []side {
	return []side{
		plain("errgroup", func(n int) {
			serving(func(ctx context.Context) {
				for range n {
					g, _ := errgroup.WithContext(ctx)
					for range children {
						g.Go(nop)
					}
					must(g.Wait())
				}
			})
		}),
		plain("conc", func(n int) {
			for range n {
				var wg conc.WaitGroup
				for range children {
					wg.Go(func() { _ = nop() })
				}
				wg.Wait()
			}
		}),
		plain("conc-pool", func(n int) {
			serving(func(ctx context.Context) {
				for range n {
					p := concpool.New().WithContext(ctx).WithCancelOnError()
					for range children {
						p.Go(nopContext)
					}
					must(p.Wait())
				}
			})
		}),
		plain("go+WaitGroup", func(n int) {
			for range n {
				var wg sync.WaitGroup
				for range children {
					wg.Go(func() { _ = nop() })
				}
				wg.Wait()
			}
		}),
	}
}

const perSpawner = 625 // of 16: 10,000 children

// spawners compares sixteen that start children of one and the same scope.
func spawners() []side {
	each := func(start func()) {
		for range perSpawner {
			start()
		}
	}
	return []side{
		plain("hem", func(n int) {
			inTask(func(ctx context.Context) {
				for range n {
					must(scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
						for range 16 {
							s.Go(func(context.Context) error {
								each(func() { s.Go(nopContext) })
								return nil
							})
						}
						return nil
					}))
				}
			})
		}),
		plain("errgroup", func(n int) {
			serving(func(ctx context.Context) {
				for range n {
					g, _ := errgroup.WithContext(ctx)
					for range 16 {
						g.Go(func() error {
							each(func() { g.Go(nop) })
							return nil
						})
					}
					must(g.Wait())
				}
			})
		}),
		plain("conc", func(n int) {
			for range n {
				var wg conc.WaitGroup
				for range 16 {
					wg.Go(func() {
						each(func() { wg.Go(func() { _ = nop() }) })
					})
				}
				wg.Wait()
			}
		}),
		plain("go+WaitGroup", func(n int) {
			for range n {
				var wg sync.WaitGroup
				for range 16 {
					wg.Go(func() {
						each(func() { wg.Go(func() { _ = nop() }) })
					})
				}
				wg.Wait()
			}
		}),
	}
}
