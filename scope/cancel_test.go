package scope_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

func TestAFailureCancelsTheOthersWithItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		listen := func(ctx context.Context) error {
			<-ctx.Done()
			if context.Cause(ctx) != boom {
				t.Errorf("cancelled with %v", context.Cause(ctx))
			}
			told.Add(1)
			return nil
		}
		run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(listen)
			s.Daemon(listen)
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					inner.Go(listen)
					return nil
				})
			})
			s.Go(failWith(boom))
			return listen(ctx)
		})
		if told.Load() != 4 {
			t.Errorf("%d of 4 were told", told.Load())
		}
	})
}

// Level-triggered: whoever looks later, and however often, sees the end.
func TestCleanupCodeSeesTheDeadContextEveryTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				<-ctx.Done()
				for range 3 {
					time.Sleep(time.Second)
					if err := scope.Sleep(ctx, time.Hour); err != cause {
						t.Errorf("Sleep returned %v", err)
					}
					_, err := scope.Map(ctx, 1, []int{1}, func(context.Context, int) (int, error) { return 0, nil })
					if err != cause {
						t.Errorf("Map returned %v", err)
					}
					err = scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
						s.Go(stay)
						return stay(ctx)
					})
					if err != cause {
						t.Errorf("Run returned %v", err)
					}
				}
				return nil
			})
			s.Cancel(cause)
			return nil
		})
	})
}

func TestTheFirstCauseStays(t *testing.T) {
	run(func(ctx context.Context, s *scope.Scope) error {
		s.Cancel(cause)
		s.Cancel(bang)
		s.Stop(bang)
		if context.Cause(ctx) != cause {
			t.Errorf("the cause is %v", context.Cause(ctx))
		}
		return nil
	})
}

func TestAnInnerScopeDoesNotCancelItsOwner(t *testing.T) {
	err := run(func(ctx context.Context, s *scope.Scope) error {
		err := scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
			inner.Go(failWith(boom))
			return nil
		})
		if err != boom || ctx.Err() != nil {
			t.Errorf("inner: %v, outer: %v", err, ctx.Err())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestASupervisedScopeReportsFailuresAndLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []error
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(failWith(boom), scope.Name("fetch"))
			time.Sleep(time.Second)
			scope.Go(s, func(context.Context) (int, error) { return 0, bang }, scope.Name("store"))
			time.Sleep(time.Second)
			scope.Try(s, func(context.Context) (int, error) { return 0, cause }) // its own affair
			time.Sleep(time.Second)
			return ctx.Err()
		}, scope.Supervise(func(err error) { reports = append(reports, err) }))
		if err != nil || len(reports) != 2 {
			t.Fatalf("Run returned %v, reports: %v", err, reports)
		}
		for i, want := range []struct {
			err  error
			task string
		}{{boom, "fetch#1"}, {bang, "store#2"}} {
			e := (*fault.Error)(nil)
			if !errors.As(reports[i], &e) || e.Task != want.task || !errors.Is(e, want.err) || !e.Started || e.Kind != fault.Failed {
				t.Errorf("report %d is %#v", i, reports[i])
			}
		}
	})
}

func TestASupervisedScopeFailsByItsBody(t *testing.T) {
	err := run(func(_ context.Context, s *scope.Scope) error {
		s.Go(stay) // an echo, nothing to report
		return boom
	}, scope.Supervise(func(err error) { t.Errorf("reported: %v", err) }))
	if err != boom {
		t.Errorf("Run returned %v", err)
	}
}

// report is users' code on the failing task's goroutine: what happens in it
// must neither hang the scope nor go unheard.
func TestAReportThatPanicsOrExitsTakesTheScopeDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := endOf(func() {
			run(func(_ context.Context, s *scope.Scope) error {
				s.Go(failWith(boom))
				s.Go(stay)
				return nil
			}, scope.Supervise(func(error) { panic("report") }))
		})
		if p, ok := end.(*fault.Panic); !ok || p.Value != "report" {
			t.Errorf("ended with %v", end)
		}
		end = endOf(func() {
			run(func(_ context.Context, s *scope.Scope) error {
				s.Go(failWith(boom))
				return nil
			}, scope.Supervise(func(error) { (&testing.T{}).SkipNow() }))
		})
		if end != any(exited) {
			t.Errorf("ended with %v, want the Goexit of the report", end)
		}
		nothingRuns(t)
		journal.take()
	})
}

func TestSupervisedAndContainedAPanicIsAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var report error
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(context.Context) error { panic("no") })
			time.Sleep(time.Second)
			return ctx.Err()
		}, scope.Contain(), scope.Supervise(func(err error) { report = err }))
		if err != nil || fault.KindOf(report) != fault.Panicked {
			t.Errorf("Run returned %v, report: %v", err, report)
		}
	})
}

func TestDoAdoptsTheCallingGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(context.Background(), key{}, "trace")
		err := run(func(_ context.Context, s *scope.Scope) error {
			if err := s.Do(ctx, failWith(boom)); err != boom {
				t.Errorf("Do returned %v", err)
			}
			if s.Context().Err() != nil {
				t.Error("the error of Do reached the scope")
			}
			return s.Do(ctx, func(ctx context.Context) error {
				if ctx.Value(key{}) != "trace" {
					t.Error("Do lost the values of its context")
				}
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestDoEndsWithItsContextAndWithItsScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(boom) })
		err := run(func(_ context.Context, s *scope.Scope) error {
			return s.Do(ctx, func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
		})
		if err != boom {
			t.Errorf("Do ended with %v", err)
		}
		err = run(func(_ context.Context, s *scope.Scope) error {
			time.AfterFunc(time.Second, func() { s.Cancel(cause) })
			return s.Do(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
		})
		if err != cause {
			t.Errorf("Do ended with %v", err)
		}
	})
}

func TestDoOnAFinishedScopeIsAnErrorAndRunsNothing(t *testing.T) {
	var s *scope.Scope
	run(func(_ context.Context, inner *scope.Scope) error { s = inner; return nil }, scope.Name("serve"))
	err := s.Do(context.Background(), func(context.Context) error { t.Error("it ran"); return nil })
	if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Kind != fault.Invalid || e.Started || e.Task != "serve" || e.Hint == "" {
		t.Errorf("Do returned %#v", err)
	}
}

func TestTheScopeWaitsForWhatDoAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		run(func(ctx context.Context, s *scope.Scope) error {
			in := make(chan struct{})
			go s.Do(ctx, func(context.Context) error {
				close(in)
				time.Sleep(time.Hour)
				ended = true
				return nil
			})
			<-in
			return nil
		})
		if !ended {
			t.Error("Run returned before the adopted goroutine had left")
		}
		nothingRuns(t)
	})
}

func TestAPanicOfDoGoesOnInItsCaller(t *testing.T) {
	err := run(func(ctx context.Context, s *scope.Scope) error {
		if end := endOf(func() { s.Do(ctx, func(context.Context) error { panic(http.ErrAbortHandler) }) }); end != any(http.ErrAbortHandler) {
			t.Errorf("ended with %v", end)
		}
		return ctx.Err()
	})
	if err != nil {
		t.Error(err)
	}
	nothingRuns(t)
}
