package scopetest_test

import (
	"bytes"
	"context"
	"errors"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/scope/scopetest"
)

func TestATestThatIsWellPasses(t *testing.T) {
	ran := false
	scopetest.Run(t, func(ctx context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { ran = true; return nil })
		s.Daemon(func(ctx context.Context) error { <-ctx.Done(); return nil })
		go func() {}() // it is ending, or has
		return nil
	})
	if !ran {
		t.Error("the task did not run")
	}
}

func TestTheScopeIsNamedAfterTheTest(t *testing.T) {
	scopetest.Run(t, func(ctx context.Context, s *scope.Scope) error {
		if !strings.HasPrefix(s.String(), "TestTheScopeIsNamedAfterTheTest ") {
			t.Errorf("it is %s", s)
		}
		found := false
		for task := range inspect.Take().Tasks() {
			found = found || strings.HasPrefix(task.Name, "TestTheScopeIsNamedAfterTheTest")
		}
		if !found {
			t.Error("inspect does not show the test")
		}
		return nil
	}, scopetest.With(scope.Name("another")))
}

func TestAFailureOfTheScopeFailsTheTestAndEndsIt(t *testing.T) {
	stand := trial(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { return errors.New("no such host") })
		return nil
	})
	stand.wantFails(t, "scope of "+t.Name()+"/trial failed: no such host")
	if stand.over != "FailNow" {
		t.Error("the test goes on")
	}
}

func TestFailNowAndSkipNowEndTheTestFromATaskToo(t *testing.T) {
	for _, end := range []string{"FailNow", "SkipNow"} {
		for _, where := range []string{"body", "task"} {
			stand := &standIn{TB: t, name: t.Name() + "/trial"}
			now := stand.FailNow
			if end == "SkipNow" {
				now = stand.SkipNow
			}
			done, joined, returned := make(chan struct{}), false, false
			go func() {
				defer close(done)
				scopetest.Run(stand, func(_ context.Context, s *scope.Scope) error {
					s.Go(func(ctx context.Context) error { <-ctx.Done(); joined = true; return nil })
					if where == "body" {
						now()
					}
					s.Go(func(context.Context) error { now(); return nil })
					return nil
				})
				returned = true
			}()
			<-done
			if stand.over != end || returned || !joined || len(stand.fails) > 0 {
				t.Errorf("%s in a %s: ended by %q, returned: %v, sibling joined: %v, failures: %q",
					end, where, stand.over, returned, joined, stand.fails)
			}
		}
	}
}

// A panic goes on at once: no verdict holds it up, none is added.
func TestAPanicIsNotHeldUp(t *testing.T) {
	stand := &standIn{TB: t, name: t.Name() + "/trial"}
	stop := make(chan struct{})
	defer close(stop)
	start := time.Now()
	func() {
		defer func() {
			if p := recover(); p != "body" {
				t.Errorf("panicked with %v", p)
			}
		}()
		scopetest.Run(stand, func(context.Context, *scope.Scope) error {
			go func() { <-stop }()
			panic("body")
		})
	}()
	if took := time.Since(start); len(stand.fails) > 0 || took > 500*time.Millisecond {
		t.Errorf("it took %v, failures: %q", took, stand.fails)
	}
}

func TestOptionsReachTheScope(t *testing.T) {
	stand := trial(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { panic("contained") })
		return nil
	}, scopetest.With(scope.Contain(), scope.Grace(time.Second)))
	stand.wantFails(t, "panicked: contained")
}

func TestRunOfNilPanics(t *testing.T) {
	defer func() {
		if p := recover(); p != "scopetest: Run with a nil test or body" {
			t.Errorf("panicked with %v", p)
		}
	}()
	scopetest.Run(t, nil)
}

// A deadlock between the test itself and its tasks is seen: the body is the
// test's own goroutine.
func TestADeadlockWithTheTestIsAnError(t *testing.T) {
	stand := trial(t, func(ctx context.Context, s *scope.Scope) error {
		var f *scope.Future[int]
		ready := make(chan struct{})
		f = scope.Go(s, func(ctx context.Context) (int, error) { <-ready; return f.Await(ctx) })
		close(ready)
		_, err := f.Await(ctx)
		if fault.KindOf(err) != fault.Deadlocked {
			t.Errorf("Await: %v", err)
		}
		return err
	})
	stand.wantFails(t, "deadlock waits for itself")
}

func TestInABubbleTimeIsVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		scopetest.Run(t, func(ctx context.Context, s *scope.Scope) error {
			go time.Sleep(500 * time.Millisecond) // it is ending
			s.Go(func(ctx context.Context) error { return scope.Sleep(ctx, time.Hour) })
			return nil
		})
		// A goroutine that is just ending is looked for again, some virtual ms later.
		if took := time.Since(start); took < time.Hour || took > time.Hour+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What the body adds to its labels does not hide it.
func TestTheLabelsOfTheBodyAreKept(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	stand := trial(t, func(ctx context.Context, s *scope.Scope) error {
		pprof.Do(ctx, pprof.Labels("request", `"7"`), func(context.Context) { go leak(stop) })
		return nil
	})
	stand.wantFails(t, "still runs: scopetest_test.leak")
}

// A detector that cannot see says so.
func TestABodyThatReplacesItsLabelsIsTold(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	stand := trial(t, func(context.Context, *scope.Scope) error {
		pprof.SetGoroutineLabels(context.Background())
		go leak(stop)
		return nil
	})
	stand.wantFails(t, "leaks cannot be seen")
}

// When Run has returned, the test's goroutine has no mark, nor has what it
// starts then.
func TestTheMarkEndsWithRun(t *testing.T) {
	marks := func() int {
		var profile bytes.Buffer
		pprof.Lookup("goroutine").WriteTo(&profile, 1)
		return strings.Count(profile.String(), `"hem-test":"`+t.Name()+"#")
	}
	scopetest.Run(t, func(context.Context, *scope.Scope) error {
		if marks() != 1 {
			t.Error("the test's goroutine has no mark")
		}
		return nil
	})
	if marks() != 0 {
		t.Error("the test's goroutine has kept its mark")
	}
}
