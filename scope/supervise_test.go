package scope_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

func TestASupervisedScopeReportsFailuresAndLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []error
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(failWith(errBoom), scope.Name("fetch"))
			time.Sleep(time.Second)
			scope.Go(s, func(context.Context) (int, error) { return 0, errBang }, scope.Name("store"))
			time.Sleep(time.Second)
			scope.Try(s, func(context.Context) (int, error) { return 0, errCause }) // its own affair
			time.Sleep(time.Second)
			return ctx.Err()
		}, scope.Supervise(func(err error) { reports = append(reports, err) }))
		if err != nil || len(reports) != 2 {
			t.Fatalf("Run returned %v, reports: %v", err, reports)
		}
		for i, want := range []struct {
			err  error
			task string
		}{{errBoom, "fetch#1"}, {errBang, "store#2"}} {
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
		return errBoom
	}, scope.Supervise(func(err error) { t.Errorf("reported: %v", err) }))
	if err != errBoom {
		t.Errorf("Run returned %v", err)
	}
}

// report is users' code on the failing task's goroutine: what happens in it
// must neither hang the scope nor go unheard.
func TestAReportThatPanicsOrExitsTakesTheScopeDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := endOf(func() {
			run(func(_ context.Context, s *scope.Scope) error {
				s.Go(failWith(errBoom))
				s.Go(stay)
				return nil
			}, scope.Supervise(func(error) { panic("report") }))
		})
		if p, ok := end.(*fault.Panic); !ok || p.Value != "report" {
			t.Errorf("ended with %v", end)
		}
		end = endOf(func() {
			run(func(_ context.Context, s *scope.Scope) error {
				s.Go(failWith(errBoom))
				return nil
			}, scope.Supervise(func(error) { (&testing.T{}).SkipNow() }))
		})
		if end != any(errExited) {
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
