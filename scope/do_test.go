package scope_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

func TestDoAdoptsTheCallingGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(context.Background(), key{}, "trace")
		err := run(func(_ context.Context, s *scope.Scope) error {
			if err := s.Do(ctx, failWith(errBoom)); err != errBoom {
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
		time.AfterFunc(time.Second, func() { cancel(errBoom) })
		err := run(func(_ context.Context, s *scope.Scope) error {
			return s.Do(ctx, func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
		})
		if err != errBoom {
			t.Errorf("Do ended with %v", err)
		}
		err = run(func(_ context.Context, s *scope.Scope) error {
			time.AfterFunc(time.Second, func() { s.Cancel(errCause) })
			return s.Do(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
		})
		if err != errCause {
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

// What a daemon is asked in its last moments it does, with a dead context.
func TestDoIsOpenUntilTheLastDaemonHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ran := false
		err := run(func(_ context.Context, s *scope.Scope) error {
			s.Daemon(func(ctx context.Context) error {
				<-ctx.Done()
				return s.Do(t.Context(), func(ctx context.Context) error {
					ran = true
					<-ctx.Done()
					return nil
				}, scope.Name("request"), scope.Timeout(time.Hour))
			})
			return nil
		})
		if err != nil || !ran {
			t.Errorf("Run returned %v, it ran: %v", err, ran)
		}
		nothingRuns(t)
	})
}
