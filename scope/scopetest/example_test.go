package scopetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/scope/scopetest"
)

// In a test file this is func TestFetch(t *testing.T).
func ExampleRun() {
	var t *testing.T
	_ = func() {
		scopetest.Run(t, func(ctx context.Context, s *scope.Scope) error {
			f := scope.Go(s, func(ctx context.Context) (int, error) { return 7, nil })
			n, err := f.Await(ctx)
			if n != 7 {
				t.Errorf("got %d", n)
			}
			return err
		})
		// Here everything that the test started has ended, or it has failed.
	}
}

// The test of what happens to a task that does not listen.
func ExampleAllow() {
	var t *testing.T
	_ = func() {
		scopetest.Run(t, func(_ context.Context, s *scope.Scope) error {
			s.Go(func(context.Context) error {
				time.Sleep(50 * time.Millisecond) // does not listen
				return nil
			})
			s.Cancel(errors.New("enough"))
			return nil
		}, scopetest.With(scope.Grace(time.Millisecond)), scopetest.Allow("scope.ignored-cancel"))
	}
}
