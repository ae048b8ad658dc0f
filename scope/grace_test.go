package scope_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/scope"
)

// ignore is a task that goes on for d whatever its context says.
//
//go:noinline
func ignore(d time.Duration) func(context.Context) error {
	return func(context.Context) error { time.Sleep(d); return nil }
}

// wantIgnored fails the test unless exactly those tasks were found to ignore
// their cancellation, each with the stack of this file's ignore.
func wantIgnored(t *testing.T, found *collector, names ...string) {
	t.Helper()
	var got []string
	for _, f := range found.list() {
		if f.Code != "scope.ignored-cancel" {
			t.Errorf("finding %s: %s", f.Code, f.Detail)
			continue
		}
		got = append(got, f.Task.Name())
		if f.Time.IsZero() || !strings.Contains(f.Detail, f.Task.String()+" still runs ") {
			t.Errorf("finding: %+v", f)
		}
	}
	slices.Sort(got)
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("found to ignore their cancellation: %v, want %v", got, names)
	}
}

func TestWhoIgnoresItsCancellationIsReportedByNameAndStackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal.take()
		found := collect(t)
		start := time.Now()
		run(func(_ context.Context, s *scope.Scope) error {
			s.Go(stay, scope.Name("obedient"))
			s.Go(ignore(time.Hour), scope.Name("stubborn"))
			time.AfterFunc(time.Second, func() { s.Cancel(errCause) })
			return nil
		}, scope.Grace(5*time.Second))
		wantIgnored(t, found, "stubborn")
		f := found.list()[0]
		if at := f.Time.Sub(start); at != 6*time.Second {
			t.Errorf("reported after %v", at)
		}
		if !strings.Contains(f.Stack.String(), "ignore") {
			t.Errorf("the stack is\n%s", f.Stack)
		}
		if !strings.HasSuffix(f.Detail, "still runs 5s after its context ended: cause") {
			t.Errorf("detail: %s", f.Detail)
		}
		if log := journal.take(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "grace_test.go") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestNothingIsReportedWhenAllIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal.take()
		found := collect(t)
		run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(stay)
			s.Daemon(stay)
			s.Go(func(ctx context.Context) error { <-ctx.Done(); time.Sleep(9 * time.Second); return nil })
			s.Go(stay, scope.Timeout(time.Second))
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Go(stay)
					return nil
				})
			})
			time.AfterFunc(time.Second, func() { s.Cancel(errCause) })
			return stay(ctx)
		})
		// An hour of work that nobody cancelled.
		run(func(_ context.Context, s *scope.Scope) error {
			s.Go(ignore(time.Hour))
			s.Daemon(stay)
			return nil
		})
		time.Sleep(time.Hour)
		wantIgnored(t, found)
		if log := journal.take(); log != "" {
			t.Errorf("log: %s", log)
		}
	})
}

// Each row is a way for a context to end, and who then is found to go on.
func TestWhoIsReported(t *testing.T) {
	for _, test := range []struct {
		name string
		body func(ctx context.Context, s *scope.Scope) error
		opts []scope.Option
		want []string
	}{
		{"the leaf, not those who join it", func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					return scope.Run(ctx, func(_ context.Context, innermost *scope.Scope) error {
						innermost.Go(ignore(time.Hour), scope.Name("leaf"))
						return nil
					})
				})
			}, scope.Name("trunk"))
			time.Sleep(time.Second)
			s.Cancel(errCause)
			return nil
		}, nil, []string{"leaf"}},
		{"an inner scope that fails by itself as well", func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Go(ignore(time.Hour), scope.Name("leaf"))
					inner.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom })
					return nil
				})
			}, scope.Name("trunk"))
			time.Sleep(time.Second)
			s.Cancel(errCause)
			return nil
		}, nil, []string{"leaf"}},
		{"the body", func(_ context.Context, s *scope.Scope) error {
			s.Cancel(errCause)
			return ignore(time.Hour)(nil)
		}, []scope.Option{scope.Name("the body")}, []string{"the body"}},
		{"the body, when the scope's time is up", func(context.Context, *scope.Scope) error {
			return ignore(time.Hour)(nil)
		}, []scope.Option{scope.Name("the body"), scope.Timeout(time.Minute)}, []string{"the body"}},
		{"a task, while the body waits for it on a channel", func(_ context.Context, s *scope.Scope) error {
			done := make(chan struct{})
			s.Go(func(context.Context) error { defer close(done); return ignore(time.Hour)(nil) }, scope.Name("task"))
			<-done
			return nil
		}, []scope.Option{scope.Name("body"), scope.Timeout(time.Minute)}, []string{"body", "task"}},
		{"the body of an inner scope", func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Cancel(errCause)
					return ignore(time.Hour)(nil)
				})
			}, scope.Name("owner"))
			return nil
		}, nil, []string{"owner"}},
		{"a daemon that was told to end", func(_ context.Context, s *scope.Scope) error {
			s.Daemon(ignore(time.Hour), scope.Name("daemon"))
			s.Daemon(stay)
			return nil
		}, nil, []string{"daemon"}},
		{"a task whose own time was up", func(_ context.Context, s *scope.Scope) error {
			s.Go(ignore(time.Hour), scope.Name("slow"), scope.Timeout(time.Minute))
			s.Go(ignore(time.Hour))
			return nil
		}, nil, []string{"slow"}},
		{"the leaf beneath a task whose own time was up", func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Go(ignore(time.Hour), scope.Name("leaf"))
					return nil
				})
			}, scope.Name("slow"), scope.Timeout(time.Second))
			return nil
		}, nil, []string{"leaf"}},
		{"what Do adopted", func(ctx context.Context, s *scope.Scope) error {
			in := make(chan struct{})
			go s.Do(context.Background(), func(context.Context) error {
				close(in)
				return ignore(time.Hour)(nil)
			}, scope.Name("handler"))
			<-in
			s.Cancel(errCause)
			return nil
		}, nil, []string{"handler"}},
		{"a hook that goes on after its grace", func(_ context.Context, s *scope.Scope) error {
			s.OnStop(ignore(time.Hour))
			s.Cancel(errCause)
			time.Sleep(time.Second)
			return nil
		}, nil, []string{"scope_test.ignore.func1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				found := collect(t)
				run(test.body, append(test.opts, scope.Grace(5*time.Second))...)
				wantIgnored(t, found, test.want...)
				if fs := found.list(); len(fs) == 1 && !strings.HasPrefix(fs[0].Task.Name(), "the body") && !strings.Contains(fs[0].Stack.String(), "ignore") {
					t.Errorf("the stack is\n%s", fs[0].Stack)
				}
				nothingRuns(t)
			})
		})
	}
	journal.take()
}

func TestTheParentsEndReachesTheReportsOfAJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		found := collect(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			s.Go(ignore(time.Hour), scope.Name("stubborn"))
			return nil
		}, scope.Grace(5*time.Second))
		wantIgnored(t, found, "stubborn")
		// Within a task too, under a context that the task narrowed itself.
		run(func(ctx context.Context, s *scope.Scope) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
				inner.Go(ignore(time.Hour), scope.Name("stubborn"))
				return nil
			}, scope.Grace(5*time.Second))
		})
		wantIgnored(t, found, "stubborn", "stubborn")
		journal.take()
	})
}

func TestGraceOfZeroReportsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		found := collect(t)
		start := time.Now()
		run(func(_ context.Context, s *scope.Scope) error {
			s.Go(ignore(time.Hour), scope.Name("stubborn"))
			time.AfterFunc(time.Second, func() { s.Cancel(errCause) })
			return nil
		}, scope.Grace(-1))
		wantIgnored(t, found, "stubborn")
		if f := found.list()[0]; f.Time.Sub(start) != time.Second || !strings.Contains(f.Detail, "still runs 0s after") {
			t.Errorf("%v: %s", f.Time.Sub(start), f.Detail)
		}
		journal.take()
	})
}
