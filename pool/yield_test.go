package pool_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

// loop works for d, yielding every turn.
func loop(ctx context.Context, d, turn time.Duration) error {
	for range d / turn {
		time.Sleep(turn)
		if err := pool.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

func TestALongLoopThatYieldsLetsOthersIn(t *testing.T) {
	for _, turn := range []time.Duration{10 * time.Microsecond, 300 * time.Microsecond, 2 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(t, pool.Config{Size: 1})
			var waited time.Duration
			err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
				p.Go(s, func(ctx context.Context) error { return loop(ctx, time.Second, turn) })
				time.Sleep(100 * time.Millisecond)
				start := time.Now()
				err := p.Do(ctx, nothing)
				waited = time.Since(start)
				return err
			})
			if err != nil || waited > 3*time.Millisecond+turn {
				t.Errorf("turns of %v: got %v after %v, want about a millisecond", turn, err, waited)
			}
		})
	}
}

func TestLoopsThatYieldShareTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		var ends []time.Duration
		start := time.Now()
		err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
			for range 4 {
				p.Go(s, func(ctx context.Context) error {
					err := loop(ctx, time.Second, 500*time.Microsecond)
					ends = append(ends, time.Since(start))
					return err
				})
			}
			return nil
		})
		if err != nil || len(ends) != 4 || ends[0] < 3900*time.Millisecond || ends[3] != 4*time.Second {
			t.Errorf("got %v; four loops of 1s ended after %v, want each near 4s", err, ends)
		}
	})
}

func TestYieldGivesNothingToTheLessUrgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1, Age: 100 * time.Millisecond})
		var waited time.Duration
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			p.With(pool.Priority(2)).Go(s, func(ctx context.Context) error { return loop(ctx, time.Second, time.Millisecond) })
			synctest.Wait()
			start := time.Now()
			err := p.Do(ctx, nothing)
			waited = time.Since(start)
			return err
		})
		// Two levels lower, it is as urgent after two ages.
		if err != nil || waited < 200*time.Millisecond || waited > 203*time.Millisecond {
			t.Errorf("got %v after %v, want 200ms", err, waited)
		}
	})
}

func TestYieldReturnsTheCauseWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		ctx, cancel := context.WithCancelCause(t.Context())
		err := p.Do(ctx, func(ctx context.Context) error {
			time.AfterFunc(10*time.Millisecond, func() { cancel(errEnough) })
			return loop(ctx, time.Second, 100*time.Microsecond)
		})
		if err != errEnough {
			t.Errorf("got %v", err)
		}
	})
}

func TestYieldThatHasGivenItsSlotAwayReturnsWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errEnough)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(time.Millisecond)
			p.Do(context.Background(), func(context.Context) error { time.Sleep(time.Second); return nil })
		})
		start := time.Now()
		err := p.Do(ctx, func(ctx context.Context) error {
			err := loop(ctx, time.Second, time.Millisecond)
			if s := p.Stats(); s.Running != 2 || s.Queued != 0 {
				t.Errorf("%d run and %d wait, want 2 in one slot and none", s.Running, s.Queued)
			}
			return err
		})
		if took := time.Since(start); err != errEnough || took != 20*time.Millisecond {
			t.Errorf("got %v after %v", err, took)
		}
		wg.Wait()
	})
}

func TestYieldOutsideAPoolLooksAtTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := pool.Yield(ctx); err != nil {
		t.Error(err)
	}
	cancel(errEnough)
	if err := pool.Yield(ctx); err != errEnough {
		t.Errorf("got %v", err)
	}
}

// Another goroutine under a run's context holds no slot to give away.
func TestYieldOnAGoroutineTheWorkHasStartedTouchesNoSlot(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	p.Do(t.Context(), func(ctx context.Context) error {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 1000 {
					pool.Yield(ctx)
				}
			})
		}
		wg.Wait()
		return nil
	})
}

// In overload what has begun is finished, and what gave its slot away before is
// neither refused nor passed by all who come.
func TestAnOverloadDoesNotStarveWhatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1, Overflow: pool.Shed})
		var ended time.Duration
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			p.Do(context.Background(), func(ctx context.Context) error {
				err := loop(ctx, 200*time.Millisecond, time.Millisecond)
				ended = time.Since(start)
				return err
			})
		})
		synctest.Wait()
		outcomes, _ := offer(p, 10*time.Millisecond, every(5*time.Millisecond, 400))
		wg.Wait()
		if ended == 0 || ended > time.Second {
			t.Errorf("200ms of work that had begun ended after %v", ended)
		}
		if !slices.ContainsFunc(outcomes, func(o outcome) bool { return o.err == nil }) {
			t.Error("nobody else was served")
		}
	})
}
