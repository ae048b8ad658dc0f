package pool_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

// The figures in doc comments come from
//
//	go test -bench . -count 5 ./pool
//
// and the comparison with ants from go run ./bench -suite pool.

func BenchmarkDo(b *testing.B) {
	asTask(b, func(ctx context.Context, p *pool.Pool) {
		for b.Loop() {
			p.Do(ctx, nothing)
		}
	})
}

func BenchmarkDoNested(b *testing.B) {
	asTask(b, func(ctx context.Context, p *pool.Pool) {
		p.Do(ctx, func(ctx context.Context) error {
			for b.Loop() {
				p.Do(ctx, nothing)
			}
			return nil
		})
	})
}

func BenchmarkYield(b *testing.B) {
	asTask(b, func(ctx context.Context, p *pool.Pool) {
		p.Do(ctx, func(ctx context.Context) error {
			for b.Loop() {
				pool.Yield(ctx)
			}
			return nil
		})
	})
}

func BenchmarkRun(b *testing.B) {
	asTask(b, func(ctx context.Context, p *pool.Pool) {
		for b.Loop() {
			double.Do(ctx, p, 1)
		}
	})
}

func BenchmarkDoOutside(b *testing.B) {
	p := benchPool(b, 1)
	for b.Loop() {
		p.Do(context.Background(), nothing)
	}
}

func BenchmarkGo(b *testing.B) {
	for _, size := range []int{1, 2, 16} {
		for _, submitters := range []int{1, 16} {
			b.Run(fmt.Sprintf("size=%d/submitters=%d", size, submitters), func(b *testing.B) {
				p := benchPool(b, size)
				b.ReportAllocs()
				scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
					for range submitters {
						s.Go(func(context.Context) error {
							for range b.N/submitters + 1 {
								p.Go(s, nothing)
							}
							return nil
						})
					}
					return nil
				})
			})
		}
	}
}

func benchPool(b *testing.B, size int) *pool.Pool {
	p, err := pool.New(pool.Config{Size: size})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// asTask runs f as a task, with a pool of one slot.
func asTask(b *testing.B, f func(context.Context, *pool.Pool)) {
	p := benchPool(b, 1)
	b.ReportAllocs()
	scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error { f(ctx, p); return nil })
		return nil
	})
}
