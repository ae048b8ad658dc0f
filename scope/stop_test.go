package scope_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// diary is what happened, in order, by virtual time.
type diary struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func newDiary() *diary { return &diary{start: time.Now()} }

func (d *diary) write(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%v %s", time.Since(d.start), what))
}

func (d *diary) want(t *testing.T, lines ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if fmt.Sprint(d.lines) != fmt.Sprint(lines) {
		t.Errorf("what happened:\n  %q\nwant\n  %q", d.lines, lines)
	}
}

// hook returns one that takes d to drain.
func (d *diary) hook(name string, takes time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		d.write(name + " drains")
		defer d.write(name + " drained")
		return scope.Sleep(ctx, takes)
	}
}

// task returns one that lasts until it is cancelled.
func (d *diary) task(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		d.write(name + " told: " + context.Cause(ctx).Error())
		return nil
	}
}

func TestStopDrainsFirstAndThenEndsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		err := run(func(_ context.Context, s *scope.Scope) error {
			s.Go(d.task("task"))
			s.OnStop(d.hook("slow", 3*time.Second))
			s.OnStop(func(ctx context.Context) error { time.Sleep(time.Second); return nil })
			time.Sleep(time.Second)
			s.Stop(errCause)
			s.Stop(errBang) // does nothing
			if time.Since(d.start) != time.Second {
				t.Error("Stop has waited")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		d.want(t, "1s slow drains", "4s slow drained", "4s task told: cause")
	})
}

func TestStopWithoutHooksEndsTheContextAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(ctx context.Context, s *scope.Scope) error {
			s.Stop(nil)
			if context.Cause(ctx) != context.Canceled {
				t.Errorf("the cause is %v", context.Cause(ctx))
			}
			return nil
		})
	})
}

func TestStopReachesTheHooksOfEveryScopeInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.OnStop(d.hook("outer", time.Second))
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					inner.OnStop(d.hook("of a task", 2*time.Second))
					return d.task("inner body")(ctx)
				})
			})
			time.AfterFunc(time.Second, func() { s.Stop(errCause) })
			return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
				return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					time.Sleep(time.Millisecond)
					inner.OnStop(d.hook("of the body", 4*time.Second))
					<-ctx.Done()
					return nil
				})
			})
		})
		if err != nil {
			t.Error(err)
		}
		for _, line := range []string{"1s outer drains", "1s of a task drains", "1s of the body drains", "5s inner body told: cause"} {
			if n := fmt.Sprint(d.lines); !contains(d.lines, line) {
				t.Errorf("%q is not in %s", line, n)
			}
		}
	})
}

func contains(lines []string, line string) bool {
	for _, l := range lines {
		if l == line {
			return true
		}
	}
	return false
}

// A stop that is under way finds hooks that are registered late, also in
// scopes that a body or a task has opened meanwhile.
func TestAHookRegisteredLateRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.OnStop(d.hook("early", 10*time.Second))
			s.Stop(errCause)
			time.Sleep(time.Second)
			s.OnStop(d.hook("late", 0))
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					time.Sleep(time.Second)
					inner.OnStop(d.hook("late, of a task", 0))
					return nil
				})
			})
			return scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					time.Sleep(2 * time.Second)
					inner.OnStop(d.hook("late, of the body", 0))
					return d.task("body")(ctx)
				})
			})
		}, scope.Grace(time.Minute))
		if err != nil {
			t.Error(err)
		}
		d.want(t, "0s early drains", "1s late drains", "1s late drained",
			"2s late, of a task drains", "2s late, of a task drained",
			"3s late, of the body drains", "3s late, of the body drained",
			"10s early drained", "10s body told: cause")
	})
}

func TestTheFailureOfAHookIsTheScopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := run(func(_ context.Context, s *scope.Scope) error {
			s.OnStop(failWith(errBoom))
			s.Go(stay)
			s.Stop(errCause)
			return nil
		})
		if err != errBoom {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestAHookThatOverrunsItsGraceIsReportedAndNotWaitedForBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		found := collect(t)
		d := newDiary()
		err := run(func(_ context.Context, s *scope.Scope) error {
			s.Go(d.task("task"))
			s.OnStop(func(ctx context.Context) error {
				if at, ok := ctx.Deadline(); !ok || time.Until(at) != 5*time.Second {
					t.Errorf("its deadline is %v", at)
				}
				<-ctx.Done()
				if e := (*fault.Error)(nil); !errors.As(context.Cause(ctx), &e) || e.Kind != fault.Deadline || e.Op != "scope: drain" {
					t.Errorf("its context ended with %v", context.Cause(ctx))
				}
				time.Sleep(time.Second) // a little too long, but not ignoring it
				d.write("drained")
				return nil
			})
			s.Stop(errCause)
			return nil
		}, scope.Grace(5*time.Second))
		if err != nil {
			t.Error(err)
		}
		d.want(t, "5s task told: cause", "6s drained")
		if names := found.named(); fmt.Sprint(names) != "[scope.overlong-grace of "+found.list()[0].Task.Name()+"]" {
			t.Errorf("findings: %q", names)
		}
	})
	journal.take()
}

func TestGraceOfZeroLeavesNoTimeToDrain(t *testing.T) {
	for _, grace := range []time.Duration{0, -time.Second} {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary()
			run(func(ctx context.Context, s *scope.Scope) error {
				s.OnStop(func(ctx context.Context) error {
					if ctx.Err() == nil {
						t.Error("the hook has time")
					}
					return nil
				})
				s.Stop(errCause)
				return d.task("body")(ctx)
			}, scope.Grace(grace))
			d.want(t, "0s body told: cause")
		})
	}
}

// The body is blocked in a call that only its hook can end, as ListenAndServe
// is by Shutdown: however the context ends, the hook runs.
func TestHooksRunHoweverTheContextEnds(t *testing.T) {
	for name, end := range map[string]func(s *scope.Scope, cancel func()){
		"Stop":             func(s *scope.Scope, _ func()) { s.Stop(errCause) },
		"Cancel":           func(s *scope.Scope, _ func()) { s.Cancel(errCause) },
		"a task's failure": func(s *scope.Scope, _ func()) { s.Go(failWith(errBoom)) },
		"the parent":       func(_ *scope.Scope, cancel func()) { cancel() },
		"the timeout":      func(*scope.Scope, func()) {},
		"before OnStop":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
					shut := make(chan struct{})
					if end == nil {
						s.Cancel(errCause)
					}
					s.OnStop(func(ctx context.Context) error {
						if ctx.Err() != nil {
							t.Error("the hook has no time")
						}
						close(shut)
						return nil
					})
					if end != nil {
						end(s, cancel)
					}
					<-shut // ListenAndServe
					return nil
				}, scope.Timeout(time.Hour))
				nothingRuns(t)
			})
		})
	}
}

// Cancel leaves hooks their Grace. One that uses all of it, and then a moment,
// ignores nothing, though the rest of the scope was told a Grace ago.
func TestAHookThatUsesItsGraceIsNotReported(t *testing.T) {
	for range 50 { // two timers are due at one instant, in either order
		synctest.Test(t, func(t *testing.T) {
			found := collect(t)
			d := newDiary()
			run(func(ctx context.Context, s *scope.Scope) error {
				s.OnStop(func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					d.write("hook ends")
					return nil
				})
				go s.Cancel(errCause)
				<-ctx.Done()
				time.Sleep(time.Second)
				return nil
			}, scope.Grace(5*time.Second))
			d.want(t, "6s hook ends")
			if names := found.named(); len(names) != 0 {
				t.Errorf("findings: %q", names)
			}
		})
	}
}

func TestHooksDoNotRunIfNothingStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := run(func(_ context.Context, s *scope.Scope) error {
			s.OnStop(func(context.Context) error { t.Error("the hook ran"); return nil })
			s.Go(func(context.Context) error { time.Sleep(time.Second); return nil })
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAnInnerScopeCanBeStoppedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		err := run(func(ctx context.Context, s *scope.Scope) error {
			s.OnStop(d.hook("outer", 0))
			err := scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
				inner.OnStop(d.hook("inner", time.Second))
				inner.Stop(errCause)
				return d.task("inner body")(ctx)
			})
			if err != nil || ctx.Err() != nil {
				t.Errorf("inner: %v, outer context: %v", err, ctx.Err())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		d.want(t, "0s inner drains", "1s inner drained", "1s inner body told: cause")
	})
}
