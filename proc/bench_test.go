package proc_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

var same = task.Define("proc.same", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })

func BenchmarkRoundTrip(b *testing.B) {
	p := open(b, proc.Config{Workers: 1})
	for _, c := range []struct {
		name string
		n    int
	}{{"1KiB", 1 << 10}, {"64KiB", 64 << 10}, {"1MiB", 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			ctx, in := b.Context(), make([]byte, c.n)
			b.SetBytes(int64(c.n))
			for b.Loop() {
				if _, err := same.Do(ctx, p, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTuned(b *testing.B) {
	for _, env := range [][]string{nil, {"GOMAXPROCS=1"}, {"GODEBUG=asyncpreemptoff=1"}} {
		b.Run("env", func(b *testing.B) {
			p := open(b, proc.Config{Workers: 1, Env: env})
			ctx, in := b.Context(), make([]byte, 1024)
			for b.Loop() {
				if _, err := same.Do(ctx, p, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
