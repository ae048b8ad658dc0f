package pool_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

func TestAWrongConfigurationIsRefusedByFieldAndValue(t *testing.T) {
	for _, test := range []struct {
		c    pool.Config
		want string
	}{
		{pool.Config{Size: -1}, "Config.Size is -1"},
		{pool.Config{Queue: -2}, "Config.Queue is -2"},
		{pool.Config{Overflow: 9}, "Config.Overflow is 9"},
		{pool.Config{Overflow: -1}, "Config.Overflow is -1"},
		{pool.Config{Age: -time.Second}, "Config.Age is -1s"},
		{pool.Config{Target: -1}, "Config.Target is -1ns"},
		{pool.Config{Interval: -1}, "Config.Interval is -1ns"},
		{pool.Config{Target: time.Second}, "Config.Target is 1s; it must be shorter than the Interval"},
		{pool.Config{Interval: time.Millisecond}, "Config.Target is 5ms; it must be shorter than the Interval"},
	} {
		p, err := pool.New(test.c)
		if p != nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New(%+v): got %v, want Invalid with %q", test.c, err, test.want)
		}
	}
}

func TestMistakesOfTheProgrammerPanicByName(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	var none *pool.Pool
	for _, test := range []struct {
		want string
		do   func(ctx context.Context, s *scope.Scope)
	}{
		{"pool: Do on a nil Pool", func(ctx context.Context, _ *scope.Scope) { none.Do(ctx, nothing) }},
		{"pool: Do with a nil context or function", func(ctx context.Context, _ *scope.Scope) { p.Do(ctx, nil) }},
		{"pool: Do with a nil context or function", func(context.Context, *scope.Scope) { p.Do(nil, nothing) }}, //lint:ignore SA1012 it is the mistake
		{"pool: Go on a nil Pool", func(_ context.Context, s *scope.Scope) { none.Go(s, nothing) }},
		{"pool: Go with a nil scope or function", func(_ context.Context, s *scope.Scope) { p.Go(s, nil) }},
		{"pool: Go with a nil scope or function", func(context.Context, *scope.Scope) { p.Go(nil, nothing) }},
		{"pool: Go with a nil scope, pool or function", func(_ context.Context, s *scope.Scope) { pool.Go[int](s, p, nil) }},
		{"pool: Go with a nil scope, pool or function", func(_ context.Context, s *scope.Scope) { pool.Go(s, nil, one) }},
		{"pool: Go with a nil scope, pool or function", func(context.Context, *scope.Scope) { pool.Go(nil, p, one) }},
		{"pool: Run with a nil context or call", func(ctx context.Context, _ *scope.Scope) { p.Run(ctx, nil) }},
		{"pool: Run with a nil context or call", func(context.Context, *scope.Scope) { p.Run(nil, new(task.Call)) }}, //lint:ignore SA1012 it is the mistake
		{"pool: With on a nil Pool", func(context.Context, *scope.Scope) { none.With() }},
		{"pool: Stats of a nil Pool", func(context.Context, *scope.Scope) { none.Stats() }},
		{"pool: Resize of a nil Pool", func(context.Context, *scope.Scope) { none.Resize(1) }},
		{"pool: Close of a nil Pool or with a nil context", func(ctx context.Context, _ *scope.Scope) { none.Close(ctx) }},
		{"pool: Close of a nil Pool or with a nil context", func(context.Context, *scope.Scope) { p.Close(nil) }}, //lint:ignore SA1012 it is the mistake
		{"pool: Yield with a nil context", func(context.Context, *scope.Scope) { pool.Yield(nil) }},               //lint:ignore SA1012 it is the mistake
		{"pool: Priority 4 is not between -3 and 3", func(context.Context, *scope.Scope) { pool.Priority(4) }},
		{"pool: Priority -4 is not between -3 and 3", func(context.Context, *scope.Scope) { pool.Priority(-4) }},
	} {
		scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			defer func() {
				if got := fmt.Sprint(recover()); got != test.want {
					t.Errorf("panicked with %q, want %q", got, test.want)
				}
			}()
			test.do(ctx, s)
			return nil
		})
	}
}

func one(context.Context) (int, error) { return 1, nil }

func TestSubmittingToAFinishedScopePanics(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	var left *scope.Scope
	scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error { left = s; return nil })
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "finished scope") {
			t.Errorf("panicked with %q", got)
		}
	}()
	p.Go(left, nothing)
}

func TestOverflowsHaveNames(t *testing.T) {
	got := fmt.Sprint(pool.Wait, pool.Reject, pool.Shed, pool.Overflow(7))
	if got != "wait reject shed overflow 7" {
		t.Errorf("got %q", got)
	}
}
