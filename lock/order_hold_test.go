package lock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

func TestOrdersAreCheckedWhileAnybodyWantsIt(t *testing.T) {
	defer lock.PauseOrder()()
	before := graph.Watched.Load()
	first := lock.CheckOrder()
	second := lock.CheckOrder()
	if got := graph.Watched.Load(); got != before+1 {
		t.Errorf("locks are watched %d times", got-before)
	}
	first()
	first() // says no more than once
	if got := graph.Watched.Load(); got != before+1 {
		t.Error("one of two has stopped it")
	}
	second()
	if got := graph.Watched.Load(); got != before {
		t.Error("it is on, though nobody wants it")
	}
	lock.CheckOrder()()
}

const orderChild = "HEM_LOCK_ORDER_CHILD"

func TestTheEnvironmentSwitchesItOnForGood(t *testing.T) {
	if os.Getenv(orderChild) != "" {
		lock.CheckOrder()()
		fmt.Println("watched:", graph.Watched.Load())
		return
	}
	for value, want := range map[string]string{"1": "watched: 1", "0": "watched: 0", "": "watched: 0"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), orderChild+"=1", "HEM_LOCK_ORDER="+value, "GORACE=atexit_sleep_ms=0")
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("HEM_LOCK_ORDER=%q: %s%v, want %q", value, out, err, want)
		}
	}
}

func TestSwitchingOffForgetsHolds(t *testing.T) {
	defer lock.PauseOrder()()
	ctx := t.Context()
	var a, b lock.Mutex
	before := must(a.Lock(ctx)) // not seen
	stop := lock.CheckOrder()
	seen := must(b.Lock(ctx))
	if n := lock.KnownHolders(); n != 1 {
		t.Errorf("%d holders", n)
	}
	before.Unlock()
	if n := lock.KnownHolders(); n != 1 {
		t.Errorf("%d holders after the unlock of what was not seen", n)
	}
	stop()
	if n := lock.KnownHolders(); n != 0 {
		t.Errorf("%d holders are left", n)
	}
	seen.Unlock() // not seen
	defer lock.CheckOrder()()
	if n := lock.KnownHolders(); n != 0 {
		t.Errorf("%d holders are left of before", n)
	}
}

func TestOffCostsNoAllocation(t *testing.T) {
	defer lock.PauseOrder()()
	ctx := t.Context()
	m := lock.NewMutex()
	if n := testing.AllocsPerRun(100, func() { lock.Hooks(ctx, m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAHandOverMovesTheHold(t *testing.T) {
	s := newStage(t)
	a, b := s.lock("a"), s.lock("b")
	s.run("b a")
	var gift lock.Transfer
	s.task("giver", func(ctx context.Context) error {
		gift = must(a.Lock(ctx)).Handoff()
		must(b.Lock(ctx)).Unlock() // a is not the giver's any more
		return nil
	})
	if got := s.codes(); got != "" {
		t.Errorf("the giver: found %q", got)
	}
	s.task("taker", func(ctx context.Context) error {
		defer must(b.Lock(ctx)).Unlock()
		defer must(gift.Take(ctx)).Unlock() // to take is not to wait
		return nil
	})
	s.task("taker", func(ctx context.Context) error {
		gift := must(a.Lock(ctx)).Handoff()
		defer must(gift.Take(ctx)).Unlock()
		must(b.Lock(ctx)).Unlock() // a is the taker's
		return nil
	})
	if got := s.codes(); got != "order-cycle" {
		t.Errorf("the taker: found %q", got)
	}
}

func TestCallersOutsideEveryTaskHaveOrdersToo(t *testing.T) {
	s := newStage(t)
	in := func(line string) {
		done := make(chan error)
		go func() { done <- s.play(context.Background(), line) }()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	in("a b")
	in("a b")
	if got := s.codes(); got != "" {
		t.Errorf("found %q", got)
	}
	in("b a")
	found := s.findings()
	if len(found) != 1 || found[0].Task != nil || !strings.Contains(found[0].Detail, "by who is outside every task") {
		t.Errorf("found %+v", found)
	}
}

// Outside every task a lock may be unlocked by another goroutine, when its
// locker has long ended and yet another has its address.
func TestAHoldOutlivesItsGoroutineAndIsNobodyElses(t *testing.T) {
	s := newStage(t)
	a, b, ctx := s.lock("a"), s.lock("b"), context.Background()
	s.run("b a")
	same := 0
	for range 200 {
		var h lock.Held
		var first, second uintptr
		var wait sync.WaitGroup
		wait.Go(func() { first, h = graph.Goroutine(), must(a.Lock(ctx)) })
		wait.Wait()
		wait.Go(func() { second = graph.Goroutine(); must(b.Lock(ctx)).Unlock() })
		wait.Wait()
		if first == second {
			same++
		}
		h.Unlock()
	}
	if got := s.codes(); got != "" || lock.KnownHolders() != 0 {
		t.Errorf("found %q; %d still hold something", got, lock.KnownHolders())
	}
	t.Logf("%d of 200 goroutines had the address of their predecessor", same)
}

func TestWhoEndedWithALockIsToldWhereItTookIt(t *testing.T) {
	s := newStage(t)
	m := lock.NewMutex(lock.In(s.class("m")))
	s.task("careless", func(ctx context.Context) error { must(m.Lock(ctx)); return nil })
	_, err := m.Lock(t.Context())
	if fault.KindOf(err) != fault.Lost || !strings.Contains(err.Error(), "order_hold_test.go") {
		t.Errorf("got %v", err)
	}
	if m.Reset(); lock.KnownHolders() != 0 {
		t.Error("Reset has not ended the hold")
	}
}

// A wait that is given up leaves an order, and no hold.
func TestAWaitThatIsGivenUpIsNoHold(t *testing.T) {
	s := newStage(t)
	a, b := s.lock("a"), s.lock("b")
	held := must(b.Lock(t.Context()))
	s.task("impatient", func(ctx context.Context) error {
		defer must(a.Lock(ctx)).Unlock()
		brief, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if _, err := b.Lock(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		return nil
	})
	held.Unlock()
	if n := lock.KnownHolders(); n != 0 {
		t.Errorf("%d still hold something", n)
	}
	s.run("b a")
	if got := s.codes(); got != "order-cycle" {
		t.Errorf("found %q", got)
	}
}

// Many tasks at once learn in one graph; what they do is right, and silent.
func TestManyAtOnceAreSilentIfTheyAreRight(t *testing.T) {
	s := newStage(t)
	lines := [...]string{"a b c", "r:a b", "a r:c", "b try:c"}
	for _, name := range []string{"a", "b", "c"} {
		s.lock(name) // before they run
	}
	scope.Run(t.Context(), func(ctx context.Context, sc *scope.Scope) error {
		for i := range 8 {
			sc.Go(func(ctx context.Context) error {
				for range 100 {
					s.play(ctx, lines[i%len(lines)])
				}
				return nil
			})
		}
		return nil
	})
	if got := s.codes(); got != "" || lock.KnownHolders() != 0 {
		t.Errorf("found %q; %d still hold something", got, lock.KnownHolders())
	}
}

func TestWhatIsKnownIsBounded(t *testing.T) {
	s := newStage(t)
	var gates []string
	for i := range 12 {
		gates = append(gates, "g"+strings.Repeat("x", i))
		for range 10 {
			s.run(gates[i]+" a b", gates[i]+" a1 b")
		}
	}
	classes, situations, examples := s.class("a").Knowledge()
	if classes != 1 || situations != 8 || examples != 64 {
		t.Errorf("%d classes in %d situations with %d examples", classes, situations, examples)
	}
	s.run(strings.Join(gates, " ") + " b a")
	if got := s.codes(); got != "" {
		t.Errorf("found %q", got)
	}
	s.run("a b") // without a gate: there is room for it
	if got := s.codes(); got != "order-cycle" {
		t.Errorf("found %q", got)
	}
}

// Mutexes that come and go under one that stays leave nothing behind.
func TestClassesOfGoneLocksAreForgotten(t *testing.T) {
	s := newStage(t)
	a := s.lock("a")
	var gone []weak.Pointer[lock.Mutex]
	for range 500 {
		s.task("t", func(ctx context.Context) error {
			m := new(lock.Mutex)
			gone = append(gone, weak.Make(m))
			defer must(a.Lock(ctx)).Unlock()
			must(m.Lock(ctx)).Unlock()
			return nil
		})
		if len(gone)%100 == 0 {
			runtime.GC()
			runtime.GC()
		}
	}
	alive := 0
	for _, m := range gone {
		if m.Value() != nil {
			alive++
		}
	}
	classes, _, _ := s.class("a").Knowledge()
	if alive > 10 || classes > 300 {
		t.Errorf("%d of 500 mutexes are alive, %d classes known", alive, classes)
	}
}
