package lock_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

func TestLockChangesTheValueInPlaceAndForGood(t *testing.T) {
	g := lock.NewGuard(1)
	end := howItEnds(func() {
		v, h, err := g.Lock(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		defer h.Unlock()
		*v = 2
		panic("too late")
	})
	if end != any("too late") {
		t.Errorf("ended with %v", end)
	}
	wantValue(t, g, 2) // there is no way back
}

func TestOthersWaitUntilWhoLockedAGuardUnlocksIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(1)
		err := inGuardTasks(t, func(ctx context.Context) error {
			v, h, err := g.Lock(ctx)
			if err != nil {
				return err
			}
			defer h.Unlock()
			*v = 2
			time.Sleep(time.Second)
			*v = 3
			return nil
		}, func(ctx context.Context) error {
			time.Sleep(time.Millisecond)
			if v, err := g.Get(ctx); v != 3 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// uses are all ways to use a guard of an int.
func uses(ctx context.Context, g *lock.Guard[int]) map[string]error {
	one := func(int) bool { return true }
	return map[string]error{
		"Get":        second(g.Get(ctx)),
		"View":       g.View(ctx, func(int) error { return nil }),
		"Update":     g.Update(ctx, nil2),
		"Wait":       second(g.Wait(ctx, one)),
		"UpdateWhen": g.UpdateWhen(ctx, one, nil2),
		"Lock": func() error {
			_, h, err := g.Lock(ctx)
			h.Unlock()
			return err
		}(),
		"Update2":   lock.Update2(ctx, g, ones(1)[0], func(*int, *int) error { return nil }),
		"Update3":   lock.Update3(ctx, g, ones(1)[0], ones(1)[0], func(*int, *int, *int) error { return nil }),
		"UpdateAll": lock.UpdateAll(ctx, append(ones(3), g), func([]*int) error { return nil }),
	}
}

// abandonGuard has a task named careless lock g, make it 13 and end.
func abandonGuard(t *testing.T, g *lock.Guard[int], end func() error) {
	t.Helper()
	scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			v, _, err := g.Lock(ctx)
			if err != nil {
				t.Error(err)
				return nil
			}
			*v = 13
			return end()
		}, scope.Name("careless"))
		return nil
	}, scope.Contain())
}

func TestAGuardWhoseHolderEndedIsLostUntilReset(t *testing.T) {
	for name, end := range map[string]func() error{
		"return": func() error { return nil },
		"error":  func() error { return errRefused },
		"panic":  func() error { panic("oh") },
		"exit":   func() error { runtime.Goexit(); return nil },
	} {
		g := lock.NewGuard(1, lock.Name("stock"))
		if g.Reset(2) {
			t.Errorf("%s: Reset saw a need where there was none", name)
		}
		wantValue(t, g, 1)
		abandonGuard(t, g, end)
		for range 2 {
			for use, err := range uses(t.Context(), g) {
				text := ""
				if err != nil {
					text = err.Error()
				}
				if fault.KindOf(err) != fault.Lost || !strings.Contains(text, "careless#1") || !strings.Contains(text, "stock") {
					t.Errorf("%s: %s got %v", name, use, err)
				}
			}
		}
		if !g.Reset(7) {
			t.Errorf("%s: Reset saw no need", name)
		}
		wantValue(t, g, 7)
		if g.Reset(8) {
			t.Errorf("%s: Reset saw a need again", name)
		}
		for use, err := range uses(t.Context(), g) {
			if err != nil {
				t.Errorf("%s: after Reset, %s got %v", name, use, err)
			}
		}
		wantValue(t, g, 7)
	}
}

func TestWhoWaitsWhenTheHolderOfAGuardEndsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(1)
		never := func(v int) bool { return v == 99 }
		var told []func(context.Context) error
		for _, use := range []func(context.Context) error{
			func(ctx context.Context) error { return second(g.Get(ctx)) },
			func(ctx context.Context) error { return g.Update(ctx, nil2) },
			func(ctx context.Context) error { return second(g.Wait(ctx, never)) },
			func(ctx context.Context) error { return g.UpdateWhen(ctx, never, nil2) },
			func(ctx context.Context) error {
				return lock.UpdateAll(ctx, append(ones(2), g), func([]*int) error { return nil })
			},
		} {
			for _, late := range []time.Duration{0, 2 * time.Second} { // waiting for a change, or for the lock
				told = append(told, func(ctx context.Context) error {
					time.Sleep(late)
					if err := use(ctx); fault.KindOf(err) != fault.Lost && (err != nil || late > 0) {
						t.Errorf("%v late: %v", late, err)
					}
					return nil
				})
			}
		}
		err := inGuardTasks(t, append(told, func(context.Context) error {
			time.Sleep(time.Second)
			abandonGuard(t, g, func() error { time.Sleep(2 * time.Second); return nil })
			return nil
		})...)
		if err != nil {
			t.Error(err)
		}
		if !g.Reset(1) {
			t.Error("Reset saw no need")
		}
	})
}

func TestOnlyTheFirstResetRepairs(t *testing.T) {
	g := lock.NewGuard(0)
	abandonGuard(t, g, func() error { return nil })
	repaired := make(chan int, 8)
	var resets []func(context.Context) error
	for i := range cap(repaired) {
		resets = append(resets, func(context.Context) error {
			if g.Reset(i + 1) {
				repaired <- i + 1
			}
			return nil
		})
	}
	if err := inGuardTasks(t, resets...); err != nil {
		t.Error(err)
	}
	if len(repaired) != 1 {
		t.Fatalf("%d repaired it", len(repaired))
	}
	wantValue(t, g, <-repaired)
}

// A hold of a caller outside every task has no owner who could end.
func TestAGuardLockedOutsideEveryTaskIsNeverLost(t *testing.T) {
	g := lock.NewGuard(1)
	var h lock.Held
	if end := howItEnds(func() { _, h, _ = g.Lock(t.Context()) }); end != wentOn {
		t.Fatal(end)
	}
	if g.Reset(2) {
		t.Error("Reset took the guard away from its holder")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errRefused)
	if _, err := g.Get(ctx); !errors.Is(err, errRefused) || fault.KindOf(err) != fault.Cancelled {
		t.Errorf("got %v", err)
	}
	h.Unlock()
	wantValue(t, g, 1)
}

func TestResetClonesWhatItIsGiven(t *testing.T) {
	g := lock.NewGuard(cloneByValue{})
	inGuardTasks(t, func(ctx context.Context) error { _, _, err := g.Lock(ctx); return err })
	mine := cloneByValue{map[string]int{"a": 1}}
	if !g.Reset(mine) {
		t.Fatal("Reset saw no need")
	}
	mine.m["a"] = 2
	if v, err := g.Get(t.Context()); v.m["a"] != 1 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}
