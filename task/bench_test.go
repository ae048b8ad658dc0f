package task_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

var double = task.Define("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })

// inline is a runner that costs nothing, so that what is left is Def's own.
type inline struct{}

func (inline) Run(ctx context.Context, c *task.Call) error { return c.Invoke(ctx) }

func BenchmarkDefDo(b *testing.B) {
	b.ReportAllocs()
	ctx := b.Context()
	for b.Loop() {
		_, _ = double.Do(ctx, inline{}, 21)
	}
}

func BenchmarkDefOn(b *testing.B) {
	b.ReportAllocs()
	ctx, f := b.Context(), double.On(inline{})
	for b.Loop() {
		_, _ = f(ctx, 21)
	}
}

func BenchmarkHereRun(b *testing.B) {
	b.Run("outside", func(b *testing.B) {
		b.ReportAllocs()
		ctx := b.Context()
		for b.Loop() {
			_, _ = double.Do(ctx, task.Here, 21)
		}
	})
	b.Run("from a task", func(b *testing.B) {
		_ = scope.Run(b.Context(), func(ctx context.Context, _ *scope.Scope) error {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = double.Do(ctx, task.Here, 21)
			}
			return nil
		})
	})
}

// BenchmarkGoroutine is the least a goroutine that is waited for can cost.
func BenchmarkGoroutine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		done := make(chan int)
		go func() { done <- 42 }()
		<-done
	}
}
