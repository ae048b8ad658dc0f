package lock_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/internal/turns"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// Each of these tests was written for a change of the code that no other test
// noticed.

var outside = context.Background()

// queue has a goroutine lock m, and returns when it waits. The channel gets the
// hold, or is closed without.
func queue(ctx context.Context, m *lock.Mutex) chan lock.Held {
	c := make(chan lock.Held, 1)
	go func() {
		defer close(c)
		if h, err := m.Lock(ctx); err == nil {
			c <- h
		}
	}()
	synctest.Wait()
	return c
}

// inVain returns a mutex that h holds while others wait, of whom the first has
// waited for two milliseconds and was woken in vain.
func inVain(t *testing.T, ctxs ...context.Context) (m *lock.Mutex, h lock.Held, waiting []chan lock.Held) {
	t.Helper()
	for range 1000 {
		m, waiting = new(lock.Mutex), nil
		h, _ = m.Lock(outside)
		for _, ctx := range ctxs {
			waiting = append(waiting, queue(ctx, m))
		}
		time.Sleep(2 * time.Millisecond)
		h.Unlock()
		if h, ok := m.TryLock(outside); ok {
			synctest.Wait()
			return m, h, waiting
		}
		for _, c := range waiting { // it was faster
			(<-c).Unlock()
		}
	}
	t.Fatal("who is woken is always faster")
	return
}

func TestWhoWasWokenInVainKeepsItsPlaceThoughOthersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leaves, leave := context.WithCancel(outside)
		_, h, waiting := inVain(t, outside, leaves, outside)
		leave()
		synctest.Wait()
		h.Unlock()
		synctest.Wait()
		if len(waiting[0]) != 1 || len(waiting[2]) != 0 {
			t.Fatal("it is not the first's")
		}
		(<-waiting[0]).Unlock()
		synctest.Wait()
		if len(waiting[2]) != 1 {
			t.Error("the others are forgotten")
		}
		(<-waiting[2]).Unlock()
	})
}

func TestAMutexThatIsOwedIsHandedOverUntilTheWaitsAreShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h, waiting := inVain(t, outside)
		second := queue(outside, m)
		for _, next := range []chan lock.Held{waiting[0], second} {
			h.Unlock()
			if _, ok := m.TryLock(outside); ok {
				t.Fatal("it was overtaken")
			}
			h = <-next
		}
		h.Unlock()
	})
}

// Once nobody is owed the mutex it goes to who asks first again.
func TestAMutexIsNotHandedOverOnceTheWaitsAreShort(t *testing.T) {
	ways := map[string]func(t *testing.T) (m *lock.Mutex, h lock.Held, waiting []chan lock.Held){
		"who is next has not waited long": func(t *testing.T) (*lock.Mutex, lock.Held, []chan lock.Held) {
			m, h, waiting := inVain(t, outside)
			second := queue(outside, m)
			third := queue(outside, m)
			h.Unlock()
			(<-waiting[0]).Unlock()
			return m, <-second, []chan lock.Held{third}
		},
		"nobody was left": func(t *testing.T) (*lock.Mutex, lock.Held, []chan lock.Held) {
			m, h, waiting := inVain(t, outside)
			h.Unlock()
			return m, <-waiting[0], nil
		},
		"who was owed it left": func(t *testing.T) (*lock.Mutex, lock.Held, []chan lock.Held) {
			ctx, leave := context.WithCancel(outside)
			m, h, _ := inVain(t, ctx)
			leave()
			synctest.Wait()
			return m, h, nil
		},
	}
	for name, way := range ways {
		synctest.Test(t, func(t *testing.T) {
			for range 100 {
				m, h, waiting := way(t)
				waiting = append(waiting, queue(outside, m))
				h.Unlock()
				h, first := m.TryLock(outside)
				h.Unlock()
				for _, c := range waiting {
					go func() { (<-c).Unlock() }()
				}
				synctest.Wait()
				if first {
					return
				}
			}
			t.Errorf("%s: it is handed over each time", name)
		})
	}
}

func TestASecondUnlockPanicsThoughAWaiterHasTheMutexNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		woken := new(lock.Mutex)
		h, _ := woken.Lock(outside)
		next := queue(outside, woken)
		owed, first, waiting := inVain(t, outside)
		for _, test := range []struct {
			m    *lock.Mutex
			old  lock.Held
			next chan lock.Held
		}{{woken, h, next}, {owed, first, waiting[0]}} {
			test.old.Unlock()
			now := <-test.next
			if got := panicOf(test.old.Unlock); !strings.Contains(got, "given up before") {
				t.Errorf("panics with %q", got)
			}
			if _, ok := test.m.TryLock(outside); ok {
				t.Error("it was unlocked")
			}
			now.Unlock()
		}
	})
}

// held is each way to wait for a lock that somebody else holds, who is outside.
func held(name string) map[string]func(context.Context) (lock.Held, error) {
	m, l, r := lock.NewMutex(lock.Name(name)), lock.NewRWMutex(lock.Name(name)), lock.NewRWMutex(lock.Name(name))
	_, err1 := m.Lock(outside)
	_, err2 := l.Lock(outside)
	_, err3 := r.RLock(outside)
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err)
	}
	return map[string]func(context.Context) (lock.Held, error){
		"mutex": m.Lock, "to write after a writer": l.Lock, "to read after a writer": l.RLock, "to write after a reader": r.Lock,
	}
}

func TestAWaitThatWasGivenUpIsKeptByNobody(t *testing.T) {
	type key struct{}
	for name, take := range held("kept") {
		try := func(gone chan struct{}) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				mark := new([64]byte)
				runtime.AddCleanup(mark, func(gone chan struct{}) { close(gone) }, gone)
				ctx, cancel := context.WithTimeout(context.WithValue(ctx, key{}, mark), time.Millisecond)
				defer cancel()
				if _, err := take(ctx); fault.KindOf(err) != fault.Deadline {
					t.Errorf("%s: %v", name, err)
				}
				return nil
			}
		}
		ofTask, ofStranger := make(chan struct{}), make(chan struct{})
		inTask(try(ofTask))
		over := make(chan struct{})
		go func() { defer close(over); try(ofStranger)(outside) }()
		<-over
		for who, gone := range map[string]chan struct{}{"task": ofTask, "outside": ofStranger} {
			if !collected(gone) {
				t.Errorf("%s, %s: the wait is still known to somebody", name, who)
			}
		}
		runtime.KeepAlive(take)
	}
}

func collected(gone chan struct{}) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		runtime.GC()
		select {
		case <-gone:
			return true
		case <-time.After(time.Millisecond):
		}
	}
	return false
}

func TestALongWaitThatWasGivenUpIsAFindingToo(t *testing.T) {
	for way := range held("") {
		synctest.Test(t, func(t *testing.T) {
			name := fmt.Sprint("given up ", rooms.Add(1))
			take, n := held(name)[way], 0
			for _, f := range findings(func() {
				inTask(func(ctx context.Context) error {
					ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
					defer cancel()
					_, _ = take(ctx)
					return nil
				})
			}) {
				if f.Code == "lock.long-wait" && strings.Contains(f.Detail, name) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: %d findings", way, n)
			}
		})
	}
}

// Who is woken may find that another has had the mutex meanwhile, and has
// ended with it.
func TestAMutexThatWasLostUnderTheWokenIsWellAfterReset(t *testing.T) {
	lost := 0
	for seed := range uint64(300) {
		var m lock.Mutex
		_, err := turns.Run(seed, func(_ context.Context, s *scope.Scope) error {
			use := func(ctx context.Context) error {
				err := hold(ctx, &m, func() error {
					return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
						s.Go(func(context.Context) error { return nil })
						return nil
					})
				})
				if fault.KindOf(err) == fault.Lost {
					lost++
					return nil
				}
				return err
			}
			s.Go(use)
			s.Go(use)
			s.Go(func(ctx context.Context) error { _, err := m.Lock(ctx); return err })
			return nil
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !m.Reset() {
			t.Fatalf("seed %d: Reset was not needed", seed)
		}
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(outside)
			defer cancel()
			h, _ := m.Lock(ctx)
			next := queue(ctx, &m)
			h.Unlock()
			synctest.Wait()
			if len(next) != 1 {
				t.Errorf("seed %d: nobody was woken", seed)
			}
		})
		if t.Failed() {
			return
		}
	}
	if lost == 0 {
		t.Error("nobody was told")
	}
}

func TestAContextThatWasEndedForItsDeadlineIsOneThatHadOne(t *testing.T) {
	ctx, end := context.WithCancelCause(outside)
	end(context.DeadlineExceeded)
	for name, take := range held("late") {
		if _, err := take(ctx); fault.KindOf(err) != fault.Deadline {
			t.Errorf("%s: %v of kind %v", name, err, fault.KindOf(err))
		}
	}
}

// Schedules.

func TestEveryAttemptAtALockLetsASchedulerRunOthers(t *testing.T) {
	var m lock.Mutex
	var l lock.RWMutex
	sure := func(take func(context.Context) (lock.Held, error)) func(context.Context) (lock.Held, bool) {
		return func(ctx context.Context) (h lock.Held, ok bool) {
			h, err := take(ctx)
			return h, err == nil
		}
	}
	for name, attempt := range map[string]func(context.Context) (lock.Held, bool){
		"Mutex.Lock": sure(m.Lock), "Mutex.TryLock": m.TryLock, "RWMutex.Lock": sure(l.Lock),
		"RWMutex.RLock": sure(l.RLock), "RWMutex.TryLock": l.TryLock, "RWMutex.TryRLock": l.TryRLock,
	} {
		between := 0
		for seed := range uint64(50) {
			_, err := turns.Run(seed, func(_ context.Context, s *scope.Scope) error {
				steps := 0
				s.Go(func(ctx context.Context) error {
					before := steps
					h, ok := attempt(ctx)
					if !ok {
						return errors.New("it is not free")
					}
					if steps != before {
						between++
					}
					h.Unlock()
					return nil
				})
				s.Go(func(context.Context) error { steps++; return nil })
				return nil
			})
			if err != nil {
				t.Fatalf("%s, seed %d: %v", name, seed, err)
			}
		}
		if between == 0 {
			t.Errorf("%s: nobody ever ran meanwhile", name)
		}
	}
}

// What is owed to who has waited for long must not become part of a schedule.
func TestAScheduleDoesNotDependOnHowLongHoldsLast(t *testing.T) {
	for seed := range uint64(50) {
		trace := func(lasts time.Duration) (trace turns.Trace) {
			synctest.Test(t, func(t *testing.T) {
				var m lock.Mutex
				use := func(ctx context.Context) error {
					for range 3 {
						err := hold(ctx, &m, func() error {
							time.Sleep(lasts)
							graph.Current(ctx).Point()
							return nil
						})
						if err != nil {
							return err
						}
					}
					return nil
				}
				var err error
				trace, err = turns.Run(seed, func(_ context.Context, s *scope.Scope) error {
					s.Go(use)
					s.Go(use)
					s.Go(use)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			return trace
		}
		if fast, slow := trace(0), trace(time.Second); !slices.Equal(fast, slow) {
			t.Fatalf("seed %d:\n%v\n%v", seed, fast, slow)
		}
	}
}

// What waits cost.

func TestShortWaitsCountForThoseThatAreNotEntered(t *testing.T) {
	name := fmt.Sprint("short ", rooms.Add(1))
	synctest.Test(t, func(t *testing.T) {
		m := lock.NewMutex(lock.Name(name))
		h, _ := m.Lock(outside)
		for range 640 {
			next := queue(outside, m)
			time.Sleep(50 * time.Microsecond)
			h.Unlock()
			h = <-next
		}
		h.Unlock()
	})
	waits, total, _ := lock.WaitsFor(name)
	if waits < 640-64 || waits > 640+64 || total != time.Duration(waits)*50*time.Microsecond {
		t.Errorf("%d waits, %v in all", waits, total)
	}
}

func TestTheLongestWaitIsRememberedAndSitesAreForgottenWhereLeastWasWaited(t *testing.T) {
	wait := func(name string, lasts ...time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			m := lock.NewMutex(lock.Name(name))
			for _, long := range lasts {
				h, _ := m.Lock(outside)
				next := queue(outside, m)
				time.Sleep(long)
				h.Unlock()
				(<-next).Unlock()
			}
		})
	}
	name := fmt.Sprint("long ", rooms.Add(1))
	wait(name, 3*time.Hour, 2*time.Hour)
	for range 600 {
		wait(fmt.Sprint("other ", rooms.Add(1)), time.Millisecond)
	}
	if n := lock.KnownSites(); n > 256 {
		t.Errorf("%d sites are known", n)
	}
	if waits, total, longest := lock.WaitsFor(name); waits != 2 || total != 5*time.Hour || longest != 3*time.Hour {
		t.Errorf("%d waits, %v in all, longest %v", waits, total, longest)
	}
}

func TestALongHoldIsMeasuredSinceItsFirstWaiterAndIsNobodyElses(t *testing.T) {
	for _, test := range []struct {
		name          string
		second, first time.Duration // how long they hold
		want          string
	}{
		{"two short ones", 600 * time.Millisecond, 600 * time.Millisecond, ""},
		{"a long one, with waiters early and late", 0, 3 * time.Second, "at least 3s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			name := fmt.Sprint("hold ", rooms.Add(1))
			m := lock.NewMutex(lock.Name(name))
			told := ""
			for _, f := range findings(func() {
				h, _ := m.Lock(outside)
				one := queue(outside, m)
				time.Sleep(test.first - 100*time.Millisecond)
				two := queue(outside, m)
				time.Sleep(100 * time.Millisecond)
				h.Unlock()
				h = <-one
				time.Sleep(test.second)
				h.Unlock()
				(<-two).Unlock()
			}) {
				if f.Code == "lock.long-hold" && strings.Contains(f.Detail, name) {
					told += f.Detail
				}
			}
			if (told != "") != (test.want != "") || !strings.Contains(told, test.want) {
				t.Errorf("%s: told %q", test.name, told)
			}
		})
	}
}
