package main

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/conc/iter"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/hemgo/hem/scope"
)

// futures compares starting one function in the scope one is in, and waiting
// for its result. Of the rivals only a channel gives one to wait for.
func futures() []side {
	return []side{
		plain("hem", func(n int) {
			inTask(func(ctx context.Context) {
				must(scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
					for range n {
						if _, err := scope.Go(s, answerContext).Await(ctx); err != nil {
							return err
						}
					}
					return nil
				}))
			})
		}),
		plain("go+chan", func(n int) {
			serving(func(ctx context.Context) {
				for range n {
					result := make(chan int, 1)
					go func() {
						v, _ := answerContext(ctx)
						result <- v
					}()
					select {
					case <-result:
					case <-ctx.Done():
						must(ctx.Err())
					}
				}
			})
		}),
	}
}

func answerContext(context.Context) (int, error) { return answer(), nil }

const (
	mapItems = 1000
	mapWidth = 8
)

func increment(_ context.Context, x int) (int, error) { return x + 1, nil }

// mapping compares ways to call a function for every item of a slice, eight at
// a time. The floor is eight goroutines that share a counter, written by hand.
func mapping() []side {
	items := make([]int, mapItems)
	return []side{
		plain("hem", func(n int) {
			inTask(func(ctx context.Context) {
				for range n {
					_, err := scope.Map(ctx, mapWidth, items, increment)
					must(err)
				}
			})
		}),
		plain("errgroup", func(n int) {
			serving(func(ctx context.Context) {
				for range n {
					out := make([]int, len(items))
					g, ctx := errgroup.WithContext(ctx)
					g.SetLimit(mapWidth)
					for i, item := range items {
						g.Go(func() (err error) {
							out[i], err = increment(ctx, item)
							return err
						})
					}
					must(g.Wait())
				}
			})
		}),
		plain("conc", func(n int) {
			serving(func(ctx context.Context) {
				m := iter.Mapper[int, int]{MaxGoroutines: mapWidth}
				for range n {
					_, err := m.MapErr(items, func(x *int) (int, error) { return increment(ctx, *x) })
					must(err)
				}
			})
		}),
		plain("conc-pool", func(n int) {
			serving(func(ctx context.Context) {
				for range n {
					out := make([]int, len(items))
					p := concpool.New().WithMaxGoroutines(mapWidth).WithContext(ctx).WithCancelOnError()
					for i, item := range items {
						p.Go(func(ctx context.Context) (err error) {
							out[i], err = increment(ctx, item)
							return err
						})
					}
					must(p.Wait())
				}
			})
		}),
		plain("go+WaitGroup", func(n int) {
			serving(func(ctx context.Context) {
				for range n {
					out := make([]int, len(items))
					var next atomic.Int64
					var wg sync.WaitGroup
					for range mapWidth {
						wg.Go(func() {
							for i := int(next.Add(1)) - 1; i < len(items); i = int(next.Add(1)) - 1 {
								out[i], _ = increment(ctx, items[i])
							}
						})
					}
					wg.Wait()
				}
			})
		}),
	}
}
