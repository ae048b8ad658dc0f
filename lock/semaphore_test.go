package lock_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
)

// semIdle checks that s has all its units back and that nobody waits.
func semIdle(t *testing.T, s *lock.Semaphore) {
	t.Helper()
	owned, tasks := s.Owned()
	if s.Free() != s.Size() || s.Waiting() != 0 || owned != 0 || tasks != 0 {
		t.Errorf("%d units of %d are free, %d wait, %d tasks own %d", s.Free(), s.Size(), s.Waiting(), tasks, owned)
	}
}

// semTake acquires units that must be there.
func semTake(t *testing.T, s *lock.Semaphore, n int64) {
	t.Helper()
	if !s.TryAcquire(n) {
		t.Fatalf("%d units of %d are not to be had", n, s.Size())
	}
}

// semLog is a list that goroutines append to.
type semLog struct {
	mu  sync.Mutex
	all []string
}

func (l *semLog) add(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, what)
}

// want checks the list, and empties it.
func (l *semLog) want(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.all, want) {
		t.Errorf("got %q, want %q", l.all, want)
	}
	l.all = nil
}

// request asks for n units in a goroutine of its own, and says when it has them.
// In a bubble it is in the queue, or done, on return.
func (l *semLog) request(ctx context.Context, s *lock.Semaphore, name string, n int64, opts ...lock.Option) {
	go func() {
		if err := s.Acquire(ctx, n, opts...); err != nil {
			l.add(name + ": " + fault.KindOf(err).String())
			return
		}
		l.add(name)
	}()
	synctest.Wait()
}

// semEnd returns what f panicked with, "goexit", or nil.
func semEnd(f func()) (end any) {
	done := make(chan any)
	go func() {
		end := any("goexit")
		defer func() {
			if p := recover(); p != nil {
				end = p
			}
			done <- end
		}()
		f()
		end = nil
	}()
	return <-done
}

func TestASemaphoreSaysWhatIsWrongWithACall(t *testing.T) {
	var noContext context.Context
	ctx := context.Background()
	nothing := func(context.Context) error { return nil }
	three := func() *lock.Semaphore { return lock.NewSemaphore(3, lock.Name("db")) }
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"zero units", func() error { return three().Acquire(ctx, 0) },
			`lock: acquire "db": 0 units were asked for (ask for at least 1)`},
		{"negative", func() error { return three().Acquire(ctx, -1) },
			`lock: acquire "db": -1 units were asked for (ask for at least 1)`},
		{"most negative", func() error { return three().Acquire(ctx, math.MinInt64) },
			`lock: acquire "db": -9223372036854775808 units were asked for (ask for at least 1)`},
		{"more than the size", func() error { return three().Acquire(ctx, 4) },
			`lock: acquire "db": 4 units were asked for, of 3 (ask for at most 3, or Resize)`},
		{"far more than the size", func() error { return three().Acquire(ctx, math.MaxInt64) },
			`lock: acquire "db": 9223372036854775807 units were asked for, of 3 (ask for at most 3, or Resize)`},
		{"no context", func() error { return three().Acquire(noContext, 1) },
			"lock: acquire: the context is nil (pass the context that your function was given, or context.Background())"},
		{"With zero units", func() error { return three().With(ctx, 0, nothing) },
			`lock: acquire "db": 0 units were asked for (ask for at least 1)`},
		{"With more than the size", func() error { return three().With(ctx, 4, nothing) },
			`lock: acquire "db": 4 units were asked for, of 3 (ask for at most 3, or Resize)`},
		{"With no context", func() error { return three().With(noContext, 1, nothing) },
			"lock: acquire: the context is nil (pass the context that your function was given, or context.Background())"},
		{"With no function", func() error { return three().With(ctx, 1, nil) },
			`lock: with "db": the function is nil`},
		{"Resize to zero", func() error { return three().Resize(0) },
			`lock: resize "db": 0 units (it takes 1 to 4611686018427387903)`},
		{"Resize to less", func() error { return three().Resize(-1) },
			`lock: resize "db": -1 units (it takes 1 to 4611686018427387903)`},
		{"Resize to too many", func() error { return three().Resize(math.MaxInt64) },
			`lock: resize "db": 9223372036854775807 units (it takes 1 to 4611686018427387903)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.call()
			if err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Invalid {
				t.Errorf("got  %v (%v)\nwant %s", err, fault.KindOf(err), c.want)
			}
		})
	}
}

func TestASemaphorePanicsAtProgrammersMistakes(t *testing.T) {
	ctx := context.Background()
	three := func() *lock.Semaphore { return lock.NewSemaphore(3, lock.Name("db")) }
	nothing := func(context.Context) error { return nil }
	for _, c := range []struct {
		name string
		call func()
		want string
	}{
		{"none at all", func() { lock.NewSemaphore(0) }, "lock: NewSemaphore of 0 units: it takes 1 to 4611686018427387903"},
		{"less than none", func() { lock.NewSemaphore(-3) }, "lock: NewSemaphore of -3 units: it takes 1 to 4611686018427387903"},
		{"too many", func() { lock.NewSemaphore(math.MaxInt64) }, "lock: NewSemaphore of 9223372036854775807 units: it takes 1 to 4611686018427387903"},
		{"in a class", func() { lock.NewSemaphore(1, lock.In(lock.NewClass("c"))) }, "lock: NewSemaphore with a class: semaphores have no part in the order of locks, give it a Name"},
		{"with a rank", func() { lock.NewSemaphore(1, lock.Rank(1)) }, "lock: NewSemaphore with a Rank: ranks are of classes, see NewClass"},
		{"with a priority", func() { lock.NewSemaphore(1, lock.Priority(0)) }, "lock: NewSemaphore with a Priority: priorities are of requests, see Semaphore.Acquire"},
		{"Acquire with a name", func() { three().Acquire(ctx, 1, lock.Name("n")) }, "lock: Acquire of a Semaphore takes Priority and no other option"},
		{"Acquire with a rank", func() { three().Acquire(ctx, 1, lock.Priority(1), lock.Rank(1)) }, "lock: Acquire of a Semaphore takes Priority and no other option"},
		{"With in a class", func() { three().With(ctx, 1, nothing, lock.In(lock.NewClass("c"))) }, "lock: With of a Semaphore takes Priority and no other option"},
		{"too urgent", func() { lock.Priority(4) }, "lock: Priority 4 is not between -3 and 3"},
		{"not urgent enough", func() { lock.Priority(-4) }, "lock: Priority -4 is not between -3 and 3"},
		{"TryAcquire of zero", func() { three().TryAcquire(0) }, "lock: TryAcquire of 0 units of semaphore db: ask for at least 1"},
		{"TryAcquire of less", func() { three().TryAcquire(-1) }, "lock: TryAcquire of -1 units of semaphore db: ask for at least 1"},
		{"Release of zero", func() { three().Release(0) }, "lock: Release of 0 units of semaphore db: give back at least 1"},
		{"Release of less", func() { three().Release(-1) }, "lock: Release of -1 units of semaphore db: give back at least 1"},
		{"Release of what nobody holds", func() { three().Release(1) },
			"lock: Release of 1 units of semaphore db, of which 0 are held: give back what Acquire took, once"},
		{"Release of more than is held", func() { s := three(); s.Acquire(ctx, 2); s.Release(3) },
			"lock: Release of 3 units of semaphore db, of which 2 are held: give back what Acquire took, once"},
		{"Release of very much", func() { s := three(); s.Acquire(ctx, 2); s.Release(math.MaxInt64) },
			"lock: Release of 9223372036854775807 units of semaphore db, of which 2 are held: give back what Acquire took, once"},
		{"Release of what With holds", func() {
			s := three()
			s.With(ctx, 2, func(context.Context) error { s.Release(1); return nil })
		}, "lock: Release of 1 units of semaphore db, of which 0 are held: give back what Acquire took, once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := semEnd(c.call); got != c.want {
				t.Errorf("got  %v\nwant %s", got, c.want)
			}
		})
	}
}

func TestAReleaseThatPanicsChangesNothing(t *testing.T) {
	s := lock.NewSemaphore(3)
	semTake(t, s, 2)
	if semEnd(func() { s.Release(3) }) == nil {
		t.Error("3 units of 2 came back")
	}
	s.Release(2)
	semIdle(t, s)
}

func TestTryAcquireTakesNoneOfMoreThanTheSize(t *testing.T) {
	s := lock.NewSemaphore(3)
	for _, n := range []int64{4, math.MaxInt64} {
		if s.TryAcquire(n) {
			t.Errorf("got %d units of 3", n)
		}
	}
	semIdle(t, s)
}

func TestASemaphoreIsCalledByItsNameOrItsLineOrItsAddress(t *testing.T) {
	if got := lock.NewSemaphore(1, lock.Name("db")).String(); got != "semaphore db" {
		t.Errorf("with a name: got %q", got)
	}
	if got := lock.NewSemaphore(1).String(); !strings.HasPrefix(got, "semaphore semaphore_test.go:") {
		t.Errorf("without: got %q", got)
	}
	if got := new(lock.Semaphore).String(); !strings.HasPrefix(got, "semaphore 0x") {
		t.Errorf("not made by NewSemaphore: got %q", got)
	}
}

func TestTheZeroSemaphoreHasUnitsOnceItIsResized(t *testing.T) {
	var s lock.Semaphore
	err := s.Acquire(context.Background(), 1)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "there are no units (make it with NewSemaphore, or Resize it first)") {
		t.Errorf("got %v", err)
	}
	if s.TryAcquire(1) {
		t.Error("it has a unit")
	}
	if err := s.Resize(2); err != nil {
		t.Fatal(err)
	}
	semTake(t, &s, 2)
	s.Release(2)
	semIdle(t, &s)
}

func TestALargestSemaphoreCountsRight(t *testing.T) {
	const most = math.MaxInt64 / 2
	s := lock.NewSemaphore(most)
	semTake(t, s, most)
	if s.TryAcquire(1) {
		t.Error("it has one more")
	}
	if err := s.Resize(1); err != nil || s.Free() != 1-most {
		t.Errorf("resized to 1: %v, %d are free", err, s.Free())
	}
	s.Release(most)
	if err := s.Resize(most); err != nil {
		t.Error(err)
	}
	semIdle(t, s)
}

func TestFreeUnitsAreTakenThoughTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := lock.NewSemaphore(1)
	if err := s.Acquire(ctx, 1); err != nil {
		t.Errorf("Acquire: %v", err)
	}
	s.Release(1)
	if err := s.With(ctx, 1, func(context.Context) error { return nil }, lock.Priority(1)); err != nil {
		t.Errorf("With: %v", err)
	}
	semIdle(t, s)
}

func TestAWaitForUnitsEndsWithItsContext(t *testing.T) {
	enough := errors.New("enough")
	s := lock.NewSemaphore(1, lock.Name("db"))
	semTake(t, s, 1)
	for _, c := range []struct {
		name string
		ctx  func() (context.Context, context.CancelFunc)
		kind fault.Kind
		want string
		is   error
	}{
		{"cancelled before", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(enough)
			return ctx, func() {}
		}, fault.Cancelled, `lock: acquire "db": enough`, enough},
		{"cancelled later", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(time.Second, func() { cancel(enough) })
			return ctx, func() {}
		}, fault.Cancelled, `lock: acquire "db": enough`, context.Canceled},
		{"deadline", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Second)
		}, fault.Deadline, `lock: acquire "db": context deadline exceeded`, context.DeadlineExceeded},
		{"deadline with a cause", func() (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(context.Background(), time.Second, enough)
		}, fault.Deadline, `lock: acquire "db": enough`, enough},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := c.ctx()
				defer cancel()
				for name, err := range map[string]error{
					"Acquire": s.Acquire(ctx, 1),
					"With":    s.With(ctx, 1, func(context.Context) error { t.Error("f was called"); return nil }),
				} {
					if err == nil || err.Error() != c.want || fault.KindOf(err) != c.kind || !errors.Is(err, c.is) || fault.Started(err) {
						t.Errorf("%s: got %v (%v, started %v), want %s (%v)", name, err, fault.KindOf(err), fault.Started(err), c.want, c.kind)
					}
				}
			})
		})
	}
	s.Release(1)
	semIdle(t, s)
}

func TestAWaitForUnitsIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(1)
		semTake(t, s, 1)
		start := time.Now()
		time.AfterFunc(time.Hour, func() { s.Release(1) })
		if err := s.Acquire(t.Context(), 1); err != nil || time.Since(start) != time.Hour {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestAnUncontendedSemaphoreAllocatesNothing(t *testing.T) {
	s := lock.NewSemaphore(1)
	allocs := testing.AllocsPerRun(100, func() {
		s.Acquire(context.Background(), 1)
		s.Release(1)
		s.Acquire(context.Background(), 1, lock.Priority(2))
		s.Release(1)
		s.TryAcquire(1)
		s.Release(1)
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
