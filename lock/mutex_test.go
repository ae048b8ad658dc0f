package lock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

func TestAFreeMutexIsLockedThoughTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var m lock.Mutex
	h, err := m.Lock(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.TryLock(ctx); ok {
		t.Error("it was locked twice")
	}
	h.Unlock()
	if err := inTask(func(ctx context.Context) error { return hold(ctx, &m, nothing) }); err != nil {
		t.Error(err)
	}
}

func TestAWaitForAMutexEndsWithItsContextAndSaysHow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stock := lock.NewMutex(lock.Name("stock"))
		h, _ := stock.Lock(context.Background())
		defer h.Unlock()
		reason := errors.New("the customer left")
		for _, test := range []struct {
			end  func(context.Context) (context.Context, context.CancelFunc)
			kind fault.Kind
			is   error
		}{
			{func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			}, fault.Deadline, context.DeadlineExceeded},
			{func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, time.Second, reason)
			}, fault.Deadline, reason},
			{func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Second, func() { cancel(reason) })
				return ctx, func() { cancel(nil) }
			}, fault.Cancelled, reason},
		} {
			for _, where := range []string{"task", "outside"} {
				try := func(ctx context.Context) error {
					ctx, cancel := test.end(ctx)
					defer cancel()
					start := time.Now()
					err := hold(ctx, stock, nothing)
					if took := time.Since(start); took != time.Second {
						t.Errorf("%s, %v: it took %v", where, test.kind, took)
					}
					if fault.KindOf(err) != test.kind || !errors.Is(err, test.is) || !strings.HasPrefix(err.Error(), `lock: lock "stock": `) {
						t.Errorf("%s: %v of kind %v, want %v that is %v", where, err, fault.KindOf(err), test.kind, test.is)
					}
					return nil
				}
				if where == "task" {
					inTask(try)
				} else {
					try(context.Background())
				}
			}
		}
	})
}

// Whoever has waited longest is woken first; who asks while it is free may be
// faster, but in a bubble nobody runs when everybody waits.
func TestWaitersForAMutexAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m lock.Mutex
		var order []int
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			h, err := m.Lock(ctx)
			if err != nil {
				return err
			}
			for i := range 20 {
				s.Go(func(ctx context.Context) error {
					return hold(ctx, &m, func() error {
						order = append(order, i)
						time.Sleep(time.Millisecond)
						return nil
					})
				})
				synctest.Wait()
			}
			time.Sleep(time.Second)
			h.Unlock()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range order {
			if got != i {
				t.Fatalf("order %v", order)
			}
		}
	})
}

// A greedy task that unlocks and locks at once would win every race against
// who has to wake up first. It must not for longer than a millisecond.
func TestAGreedyLockerDoesNotStarveWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m lock.Mutex
		longest := time.Duration(0)
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			for range 8 {
				s.Daemon(func(ctx context.Context) error {
					for ctx.Err() == nil {
						if err := hold(ctx, &m, func() error { time.Sleep(500 * time.Microsecond); return nil }); err != nil {
							return err
						}
					}
					return nil
				})
			}
			s.Go(func(ctx context.Context) error {
				for range 200 {
					time.Sleep(3 * time.Millisecond)
					start := time.Now()
					if err := hold(ctx, &m, nothing); err != nil {
						return err
					}
					longest = max(longest, time.Since(start))
				}
				return nil
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// Eight before it, one under way, and the millisecond.
		if bound := 9*500*time.Microsecond + time.Millisecond; longest > bound {
			t.Errorf("it waited %v, the bound is %v", longest, bound)
		}
	})
}

func TestAZeroMutexIsNamedByItsAddressAndAMadeOneByItsLine(t *testing.T) {
	var zero lock.Mutex
	made := lock.NewMutex()
	class := lock.NewClass("account")
	account := &lock.Mutex{Class: class}
	for want, m := range map[string]*lock.Mutex{"mutex 0x": &zero, "mutex mutex_test.go:": made, "mutex account": account, "mutex stock": lock.NewMutex(lock.Name("stock"))} {
		if got := m.String(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if lock.NewMutex(lock.In(class)).String() != account.String() {
		t.Error("a class names its locks alike")
	}
}

func TestInspectShowsWhoWaitsForAMutexAndForWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stock := lock.NewMutex(lock.Name("stock"))
		scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			release := make(chan struct{})
			s.Go(func(ctx context.Context) error {
				return hold(ctx, stock, func() error { <-release; return nil })
			}, scope.Name("holder"))
			synctest.Wait()
			s.Go(func(ctx context.Context) error { return hold(ctx, stock, nothing) }, scope.Name("waiter"))
			synctest.Wait()
			chains := inspect.Take().Waits()
			i := 0
			for i < len(chains) && !strings.HasPrefix(chains[i][0].Task, "waiter") {
				i++
			}
			if i == len(chains) || len(chains[i]) != 2 {
				t.Fatalf("chains %v", chains)
			}
			w := chains[i][0].Wait
			if w.Kind != "mutex" || w.Name != "stock" || !strings.HasPrefix(chains[i][1].Task, "holder") {
				t.Errorf("the waiter waits for %s %s held by %s", w.Kind, w.Name, chains[i][1].Task)
			}
			close(release)
			return nil
		})
	})
}

func TestAnUncontendedMutexAllocatesNothing(t *testing.T) {
	var m lock.Mutex
	var l lock.RWMutex
	inTask(func(ctx context.Context) error {
		wrapped, cancel := context.WithCancel(ctx)
		defer cancel()
		for name, c := range map[string]context.Context{"own": ctx, "wrapped": wrapped, "outside": context.Background()} {
			n := testing.AllocsPerRun(100, func() {
				for _, lock := range []func(context.Context) (lock.Held, error){m.Lock, l.Lock, l.RLock} {
					h, err := lock(c)
					if err != nil {
						t.Error(err)
					}
					h.Unlock()
				}
			})
			if n > 3 { // of the closures here
				t.Errorf("%s: %v allocations", name, n)
			}
		}
		return nil
	})
}
