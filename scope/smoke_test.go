package scope_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

func TestSmoke(t *testing.T) {
	var a, b *scope.Future[int]
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		ready := make(chan struct{})
		a = scope.Go(s, func(ctx context.Context) (int, error) { <-ready; return b.Await(ctx) }, scope.Name("a"))
		b = scope.Go(s, func(ctx context.Context) (int, error) { <-ready; return a.Await(ctx) }, scope.Name("b"))
		close(ready)
		return nil
	})
	var d *fault.Deadlock
	if !errors.As(err, &d) {
		t.Fatal(err)
	}
	t.Log(err)
}

func TestSmokeOverdue(t *testing.T) {
	release := make(chan struct{})
	time.AfterFunc(100*time.Millisecond, func() { close(release) })
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { <-release; return nil })
		return errors.New("no")
	}, scope.Grace(10*time.Millisecond))
	t.Log(err)
}

func BenchmarkSpawn10000(b *testing.B) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
			for j := 0; j < 10000; j++ {
				s.Go(func(context.Context) error { return nil })
			}
			return nil
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/task")
}

func BenchmarkSpawn1(b *testing.B) {
	b.ReportAllocs()
	scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		for i := 0; i < b.N; i++ {
			scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
				s.Go(func(context.Context) error { return nil })
				return nil
			})
		}
		return nil
	})
}

type group struct {
	wg     sync.WaitGroup
	once   sync.Once
	err    error
	cancel context.CancelCauseFunc
}

func (g *group) Go(f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		if err := f(); err != nil {
			g.once.Do(func() { g.err = err; g.cancel(err) })
		}
	}()
}

func BenchmarkEG10000(b *testing.B) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		var g group
		_, g.cancel = context.WithCancelCause(context.Background())
		for j := 0; j < 10000; j++ {
			g.Go(func() error { return nil })
		}
		g.wg.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/task")
}

func BenchmarkEG1(b *testing.B) {
	b.ReportAllocs()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for i := 0; i < b.N; i++ {
		var g group
		_, g.cancel = context.WithCancelCause(ctx)
		g.Go(func() error { return nil })
		g.wg.Wait()
		g.cancel(nil)
	}
}
