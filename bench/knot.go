package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// knots ties two tasks together by their futures, again and again, and times
// how long it takes from the second wait until somebody has the verdict.
func knots(p plan) (o outcome, err error) {
	var times []float64
	bare := 0 // reports that lack a stack
	inTask(func(ctx context.Context) {
		for range p.knots {
			var k knot
			if err = k.tie(ctx); err != nil {
				return
			}
			times = append(times, float64(k.took.Nanoseconds()))
			for _, m := range k.verdict.Members {
				if len(m.Stack) == 0 {
					bare++
					break
				}
			}
		}
	})
	if err != nil {
		return o, err
	}
	at := func(q float64) quantity { return quantity{quantile(times, q), nanoseconds} }
	ms := float64(time.Millisecond)
	o.ours = at(0.5)
	o.notes = []string{
		fmt.Sprintf("p50 %v p99 %v max %v of %d knots", at(0.5), at(0.99), at(1), len(times)),
		fmt.Sprintf("lacked a stack %d", bare),
	}
	o.debts = []debt{
		{"p99", quantity{1 * ms, nanoseconds}, at(0.99)},
		{"max", quantity{10 * ms, nanoseconds}, at(1)},
	}
	return o, nil
}

// knot is two tasks that await each other.
type knot struct {
	a, b    *scope.Future[struct{}]
	took    time.Duration
	verdict *fault.Deadlock
}

// tie makes the knot, and returns when it has come apart.
func (k *knot) tie(ctx context.Context) error {
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		tied := make(chan struct{}) // a and b are both there
		first := make(chan *graph.Task, 1)
		k.a = scope.Try(s, func(ctx context.Context) (struct{}, error) {
			<-tied
			first <- graph.FromContext(ctx)
			return k.b.Await(ctx)
		})
		k.b = scope.Try(s, func(ctx context.Context) (struct{}, error) {
			<-tied
			for a := <-first; a.Wait() == nil; {
				runtime.Gosched()
			}
			start := time.Now()
			_, err := k.a.Await(ctx)
			k.took = time.Since(start)
			return struct{}{}, err
		})
		close(tied)
		_, err := k.b.Await(ctx)
		if !errors.As(err, &k.verdict) {
			return fmt.Errorf("two tasks that await each other got no verdict but %v", err)
		}
		if n := len(k.verdict.Members); n != 2 {
			return fmt.Errorf("a knot of two tasks was reported with %d", n)
		}
		return nil
	})
	return err
}
