package scope_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/scope"
)

func TestAFailureCancelsTheOthersWithItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		listen := func(ctx context.Context) error {
			<-ctx.Done()
			if context.Cause(ctx) != errBoom {
				t.Errorf("cancelled with %v", context.Cause(ctx))
			}
			told.Add(1)
			return nil
		}
		run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(listen)
			s.Daemon(listen)
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					inner.Go(listen)
					return nil
				})
			})
			s.Go(failWith(errBoom))
			return listen(ctx)
		})
		if told.Load() != 4 {
			t.Errorf("%d of 4 were told", told.Load())
		}
	})
}

// Level-triggered: whoever looks later, and however often, sees the end.
func TestCleanupCodeSeesTheDeadContextEveryTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				<-ctx.Done()
				for range 3 {
					time.Sleep(time.Second)
					if err := scope.Sleep(ctx, time.Hour); err != errCause {
						t.Errorf("Sleep returned %v", err)
					}
					_, err := scope.Map(ctx, 1, []int{1}, func(context.Context, int) (int, error) { return 0, nil })
					if err != errCause {
						t.Errorf("Map returned %v", err)
					}
					err = scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
						s.Go(stay)
						return stay(ctx)
					})
					if err != errCause {
						t.Errorf("Run returned %v", err)
					}
				}
				return nil
			})
			s.Cancel(errCause)
			return nil
		})
	})
}

func TestTheFirstCauseStays(t *testing.T) {
	run(func(ctx context.Context, s *scope.Scope) error {
		s.Cancel(errCause)
		s.Cancel(errBang)
		s.Stop(errBang)
		if context.Cause(ctx) != errCause {
			t.Errorf("the cause is %v", context.Cause(ctx))
		}
		return nil
	})
}

func TestAnInnerScopeDoesNotCancelItsOwner(t *testing.T) {
	err := run(func(ctx context.Context, s *scope.Scope) error {
		err := scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
			inner.Go(failWith(errBoom))
			return nil
		})
		if err != errBoom || ctx.Err() != nil {
			t.Errorf("inner: %v, outer: %v", err, ctx.Err())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
