package lock_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// ends are the ways in which a task may end and leave a lock behind.
var ends = map[string]func(){
	"return": func() {},
	"panic":  func() { panic("out of paper") },
	"Goexit": runtime.Goexit,
}

// leave starts a task that locks with take and ends without unlocking.
func leave(take func(context.Context) (lock.Held, error), end func()) {
	done := make(chan struct{})
	go func() { // Goexit and panics go on in the caller
		defer close(done)
		defer func() { _ = recover() }()
		_ = scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				if _, err := take(ctx); err != nil {
					return err
				}
				end()
				return nil
			}, scope.Name("careless"))
			return nil
		}, scope.Contain())
	}()
	<-done
}

func wantLost(t *testing.T, what string, err error) {
	t.Helper()
	if fault.KindOf(err) != fault.Lost || !strings.Contains(err.Error(), "its holder ended without unlocking it: careless#1") ||
		!strings.Contains(fault.HintOf(err), "Reset") {
		t.Errorf("%s: %v", what, err)
	}
}

func TestALockWhoseHolderEndedIsLostForAllUntilReset(t *testing.T) {
	for how, end := range ends {
		m, l := lock.NewMutex(lock.Name("stock")), lock.NewRWMutex(lock.Name("stock"))
		leave(m.Lock, end)
		leave(l.Lock, end)
		for name, try := range map[string]func(context.Context) (lock.Held, error){"Mutex": m.Lock, "RWMutex": l.Lock, "RWMutex, reading": l.RLock} {
			_, err := try(context.Background())
			wantLost(t, how+", "+name+" outside", err)
			inTask(func(ctx context.Context) error {
				_, err := try(ctx)
				wantLost(t, how+", "+name, err)
				return nil
			})
		}
		if _, ok := m.TryLock(context.Background()); ok {
			t.Error("a lost mutex is free")
		}
		for name, reset := range map[string]func() bool{"Mutex": m.Reset, "RWMutex": l.Reset} {
			if !reset() || reset() {
				t.Errorf("%s, %s: Reset is needed once", how, name)
			}
		}
		if err := hold(context.Background(), m, nothing); err != nil {
			t.Errorf("%s: after Reset: %v", how, err)
		}
		if err := write(context.Background(), l, func() error { return nil }); err != nil {
			t.Errorf("%s: after Reset: %v", how, err)
		}
	}
}

// Those who wait when the holder ends are told, tasks or not.
func TestWaitersAreToldThatTheHolderHasEnded(t *testing.T) {
	for how, end := range ends {
		synctest.Test(t, func(t *testing.T) {
			m, l, r := lock.NewMutex(), lock.NewRWMutex(), lock.NewRWMutex()
			takes := map[*func(context.Context) (lock.Held, error)][]func(context.Context) (lock.Held, error){}
			for _, pair := range []struct {
				held  func(context.Context) (lock.Held, error)
				waits []func(context.Context) (lock.Held, error)
			}{
				{m.Lock, []func(context.Context) (lock.Held, error){m.Lock, m.Lock}},
				{l.Lock, []func(context.Context) (lock.Held, error){l.Lock, l.RLock, l.RLock, l.Lock}},
				{r.RLock, []func(context.Context) (lock.Held, error){r.Lock, r.Lock}},
			} {
				takes[&pair.held] = pair.waits
			}
			var told atomic.Int32
			for held, waits := range takes {
				locked := make(chan struct{})
				go leave(func(ctx context.Context) (lock.Held, error) {
					h, err := (*held)(ctx)
					close(locked)
					time.Sleep(time.Minute)
					return h, err
				}, end)
				<-locked
				for i, wait := range waits {
					wait := func(ctx context.Context) error {
						_, err := wait(ctx)
						wantLost(t, how, err)
						told.Add(1)
						return nil
					}
					if i%2 == 0 {
						go inTask(wait)
					} else {
						go wait(context.Background())
					}
					synctest.Wait()
				}
			}
			start := time.Now()
			time.Sleep(59 * time.Second)
			synctest.Wait()
			if told.Load() != 0 {
				t.Errorf("%s: %d were told after %v", how, told.Load(), time.Since(start))
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if told.Load() != 8 {
				t.Errorf("%s: %d of 8 were told", how, told.Load())
			}
		})
	}
}

// A lost reader harms nobody who reads.
func TestALostReaderKeepsOnlyWritersOut(t *testing.T) {
	l := lock.NewRWMutex()
	leave(l.RLock, func() {})
	if err := read(context.Background(), l, nothing); err != nil {
		t.Errorf("reading: %v", err)
	}
	wantLost(t, "writing", write(context.Background(), l, nothing))
	if err := read(context.Background(), l, nothing); err != nil {
		t.Errorf("reading after a writer was told: %v", err)
	}
	if !l.Reset() {
		t.Error("Reset was not needed")
	}
	if err := write(context.Background(), l, nothing); err != nil {
		t.Errorf("writing after Reset: %v", err)
	}
}

func TestALostHoldCannotBeUnlockedLater(t *testing.T) {
	var m lock.Mutex
	var left lock.Held
	leave(func(ctx context.Context) (h lock.Held, err error) { left, err = m.Lock(ctx); return left, err }, func() {})
	if got := panicOf(left.Unlock); !strings.Contains(got, "after that task has ended: the hold is lost") {
		t.Errorf("panics with %q", got)
	}
	m.Reset()
	if got := panicOf(left.Unlock); got == "" {
		t.Error("after Reset it unlocks")
	}
}

func TestResetOfALockThatIsWellDoesNothing(t *testing.T) {
	var m lock.Mutex
	var l lock.RWMutex
	if m.Reset() || l.Reset() {
		t.Error("a free lock was reset")
	}
	err := inTask(func(ctx context.Context) error {
		h, err := m.Lock(ctx)
		if err != nil {
			return err
		}
		defer h.Unlock()
		if m.Reset() {
			t.Error("a held lock was reset")
		}
		return read(ctx, &l, func() error {
			if l.Reset() {
				t.Error("a lock with readers was reset")
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// A goroutine that shares an ended task's context is not that task.
func TestAHoldOfAStrangerUnderATasksContextIsNotLost(t *testing.T) {
	var m lock.Mutex
	locked, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	err := inTask(func(ctx context.Context) error {
		go func() {
			defer close(done)
			h, err := m.Lock(ctx)
			if err != nil {
				t.Error(err)
			}
			close(locked)
			<-release
			h.Unlock()
		}()
		<-locked
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.TryLock(context.Background()); ok {
		t.Error("it is free")
	}
	close(release)
	<-done
	if err := hold(context.Background(), &m, nothing); err != nil {
		t.Error(err)
	}
}

func TestATaskThatEndsWithALockIsAFinding(t *testing.T) {
	var m lock.Mutex
	found := findings(func() { leave(m.Lock, func() {}) })
	n := 0
	for _, f := range found {
		if f.Code == "lock.abandoned" && strings.HasPrefix(f.Task, "careless") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("findings %+v", found)
	}
}

// Holders that unlock and end at once were taken for lost by those who had seen
// them hold a moment before.
func TestHoldersThatUnlockAndEndAreNotTakenForLost(t *testing.T) {
	var m lock.Mutex
	var l lock.RWMutex
	bounded(t, func() {
		err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			for range 20 {
				s.Go(func(ctx context.Context) error {
					return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
						for i := range 1000 {
							s.Go(func(ctx context.Context) error {
								switch i % 3 {
								case 0:
									return hold(ctx, &m, nothing)
								case 1:
									return write(ctx, &l, nothing)
								default:
									return read(ctx, &l, nothing)
								}
							})
						}
						return nil
					})
				})
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
