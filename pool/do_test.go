package pool_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/invariant"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

func TestDoRunsOnTheCallersGoroutineAndReturnsItsErrorUntouched(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	stack := make([]byte, 16<<10)
	err := p.Do(t.Context(), func(context.Context) error {
		stack = stack[:runtime.Stack(stack, false)]
		return errEnough
	})
	if err != errEnough {
		t.Errorf("got %v, want the function's own error", err)
	}
	if !bytes.Contains(stack, []byte("TestDoRunsOnTheCallersGoroutine")) {
		t.Errorf("the caller is not on the stack:\n%s", stack)
	}
}

func TestNoMoreRunThanThereAreSlots(t *testing.T) {
	const size = 3
	p := newPool(t, pool.Config{Size: size, Queue: 4})
	var now, most atomic.Int64
	work := func(context.Context) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		runtime.Gosched()
		return nil
	}
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for range 16 {
			s.Go(func(ctx context.Context) error {
				for i := range 200 {
					if i%2 == 0 {
						p.Go(s, work)
					} else if err := p.Do(ctx, work); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return nil
	})
	if err != nil || most.Load() > size {
		t.Errorf("got %v; %d ran at once in %d slots", err, most.Load(), size)
	}
	until(t, "all are counted", func() bool { return p.Stats().Done == 16*200 })
}

func TestCallersAreServedInOrderOfArrival(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	var order []int
	var waits []func()
	for i := range 5 {
		before := p.Stats().Queued
		done := make(chan error)
		go func() {
			done <- p.Do(context.Background(), func(context.Context) error { order = append(order, i); return nil })
		}()
		until(t, "it is queued", func() bool { return p.Stats().Queued > before })
		waits = append(waits, func() { <-done })
	}
	b.release()
	for _, wait := range waits {
		wait()
	}
	if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
		t.Errorf("they were served as %v", order)
	}
}

// Two callers who come back at once must take turns: a slot that is given up
// goes to who waits, and not to who is quick.
func TestAFreeSlotIsNeverTakenByANewcomerWhileSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		var order []int
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				for range 50 {
					p.Do(context.Background(), func(context.Context) error {
						order = append(order, i)
						time.Sleep(time.Millisecond)
						return nil
					})
				}
			})
		}
		wg.Wait()
		for i := 1; i < len(order); i++ {
			if order[i] == order[i-1] {
				t.Fatalf("at %d a newcomer passed: %v", i, order[:i+1])
			}
		}
	})
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	ran := false
	err := p.Do(ctx, func(context.Context) error { ran = true; return nil })
	wantEnded(t, err, fault.Cancelled, errEnough)
	if ran {
		t.Error("it ran")
	}
	if n := p.Stats().Cancelled; n != 1 {
		t.Errorf("%d are counted as cancelled", n)
	}
}

func TestACallerWhoseContextEndsLeavesTheQueue(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancelWhenQueued(t, p, 1, func() { cancel(errEnough) })
	err := p.Do(ctx, func(context.Context) error { t.Error("it ran"); return nil })
	wantEnded(t, err, fault.Cancelled, errEnough)
	if n := p.Stats().Queued; n != 0 {
		t.Errorf("%d are queued", n)
	}
	after := queueOne(t, p)
	b.release()
	after()
}

func TestADeadlineInTheQueueIsADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		block(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantEnded(t, p.Do(ctx, nothing), fault.Deadline, context.DeadlineExceeded)
	})
}

func TestAPanicInDoGoesOnInTheCallerAndFreesTheSlot(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	func() {
		defer func() {
			if v := recover(); v != errEnough {
				t.Errorf("recovered %v", v)
			}
		}()
		p.Do(t.Context(), func(context.Context) error { panic(errEnough) })
	}()
	if err := p.Do(t.Context(), nothing); err != nil {
		t.Error(err)
	}
	if s := p.Stats(); s.Panicked != 1 || s.Done != 1 {
		t.Errorf("%d panicked and %d are done, want one each", s.Panicked, s.Done)
	}
}

func TestGoexitInDoFreesTheSlot(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	var wg sync.WaitGroup
	wg.Go(func() { p.Do(context.Background(), func(context.Context) error { runtime.Goexit(); return nil }) })
	wg.Wait()
	if err := p.Do(t.Context(), nothing); err != nil {
		t.Error(err)
	}
}

// A slot freed by a caller must start the tasks that wait, though no worker is
// there to take them.
func TestATaskThatWaitsIsStartedWhenACallerEnds(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		f := pool.Go(s, p, func(context.Context) (int, error) { return 7, nil })
		b.release()
		n, err := f.Await(ctx)
		if n != 7 {
			t.Errorf("got %d", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestACallerOutsideEveryTaskIsOneWhileItRuns(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	err := p.Do(ctx, func(ctx context.Context) error {
		if ctx.Value(key{}) != "value" {
			t.Error("the caller's values are missing")
		}
		// It lends its slot, which is why this ends at all.
		return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			p.Go(s, nothing)
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDoWithAFreeSlotAllocatesNothing(t *testing.T) {
	if invariant.Enabled {
		t.Skip("checking invariants allocates")
	}
	p := newPool(t, pool.Config{Size: 1})
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			if n := testing.AllocsPerRun(100, func() { p.Do(ctx, nothing) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			return nil
		})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestErrorsNameTheWorkAndThePool(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Name: "images"})
	p.Close(t.Context())
	err := p.Do(t.Context(), nothing)
	const want = `pool: do "pool_test.nothing": pool "images" is closed (close the pool after everybody who uses it has ended)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if fault.KindOf(err) != fault.Invalid || fault.Started(err) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Invalid and not started", err)
	}
}
