package pool_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

func TestFireAndForgetIsOwnedByItsScope(t *testing.T) {
	p := newPool(t, pool.Config{Size: 2})
	var ran atomic.Int64
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for range 1000 {
			p.Go(s, func(context.Context) error { ran.Add(1); return nil })
		}
		return nil
	})
	if err != nil || ran.Load() != 1000 {
		t.Errorf("got %v; %d of 1000 had run when the scope returned", err, ran.Load())
	}
}

func TestAFailureFailsTheScope(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		p.Go(s, func(context.Context) error { return errEnough })
		return nil
	})
	if err != errEnough {
		t.Errorf("got %v", err)
	}
}

func TestTasksAreServedInOrderOfArrival(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	var order []int
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for i := range 100 {
			p.Go(s, func(context.Context) error { order = append(order, i); return nil })
		}
		b.release()
		return nil
	})
	if err != nil || len(order) != 100 || !slices.IsSorted(order) {
		t.Errorf("got %v; they were served as %v", err, order)
	}
}

func TestAPanicIsTheScopesAndFreesTheSlot(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		p.Go(s, func(context.Context) error { panic("no") }, scope.Name("bad"))
		return nil
	}, scope.Contain())
	var caught *fault.Panic
	if !errors.As(err, &caught) || !strings.HasPrefix(caught.Task, "bad#") {
		t.Errorf("got %v, want the panic of bad", err)
	}
	until(t, "the slot is free", func() bool { return p.Stats().Running == 0 })
	if s := p.Stats(); s.Panicked != 1 || s.Done != 0 {
		t.Errorf("%d panicked and %d are done", s.Panicked, s.Done)
	}
}

// The worker dies of it, and another must take its slot and its queue.
func TestGoexitFreesTheSlotForWhatWaits(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	var ran atomic.Int64
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for range 10 {
			scope.Try(s, func(ctx context.Context) (int, error) {
				return 0, scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					p.Go(s, func(context.Context) error { ran.Add(1); runtime.Goexit(); return nil })
					return nil
				}, scope.Contain())
			})
		}
		until(t, "all are queued", func() bool { return p.Stats().Queued == 10 })
		b.release()
		return nil
	})
	if err != nil || ran.Load() != 10 {
		t.Errorf("got %v; %d of 10 ran", err, ran.Load())
	}
}

func TestAQueuedTaskIsWithdrawnWhenItsScopeEnds(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for range 20 {
			p.Go(s, func(context.Context) error { t.Error("it ran"); return nil })
		}
		return errEnough
	})
	// Nothing was released: the scope has not waited for the slot.
	if err != errEnough {
		t.Errorf("got %v, want the body's error", err)
	}
	if s := p.Stats(); s.Queued != 0 || s.Cancelled != 20 {
		t.Errorf("%d are queued and %d cancelled, want 0 and 20", s.Queued, s.Cancelled)
	}
	b.release()
}

func TestAWithdrawnTaskTellsItsFuture(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	told := make(chan error, 1)
	scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		f := pool.Go(s, p, func(context.Context) (int, error) { return 1, nil })
		f.OnDone(func(_ int, err error) { told <- err })
		s.Cancel(errEnough)
		_, err := f.Await(context.Background())
		wantEnded(t, err, fault.Cancelled, errEnough)
		return nil
	})
	wantEnded(t, <-told, fault.Cancelled, errEnough)
	b.release()
}

func TestAQueuedTaskWithATimeoutOfItsOwnIsWithdrawnThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		b := block(t, p)
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			f := scope.Try(s, func(ctx context.Context) (int, error) {
				return 0, scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					p.Go(s, nothing, scope.Timeout(time.Second))
					return nil
				})
			})
			_, err := f.Await(ctx)
			if fault.KindOf(err) != fault.Deadline || fault.Started(err) {
				t.Errorf("got %v, want Deadline and not started", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		b.release()
	})
}

func TestATaskOfACancelledScopeDoesNotRun(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Cancel(errEnough)
		f := pool.Go(s, p, func(context.Context) (int, error) { t.Error("it ran"); return 0, nil })
		_, err := f.Await(context.Background())
		wantEnded(t, err, fault.Cancelled, errEnough)
		return nil
	})
}

// Whoever looked for queued tasks when the scope was cancelled has gone.
func TestATaskOfAScopeThatWasCancelledLongAgoDoesNotWait(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		p.Go(s, nothing)
		s.Cancel(errEnough)
		until(t, "the first is withdrawn", func() bool { return p.Stats().Cancelled == 1 })
		f := pool.Go(s, p, func(context.Context) (int, error) { t.Error("it ran"); return 0, nil })
		_, err := f.Await(context.Background())
		wantEnded(t, err, fault.Cancelled, errEnough)
		return nil
	})
	b.release()
}

// Cancel runs beside Launch: whichever comes first, the task ends.
func TestCancelNeverMissesATaskThatIsJustBeingQueued(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	for range 500 {
		scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
			go s.Cancel(errEnough)
			p.Go(s, nothing)
			return nil
		})
	}
	b.release()
}

func TestTheSiteOfATaskIsTheLineThatAskedForIt(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		p.Go(s, func(context.Context) error { panic("where?") })
		return nil
	}, scope.Contain())
	var caught *fault.Panic
	if !errors.As(err, &caught) || len(caught.Path) == 0 || !strings.HasSuffix(caught.Path[0].Site.File, "go_test.go") {
		t.Errorf("got %v, want a path that begins in this file", err)
	}
}

func TestAnIdlePoolHoldsNoGoroutine(t *testing.T) {
	p := newPool(t, pool.Config{Size: 8})
	before := runtime.NumGoroutine()
	scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for range 100 {
			p.Go(s, nothing)
		}
		return nil
	})
	until(t, "the workers have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestAPoolWorksInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := pool.New(pool.Config{Size: 2})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err = scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
			for range 10 {
				p.Go(s, func(ctx context.Context) error { time.Sleep(time.Hour); return nil })
			}
			return nil
		})
		if took := time.Since(start); err != nil || took != 5*time.Hour {
			t.Errorf("got %v after %v, want 5h in two slots", err, took)
		}
	})
}
