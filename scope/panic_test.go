package scope_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// explode is the function that panics, to be found in stacks.
func explode(value any) func(context.Context) error {
	return func(context.Context) error { panic(value) }
}

// panicOfRun runs body in a scope and returns the *fault.Panic it ended with.
func panicOfRun(t *testing.T, body func(ctx context.Context, s *scope.Scope) error, opts ...scope.Option) *fault.Panic {
	t.Helper()
	end := endOf(func() { run(body, opts...) })
	p, ok := end.(*fault.Panic)
	if !ok {
		t.Fatalf("Run ended with %v, want a *fault.Panic", end)
	}
	return p
}

func TestAPanicTakesItsScopeDownAndKeepsItsStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal.take()
		told := false
		p := panicOfRun(t, func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Go(explode("no such item"), scope.Name("checkout"))
					return nil
				})
			}, scope.Name("serve"))
			s.Go(func(ctx context.Context) error {
				<-ctx.Done()
				told = true
				// The join takes its time; the log has the stack already.
				if log := journal.take(); !strings.Contains(log, "no such item") || !strings.Contains(log, "panic_test.go") ||
					!strings.Contains(log, "serve#1") || !strings.Contains(log, "checkout#1") {
					t.Errorf("logged before the join: %s", log)
				}
				time.Sleep(time.Hour)
				return nil
			})
			return nil
		}, scope.Grace(2*time.Hour))
		if !told {
			t.Error("the sibling was not told")
		}
		inner, ok := p.Value.(*fault.Panic)
		if !ok { // the inner scope's Run panicked in the task that called it
			t.Fatalf("the outer panic's value is %v", p.Value)
		}
		if inner.Value != "no such item" || inner.Task != "checkout#1" || inner.Goexit {
			t.Errorf("the panic is %+v", inner)
		}
		if !strings.Contains(inner.Stack, "scope_test.") || !strings.Contains(inner.Stack, "explode") {
			t.Errorf("the stack does not show who panicked:\n%s", inner.Stack)
		}
		if len(inner.Path) != 3 || inner.Path[1].Task != "serve#1" {
			t.Errorf("the path is %v", inner.Path)
		}
		for _, step := range inner.Path {
			if !strings.HasSuffix(step.Site.File, "_test.go") || step.Site.Line == 0 {
				t.Errorf("step %s has no place in this test", step)
			}
		}
	})
}

func TestAPanicIsLoggedOnceForEachScopeItPasses(t *testing.T) {
	journal.take()
	panicOfRun(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(explode("once"))
		return nil
	})
	if n := strings.Count(journal.take(), "panic in a task"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestPanicsOfSiblingsAreKeptToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := panicOfRun(t, func(ctx context.Context, s *scope.Scope) error {
			s.Go(explode("first"))
			for range 2 {
				s.Go(func(ctx context.Context) error {
					<-ctx.Done()
					_ = context.Cause(ctx).Error() // while others panic
					panic("later")
				})
			}
			return nil
		})
		if p.Value != "first" || len(p.Others) != 2 || p.Others[0].Value != "later" || p.Others[1].Value != "later" {
			t.Errorf("panicked with %v and %d others", p.Value, len(p.Others))
		}
		journal.take()
	})
}

func TestPanicValuesOfEveryKind(t *testing.T) {
	p := panicOfRun(t, func(_ context.Context, s *scope.Scope) error { s.Go(explode(io.EOF)); return nil })
	if !errors.Is(p, io.EOF) {
		t.Errorf("%v is not the error it panicked with", p.Short())
	}
	p = panicOfRun(t, func(_ context.Context, s *scope.Scope) error { s.Go(explode(nil)); return nil })
	if _, ok := p.Value.(*runtime.PanicNilError); !ok || p.Goexit {
		t.Errorf("panic(nil) became %#v", p.Value)
	}
	p = panicOfRun(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { _ = numbers(0)[1]; return nil })
		return nil
	})
	if err := (runtime.Error)(nil); !errors.As(p, &err) {
		t.Errorf("a runtime error became %#v", p.Value)
	}
	journal.take()
}

func TestThePanicOfABodyPassesThroughUntouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		end := endOf(func() {
			run(func(_ context.Context, s *scope.Scope) error {
				s.Go(func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					ended = true
					return nil
				})
				panic(http.ErrAbortHandler)
			})
		})
		if end != any(http.ErrAbortHandler) || !ended {
			t.Errorf("ended with %v, task ended: %v", end, ended)
		}
	})
}

func TestThePanicOfABodyGoesBeforeThatOfATask(t *testing.T) {
	end := endOf(func() {
		run(func(ctx context.Context, s *scope.Scope) error {
			s.Go(explode("task"))
			<-ctx.Done()
			panic("body")
		})
	})
	if end != "body" || !strings.Contains(journal.take(), "panic=task") {
		t.Errorf("ended with %v", end)
	}
}

func TestContainTurnsPanicsIntoErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal.take()
		for name, body := range map[string]func(ctx context.Context, s *scope.Scope) error{
			"body": func(context.Context, *scope.Scope) error { panic(io.EOF) },
			"task": func(_ context.Context, s *scope.Scope) error { s.Go(explode(io.EOF)); return nil },
			"future": func(_ context.Context, s *scope.Scope) error {
				scope.Go(s, func(context.Context) (int, error) { panic(io.EOF) })
				return nil
			},
			"daemon": func(ctx context.Context, s *scope.Scope) error { s.Daemon(explode(io.EOF)); return stay(ctx) },
			// The error it panicked with looks like an echo, and is none.
			"echo in a cancelled scope": func(ctx context.Context, s *scope.Scope) error {
				s.Cancel(io.EOF)
				s.Go(func(ctx context.Context) error { panic(context.Cause(ctx)) })
				return nil
			},
		} {
			err := run(body, scope.Contain())
			p := (*fault.Panic)(nil)
			if !errors.As(err, &p) || !errors.Is(err, io.EOF) || !strings.Contains(p.Stack, "panic_test.go") || len(p.Path) == 0 {
				t.Errorf("%s: Run returned %v", name, err)
			}
		}
		if log := journal.take(); log != "" {
			t.Errorf("contained panics were logged: %s", log)
		}
		nothingRuns(t)
	})
}

func TestContainTurnsATasksGoexitIntoAnError(t *testing.T) {
	err := run(func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { runtime.Goexit(); return nil }, scope.Name("leaver"))
		return nil
	}, scope.Contain())
	if p := (*fault.Panic)(nil); !errors.As(err, &p) || !p.Goexit || p.Task != "leaver#1" {
		t.Errorf("Run returned %v", err)
	}
}

func TestWhatContainCannotContain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, body := range map[any]func(s *scope.Scope) error{
			any(errExited): func(*scope.Scope) error { runtime.Goexit(); return nil },
			"defer":        func(s *scope.Scope) error { s.Defer(func() error { panic("defer") }); return nil },
		} {
			told := false
			end := endOf(func() {
				run(func(_ context.Context, s *scope.Scope) error {
					s.Daemon(func(ctx context.Context) error { <-ctx.Done(); told = true; return nil })
					return body(s)
				}, scope.Contain())
			})
			if end != want || !told {
				t.Errorf("ended with %v, want %v; the daemon was told: %v", end, want, told)
			}
		}
		nothingRuns(t)
	})
}

func TestAContainedPanicOfTryStaysInItsFuture(t *testing.T) {
	err := run(func(ctx context.Context, s *scope.Scope) error {
		f := scope.Try(s, func(context.Context) (int, error) { panic("no") })
		if _, err := f.Await(ctx); fault.KindOf(err) != fault.Panicked {
			t.Errorf("the future has %v", err)
		}
		return ctx.Err()
	}, scope.Contain())
	if err != nil {
		t.Error(err)
	}
}

// Neither Try nor Supervise makes a panic that nobody contains less of one.
func TestAPanicCancelsTheSiblingsWhateverBecomesOfFailures(t *testing.T) {
	for _, opts := range [][]scope.Option{nil, {scope.Supervise(func(error) {})}} {
		p := panicOfRun(t, func(_ context.Context, s *scope.Scope) error {
			s.Go(stay)
			s.Daemon(stay)
			scope.Try(s, func(context.Context) (int, error) { panic("not contained") })
			return nil
		}, opts...)
		if p.Value != "not contained" {
			t.Errorf("panicked with %v", p.Value)
		}
	}
	p := panicOfRun(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(stay)
		s.Go(explode("supervised"))
		return nil
	}, scope.Supervise(func(error) {}))
	if p.Value != "supervised" {
		t.Errorf("panicked with %v", p.Value)
	}
	journal.take()
}

// runtime.Goexit is how t.FailNow ends a test: from a task it must reach the
// goroutine that called Run, after the siblings have ended.
func TestGoexitIsRepeatedWhereRunWasCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		for name, body := range map[string]func(ctx context.Context, s *scope.Scope) error{
			"task": func(_ context.Context, s *scope.Scope) error {
				s.Go(func(context.Context) error { runtime.Goexit(); return nil })
				return nil
			},
			"nested": func(_ context.Context, s *scope.Scope) error {
				s.Go(func(ctx context.Context) error {
					return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
						inner.Go(func(context.Context) error { runtime.Goexit(); return nil })
						return nil
					})
				})
				return nil
			},
			"body": func(context.Context, *scope.Scope) error { runtime.Goexit(); return nil },
		} {
			journal.take()
			end := endOf(func() {
				run(func(ctx context.Context, s *scope.Scope) error {
					s.Go(func(ctx context.Context) error {
						<-ctx.Done()
						time.Sleep(time.Second)
						ended = true
						return nil
					})
					return body(ctx, s)
				})
			})
			if end != any(errExited) || !ended {
				t.Errorf("%s: ended with %v, sibling ended: %v", name, end, ended)
			}
			if log := journal.take(); log != "" {
				t.Errorf("%s: a Goexit is nothing to log: %s", name, log)
			}
		}
		nothingRuns(t)
	})
}

func TestAPanicGoesBeforeAGoexit(t *testing.T) {
	p := panicOfRun(t, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error { <-ctx.Done(); panic("cleanup") })
		s.Go(func(context.Context) error { runtime.Goexit(); return nil })
		return nil
	})
	if p.Value != "cleanup" || len(p.Others) != 1 || !p.Others[0].Goexit {
		t.Errorf("panicked with %v, others: %v", p.Value, p.Others)
	}
	journal.take()
}

// A test that fails in a task ends, as one that fails by itself does.
func TestFailNowInATaskEndsTheTest(t *testing.T) {
	c := start(t, "failnow")
	if out := c.saysAll(); !strings.Contains(out, "--- FAIL: TestOfAChild") || !strings.Contains(out, "in a task") || strings.Contains(out, "went on") {
		t.Errorf("the child says\n%s", out)
	}
	c.exits(1)
}

func init() {
	programs["failnow"] = func() {
		test := func(t *testing.T) {
			run(func(_ context.Context, s *scope.Scope) error {
				s.Go(func(context.Context) error { t.Fatal("in a task"); return nil })
				return nil
			})
			t.Log("went on")
		}
		testing.Main(func(string, string) (bool, error) { return true, nil },
			[]testing.InternalTest{{Name: "TestOfAChild", F: test}}, nil, nil)
	}
}
