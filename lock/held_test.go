package lock_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// every is each way to hold a lock, with a second one that must not come
// beside it.
func every() map[string]struct {
	take func(context.Context) (lock.Held, error)
	try  func(context.Context) (lock.Held, bool)
} {
	m, l, r := lock.NewMutex(lock.Name("stock")), lock.NewRWMutex(lock.Name("stock")), lock.NewRWMutex(lock.Name("stock"))
	full := lock.NewRWMutex(lock.Name("stock"))
	for range 200 { // slots are taken
		if _, err := full.RLock(context.Background()); err != nil {
			panic(err)
		}
	}
	return map[string]struct {
		take func(context.Context) (lock.Held, error)
		try  func(context.Context) (lock.Held, bool)
	}{
		"Mutex.Lock":           {m.Lock, m.TryLock},
		"RWMutex.Lock":         {l.Lock, l.TryLock},
		"RWMutex.RLock":        {r.RLock, r.TryLock},
		"RWMutex.RLock, crowd": {full.RLock, full.TryLock},
	}
}

func TestAZeroHeldUnlocksNothing(t *testing.T) {
	var h lock.Held
	h.Unlock()
	h.Handoff()
	if _, err := h.Handoff().Take(context.Background()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("taking a zero transfer: %v", err)
	}
}

func TestASecondUnlockPanicsAndUnlocksNobodyElse(t *testing.T) {
	for name, l := range every() {
		try := func(ctx context.Context) error {
			first, err := l.take(ctx)
			if err != nil {
				return err
			}
			first.Unlock()
			if got := panicOf(first.Unlock); !strings.Contains(got, "stock that has been given up before") {
				t.Errorf("%s: with nobody in it, the second unlock panics with %q", name, got)
			}
			second, err := l.take(ctx)
			if err != nil {
				return err
			}
			if got := panicOf(first.Unlock); !strings.Contains(got, "given up before") {
				t.Errorf("%s: the second unlock panics with %q", name, got)
			}
			if _, ok := l.try(ctx); ok {
				t.Errorf("%s: it was unlocked", name)
			}
			second.Unlock()
			return nil
		}
		if err := errors.Join(inTask(try), try(context.Background())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnUnlockByAnotherGoroutineIsNamedAndUnlocksNothing(t *testing.T) {
	for name, l := range every() {
		err := inTask(func(ctx context.Context) error {
			h, err := l.take(ctx)
			if err != nil {
				return err
			}
			text := make(chan string)
			for verb, f := range map[string]func(){"Unlock": h.Unlock, "Handoff": func() { h.Handoff() }} {
				go func() { text <- panicOf(f) }()
				got := <-text
				if !strings.Contains(got, verb) || !strings.Contains(got, "stock on another goroutine than that of lock_test.") ||
					!strings.Contains(got, "use Handoff and Take") {
					t.Errorf("%s: %s panics with %q", name, verb, got)
				}
			}
			if _, ok := l.try(ctx); ok {
				t.Errorf("%s: it was unlocked", name)
			}
			h.Unlock()
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Callers outside every task have no identity: any goroutine may unlock.
func TestAnOutsideHoldMayBeUnlockedAnywhere(t *testing.T) {
	for name, l := range every() {
		h, err := l.take(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string)
		go func() { done <- panicOf(h.Unlock) }()
		if got := <-done; got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAHandoffMovesAHoldToAnotherTask(t *testing.T) {
	for name, l := range every() {
		err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
			h, err := l.take(ctx)
			if err != nil {
				return err
			}
			x := h.Handoff()
			if got := panicOf(h.Unlock); !strings.Contains(got, "given up before") {
				t.Errorf("%s: the giver unlocks: %q", name, got)
			}
			if _, ok := l.try(ctx); ok {
				t.Errorf("%s: on its way it is free", name)
			}
			s.Go(func(ctx context.Context) error {
				h, err := x.Take(ctx)
				if err != nil {
					return err
				}
				if _, err := x.Take(ctx); fault.KindOf(err) != fault.Invalid {
					t.Errorf("%s: taken twice: %v", name, err)
				}
				if _, ok := l.try(ctx); ok {
					t.Errorf("%s: the taker does not hold it", name)
				}
				h.Unlock()
				return nil
			})
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := l.take(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// Who waits for the taker is told of a knot as of any holder's.
func TestATakerIsKnownToHold(t *testing.T) {
	var verdict *fault.Deadlock
	a, b := lock.NewMutex(lock.Name("a")), lock.NewMutex(lock.Name("b"))
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		h, err := a.Lock(ctx)
		if err != nil {
			return err
		}
		x, took := h.Handoff(), make(chan struct{})
		hb, err := b.Lock(ctx)
		if err != nil {
			return err
		}
		defer hb.Unlock()
		s.Go(func(ctx context.Context) error {
			h, err := x.Take(ctx)
			if err != nil {
				return err
			}
			defer h.Unlock()
			close(took)
			return hold(ctx, b, nothing)
		}, scope.Name("taker"))
		<-took
		verdict = deadlock(hold(ctx, a, nothing))
		return nil
	})
	if d := deadlock(err); d != nil {
		verdict = d
	}
	if verdict == nil || len(verdict.Members) != 2 {
		t.Errorf("verdict %v, error %v", verdict, err)
	}
}

func TestANilContextIsInvalid(t *testing.T) {
	var m lock.Mutex
	var l lock.RWMutex
	h, err := m.Lock(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := m.Lock(noContext)
	_, err2 := l.Lock(noContext)
	_, err3 := l.RLock(noContext)
	_, err4 := h.Handoff().Take(noContext)
	for _, err := range []error{err1, err2, err3, err4} {
		if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("%v", err)
		}
	}
	for _, f := range []func(){func() { m.TryLock(noContext) }, func() { l.TryLock(noContext) }, func() { l.TryRLock(noContext) }} {
		if got := panicOf(f); got != "lock: TryLock with a nil context" {
			t.Errorf("panics with %q", got)
		}
	}
}

func TestOptionsWhereTheyDoNotBelongPanic(t *testing.T) {
	class := lock.NewClass("c")
	for want, f := range map[string]func(){
		"NewMutex with a Rank":            func() { lock.NewMutex(lock.Rank(1)) },
		"NewMutex with a Priority":        func() { lock.NewMutex(lock.Priority(1)) },
		"both a class and a name":         func() { lock.NewRWMutex(lock.In(class), lock.Name("n")) },
		"In with a nil class":             func() { lock.In(nil) },
		"Rank 0 is not above zero":        func() { lock.Rank(0) },
		"NewClass without a name":         func() { lock.NewClass("") },
		"NewClass takes Rank and nothing": func() { lock.NewClass("n", lock.Name("m")) },
	} {
		if got := panicOf(f); !strings.Contains(got, want) {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}
}
