package scopetest_test

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/scope/scopetest"
)

// leak is what is left running.
//
//go:noinline
func leak(stop <-chan struct{}) { <-stop }

func TestALeakIsNamedHoweverItWasStarted(t *testing.T) {
	var stop chan struct{}
	for name, body := range map[string]func(ctx context.Context, s *scope.Scope) error{
		"by the body": func(context.Context, *scope.Scope) error { go leak(stop); return nil },
		"by a task": func(_ context.Context, s *scope.Scope) error {
			s.Go(func(context.Context) error { go leak(stop); return nil })
			return nil
		},
		"by a task of an inner scope": func(ctx context.Context, s *scope.Scope) error {
			return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
				inner.Daemon(func(context.Context) error { go leak(stop); return nil })
				return nil
			})
		},
		"by a goroutine that has ended": func(context.Context, *scope.Scope) error {
			var middle sync.WaitGroup
			middle.Go(func() { go leak(stop) })
			middle.Wait()
			return nil
		},
		"by context.AfterFunc": func(ctx context.Context, _ *scope.Scope) error {
			ctx, cancel := context.WithCancel(ctx)
			context.AfterFunc(ctx, func() { leak(stop) })
			cancel()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stop = make(chan struct{})
				defer close(stop)
				stand := trial(t, body)
				stand.wantFails(t, "a goroutine of this test still runs: leak /leak_test.go:")
			})
		})
	}
}

func TestLeaksThatAreAlikeAreToldOnce(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	stand := trial(t, func(context.Context, *scope.Scope) error {
		for range 3 {
			go leak(stop)
		}
		return nil
	})
	stand.wantFails(t, "still runs: scopetest_test.leak (3 alike)")
}

func TestALeakAndAFailureAreBothTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		defer close(stop)
		stand := trial(t, func(context.Context, *scope.Scope) error {
			go leak(stop)
			return context.Canceled
		})
		stand.wantFails(t, "failed: context canceled", "still runs")
	})
}

// Goroutines that were there before, or that others start meanwhile, are not
// this test's.
func TestOthersGoroutinesAreNoLeak(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	go leak(stop)
	var others sync.WaitGroup
	begin := make(chan struct{})
	others.Go(func() { <-begin; go leak(stop) })
	scopetest.Run(t, func(context.Context, *scope.Scope) error {
		close(begin)
		others.Wait()
		return nil
	})
}

// A goroutine that takes a moment to end is waited for.
func TestWhatIsEndingIsNoLeak(t *testing.T) {
	scopetest.Run(t, func(context.Context, *scope.Scope) error {
		for range 50 {
			go func() {
				for range 100 {
					runtime.Gosched()
				}
			}()
		}
		return nil
	})
}

func TestALeakInABubbleIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		stand := trial(t, func(context.Context, *scope.Scope) error {
			go leak(stop)
			return nil
		})
		stand.wantFails(t, "still runs: scopetest_test.leak")
		asleep := trial(t, func(context.Context, *scope.Scope) error {
			go time.Sleep(time.Hour)
			return nil
		})
		asleep.wantFails(t, "still runs: time.Sleep")
		close(stop)
		time.Sleep(time.Hour)
	})
}

// A bubble within the test, and its machinery, are no leak.
func TestABubbleWithinIsNoLeak(t *testing.T) {
	for range 20 {
		scopetest.Run(t, func(context.Context, *scope.Scope) error {
			t.Run("bubble", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { time.Sleep(time.Hour) })
			})
			return nil
		})
	}
}

// Subtests are package testing's, which joins them, and have verdicts of their
// own: parallel ones begin when the test that starts them has returned.
func TestSubtestsAreNoLeak(t *testing.T) {
	scopetest.Run(t, func(context.Context, *scope.Scope) error {
		for range 3 {
			t.Run("parallel", func(t *testing.T) {
				t.Parallel()
				scopetest.Run(t, func(context.Context, *scope.Scope) error { return nil })
			})
		}
		return nil
	})
}

// What the standard library starts once for all is no leak. It must be the
// first to do it in its process.
func TestSignalNotifyIsNoLeak(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		if out := child(t, "^TestSignalNotifyIsNoLeak$"); !strings.Contains(out, "--- PASS: TestSignalNotifyIsNoLeak") {
			t.Errorf("in a fresh process:\n%s", out)
		}
		return
	}
	scopetest.Run(t, func(context.Context, *scope.Scope) error {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt)
		signal.Stop(signals)
		return nil
	})
}

// Two parallel tests, one of which leaks: that one fails, and only it.
func TestOnlyTheTestThatLeaksFails(t *testing.T) {
	out := child(t, "^TestOfAChild(Leaks|IsClean|Ignores)")
	for _, want := range []string{
		"--- FAIL: TestOfAChildLeaks", "--- PASS: TestOfAChildIsClean", "--- PASS: TestOfAChildIsCleanToo",
		"--- FAIL: TestOfAChildIgnores", "scopetest_test.leak", "scope.ignored-cancel: stubborn#1 still runs",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in what the tests print:\n%s", want, out)
		}
	}
	if n := strings.Count(out, "scopetest: "); n != 2 {
		t.Errorf("%d verdicts, want 2:\n%s", n, out)
	}
}

// together lets parallel tests overlap for certain.
var together = sync.OnceValue(func() *sync.WaitGroup {
	wg := new(sync.WaitGroup)
	wg.Add(4)
	return wg
})

func meet() {
	together().Done()
	together().Wait()
}

func TestOfAChildLeaks(t *testing.T) {
	onlyInAChild(t)
	t.Parallel()
	scopetest.Run(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { go leak(nil); return nil })
		meet()
		return nil
	})
}

func TestOfAChildIgnores(t *testing.T) {
	onlyInAChild(t)
	t.Parallel()
	scopetest.Run(t, func(_ context.Context, s *scope.Scope) error {
		found := make(chan struct{})
		ignoreUntilFound(s, found)
		meet()
		s.Cancel(nil)
		return nil
	}, scopetest.With(scope.Grace(time.Millisecond)))
}

func TestOfAChildIsClean(t *testing.T)    { clean(t) }
func TestOfAChildIsCleanToo(t *testing.T) { clean(t) }

func clean(t *testing.T) {
	onlyInAChild(t)
	t.Parallel()
	scopetest.Run(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { meet(); return nil })
		return nil
	})
}
