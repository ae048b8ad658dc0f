package scopetest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/scope/scopetest"
)

// ignoreUntilFound starts a task that ignores its cancellation until somebody
// has found out.
func ignoreUntilFound(s *scope.Scope, found chan struct{}) {
	var once sync.Once
	stop := inspect.OnFinding(func(f inspect.Finding) {
		if f.Code == "scope.ignored-cancel" {
			once.Do(func() { close(found) })
		}
	})
	s.Defer(func() error { stop(); return nil })
	s.Go(func(context.Context) error { <-found; return nil }, scope.Name("stubborn"))
}

func stubborn(ctx context.Context, s *scope.Scope) error {
	s.Go(func(ctx context.Context) error {
		return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
			inner.Go(func(context.Context) error { time.Sleep(time.Hour); return nil }, scope.Name("stubborn"))
			return nil
		})
	}, scope.Name("serve"))
	time.Sleep(time.Second)
	s.Cancel(nil)
	return nil
}

func TestAFindingFailsTheTestWithItsStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stand := trial(t, stubborn)
		stand.wantFails(t, "scope.ignored-cancel: stubborn#1 still runs 10s hint: path: serve#1 finding_test.go time.Sleep")
	})
}

func TestAFindingThatIsAllowedDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scopetest.Run(t, stubborn, scopetest.Allow("pool.saturated", "scope.ignored-cancel"))
		stand := trial(t, stubborn, scopetest.Allow("pool.saturated"), scopetest.Allow("scope.overlong-grace"))
		stand.wantFails(t, "scope.ignored-cancel")
	})
}

func TestAnothersFindingDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scopetest.Run(t, func(context.Context, *scope.Scope) error {
			// Roots of their own, one of which has a name much like the test's.
			for _, name := range []string{"another", t.Name() + "s", t.Name() + " < x", "x < " + t.Name() + "s"} {
				scope.Run(context.Background(), stubborn, scope.Name(name))
			}
			return nil
		})
	})
}

func TestASharedContextIsAFinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stand := trial(t, func(ctx context.Context, s *scope.Scope) error {
			f := scope.Go(s, func(ctx context.Context) (int, error) { return 7, scope.Sleep(ctx, time.Hour) })
			var plain sync.WaitGroup
			plain.Go(func() { f.Await(ctx) })
			plain.Wait()
			return nil
		})
		stand.wantFails(t, "scope.shared-context")
	})
}
