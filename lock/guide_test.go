package lock_test

import (
	"context"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/kernels"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// The guide is docs/locks.md. What it claims and no other test holds is held
// here, and that it names its tests.

// crossed has a checkout and a repricing that take a stock and a price in
// contrary orders. It returns the error of the one that was told, and how many
// went on.
func crossed() (wentOn int, err error) {
	stock, price := lock.NewMutex(lock.Name("stock")), lock.NewMutex(lock.Name("price"))
	var meeting sync.WaitGroup
	meeting.Add(2)
	both := func(first, second *lock.Mutex) func(context.Context) error {
		return func(ctx context.Context) error {
			return hold(ctx, first, func() error {
				meeting.Done()
				meeting.Wait()
				return hold(ctx, second, func() error { wentOn++; return nil })
			})
		}
	}
	err = scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
				s.Go(both(stock, price), scope.Name("checkout"))
				s.Go(both(price, stock), scope.Name("reprice"))
				return nil
			})
		}, scope.Name("serve"))
		return nil
	})
	return wentOn, err
}

// Both pages show a report as it is printed. Lines of code are no part of that,
// nor is which of the two was told.
func TestTheReportsInReadmeAndGuideAreWhatIsPrinted(t *testing.T) {
	wentOn, err := crossed()
	if deadlock(err) == nil || wentOn != 1 {
		t.Fatalf("%d went on, error %v", wentOn, err)
	}
	for _, page := range []string{"../README.md", "../docs/locks.md"} {
		shown := between(t, page, "<!-- deadlock -->", "<!-- /deadlock -->")
		if got, want := plain(shown), plain(err.Error()); !slices.Equal(got, want) {
			t.Errorf("%s shows\n%q\nprinted is\n%q", page, got, want)
		}
	}
}

func TestReadmeAndGuideCountTheKernels(t *testing.T) {
	for _, page := range []string{"../README.md", "../docs/locks.md"} {
		if want := strconv.Itoa(len(kernels.All())) + " published"; !strings.Contains(readPage(t, page), want) {
			t.Errorf("%s does not say %q", page, want)
		}
	}
}

// plain returns the lines of a report, without indents and places, in order.
func plain(report string) (lines []string) {
	place := regexp.MustCompile(`\b\w+\.go:\d+`)
	for line := range strings.Lines(report) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, place.ReplaceAllString(line, "shop.go:7"))
		}
	}
	slices.Sort(lines)
	return lines
}

// between returns what stands between two markers of a page.
func between(t *testing.T, page, begin, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(readPage(t, page), begin)
	text, _, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s … %s", page, begin, end)
	}
	return text
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// It looks for a field whose pointer can be locked, and says that the struct is
// copied with it.
func TestGoVetSeesCopiesOfLocks(t *testing.T) {
	locker := reflect.TypeFor[sync.Locker]()
	for _, typ := range []reflect.Type{reflect.TypeFor[lock.Mutex](), reflect.TypeFor[lock.RWMutex](), reflect.TypeFor[lock.Semaphore]()} {
		seen := false
		for f := range typ.Fields() {
			seen = seen || reflect.PointerTo(f.Type).Implements(locker) && !f.Type.Implements(locker)
		}
		if !seen {
			t.Errorf("a copied %v is not seen", typ)
		}
	}
}

// What the graph cannot know to be waiting counts as running: it gives no
// verdict, and the wait ends with its context.
func TestAHolderWhoseWaitIsNotHemsIsTakenForRunning(t *testing.T) {
	holders := map[string]func(ctx context.Context, a, b *lock.Mutex, hung chan struct{}) error{
		"a task that waits at a channel": func(ctx context.Context, a, _ *lock.Mutex, hung chan struct{}) error {
			return hold(ctx, a, func() error { <-hung; return nil })
		},
		"a task that waits in a goroutine of Go's": func(ctx context.Context, a, b *lock.Mutex, hung chan struct{}) error {
			return hold(ctx, a, func() error {
				done := make(chan error)
				go func() { done <- hold(ctx, b, nothing) }()
				return <-done
			})
		},
		"a goroutine outside every task": func(_ context.Context, a, b *lock.Mutex, hung chan struct{}) error {
			go hold(context.Background(), a, func() error { return hold(context.Background(), b, nothing) })
			return nil
		},
	}
	for who, holder := range holders {
		synctest.Test(t, func(t *testing.T) {
			a, b, hung := lock.NewMutex(), lock.NewMutex(), make(chan struct{})
			err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
				s.Go(func(ctx context.Context) error {
					return hold(ctx, b, func() error {
						s.Go(func(ctx context.Context) error { return holder(ctx, a, b, hung) })
						synctest.Wait()
						time.AfterFunc(time.Hour, func() { s.Cancel(context.DeadlineExceeded); close(hung) })
						start := time.Now()
						err := hold(ctx, a, nothing)
						if deadlock(err) != nil || time.Since(start) != time.Hour {
							t.Errorf("%s: after %v: %v", who, time.Since(start), err)
						}
						return nil
					})
				})
				return nil
			})
			if err != nil {
				t.Logf("%s: %v", who, err)
			}
		})
	}
}

// Who is told gives its locks up by its defers, to those who were stuck with it.
// So it can begin anew at once, is through when they are, and is told no second
// time. It once took its first lock back before they were awake; on one
// processor that went on for ever.
func TestWhoIsToldGetsItsLocksWhenItTriesAgain(t *testing.T) {
	for _, processors := range []int{1, runtime.GOMAXPROCS(0)} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		for range 100 {
			m, n, l, k := lock.NewMutex(), lock.NewMutex(), lock.NewRWMutex(), lock.NewRWMutex()
			for name, two := range map[string][2]user{
				"mutexes": {
					func(ctx context.Context, in func() error) error { return hold(ctx, m, in) },
					func(ctx context.Context, in func() error) error { return hold(ctx, n, in) },
				},
				"read-write locks": {
					func(ctx context.Context, in func() error) error { return write(ctx, l, in) },
					func(ctx context.Context, in func() error) error { return write(ctx, k, in) },
				},
			} {
				if told := collide(t, two[0], two[1]); told != 1 {
					t.Fatalf("of %s, with %d processors, %d were told", name, processors, told)
				}
			}
		}
	}
}

// collide has two tasks take two locks in contrary orders, again when they are
// told of the deadlock, and returns how often they were.
func collide(t *testing.T, stock, price user) int {
	var told atomic.Int32
	var meeting sync.WaitGroup
	meeting.Add(2)
	both := func(ctx context.Context, first, second user, meet func()) error {
		return first(ctx, func() error {
			meet()
			return second(ctx, nothing)
		})
	}
	trade := func(first, second user) func(context.Context) error {
		return func(ctx context.Context) error {
			err := both(ctx, first, second, func() { meeting.Done(); meeting.Wait() })
			for fault.KindOf(err) == fault.Deadlocked && fault.Retryable(err) {
				told.Add(1)
				err = both(ctx, first, second, func() {})
			}
			return err
		}
	}
	bounded(t, func() {
		err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			s.Go(trade(stock, price))
			s.Go(trade(price, stock))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	return int(told.Load())
}

// In a bubble time passes while a task waits for a lock of Hem's, and stands
// still while one waits for sync.Mutex.
func TestAWaitForALockLetsVirtualTimePassAndOneForSyncDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m lock.Mutex
		h, err := m.Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go hold(t.Context(), &m, nothing)
		time.Sleep(time.Hour)
		h.Unlock()
	})

	var native sync.Mutex
	var unlocked atomic.Bool
	native.Lock()
	waits := make(chan struct{})
	go func() { // outside the bubble
		<-waits
		time.Sleep(10 * time.Millisecond)
		unlocked.Store(true)
		native.Unlock()
	}()
	synctest.Test(t, func(t *testing.T) {
		go func() {
			close(waits)
			native.Lock()
			defer native.Unlock()
		}()
		time.Sleep(time.Hour)
		if !unlocked.Load() {
			t.Error("an hour passed while somebody waited for sync.Mutex")
		}
	})
}
