package lock_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// semVerdicts are the verdicts that tasks got.
type semVerdicts struct {
	mu  sync.Mutex
	all []*fault.Deadlock
}

// note keeps err if it is a verdict, and says whether it is.
func (v *semVerdicts) note(err error) bool {
	var d *fault.Deadlock
	if !errors.As(err, &d) {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, d)
	return true
}

// one returns the only verdict there was.
func (v *semVerdicts) one(t *testing.T) *fault.Deadlock {
	t.Helper()
	if len(v.all) != 1 {
		t.Fatalf("%d verdicts, want 1: %v", len(v.all), v.all)
	}
	return v.all[0]
}

// semTasks runs fs as tasks of one scope. Each is waiting, or done, when the next
// one starts. No error of theirs ends the others.
func semTasks(t *testing.T, fs ...func(context.Context) error) (errs []error) {
	t.Helper()
	errs = make([]error, len(fs))
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for i, f := range fs {
			s.Go(func(ctx context.Context) error { errs[i] = f(ctx); return nil }, scope.Name(fmt.Sprint("task", i)))
			synctest.Wait()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return errs
}

func TestTwoWhoHoldUnitsAndWantEachOthersAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(3, lock.Name("db"))
		var v semVerdicts
		wentOn := 0
		both := func(ctx context.Context) error {
			return s.With(ctx, 1, func(ctx context.Context) error {
				time.Sleep(time.Second) // until both have one
				err := s.With(ctx, 2, func(context.Context) error { wentOn++; return nil })
				v.note(err)
				return err
			})
		}
		errs := semTasks(t, both, both)
		d := v.one(t)
		if wentOn != 1 || (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("%d went on; the tasks ended with %v", wentOn, errs)
		}
		if len(d.Members) != 2 {
			t.Fatalf("the knot has %d members: %v", len(d.Members), d)
		}
		for _, m := range d.Members {
			if m.WaitsFor != "semaphore db" || len(m.Holds) != 1 || m.Holds[0] != "semaphore db" || !strings.Contains(m.Stack.String(), "semknot_test.go") {
				t.Errorf("got %+v", m)
			}
		}
		semIdle(t, s)
	})
}

func TestATaskThatWantsMoreThanItLeftWaitsForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(3)
		for _, again := range []func(context.Context) error{
			func(ctx context.Context) error { return s.Acquire(ctx, 2) },
			func(ctx context.Context) error {
				return s.With(ctx, 2, func(context.Context) error { return nil }, lock.Priority(lock.Highest))
			},
		} {
			err := semTasks(t, func(ctx context.Context) error {
				return s.With(ctx, 2, func(ctx context.Context) error {
					if err := s.With(ctx, 1, func(context.Context) error { return nil }); err != nil {
						t.Errorf("what is left: %v", err)
					}
					return again(ctx)
				})
			})[0]
			if fault.KindOf(err) != fault.Deadlocked || !strings.Contains(err.Error(), "waits for itself") {
				t.Errorf("got %v", err)
			}
			semIdle(t, s)
		}
	})
}

// The control: what Acquire took may be given back by anybody.
func TestAnonymousUnitsGiveNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(3)
		time.AfterFunc(time.Minute, func() { s.Release(2) })
		for i, err := range semTasks(t,
			func(ctx context.Context) error {
				if err := s.Acquire(ctx, 2); err != nil {
					return err
				}
				return s.Acquire(ctx, 2)
			},
			func(ctx context.Context) error {
				return s.With(ctx, 1, func(ctx context.Context) error { time.Sleep(time.Hour); return nil })
			},
		) {
			if err != nil {
				t.Errorf("task %d: %v", i, err)
			}
		}
		s.Release(2)
		semIdle(t, s)
	})
}

// The control: units that a caller outside every task has by With count as
// running, and so does who would give up by himself.
func TestWhoIsNotStuckGivesNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(2)
		go s.With(t.Context(), 1, func(ctx context.Context) error { time.Sleep(time.Minute); return nil })
		synctest.Wait()
		errs := semTasks(t,
			func(ctx context.Context) error {
				return s.With(ctx, 1, func(ctx context.Context) error {
					limit, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					err := s.Acquire(limit, 2)
					if fault.KindOf(err) != fault.Deadline || !strings.Contains(err.Error(), "waits for itself") {
						t.Errorf("of a knot that its context ended: got %v", err)
					}
					return nil
				})
			},
			func(ctx context.Context) error { return s.With(ctx, 2, func(context.Context) error { return nil }) },
		)
		if errs[0] != nil || errs[1] != nil {
			t.Errorf("got %v", errs)
		}
		semIdle(t, s)
	})
}

// Who waits behind one that can never be served waits for ever too, though
// there are units enough for it.
func TestAKnotMayGoThroughTheHeadOfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(4, lock.Name("db"))
		var v semVerdicts
		err := scope.Run(t.Context(), func(_ context.Context, sc *scope.Scope) error {
			release := make(chan struct{})
			var behind *scope.Future[int]
			holder := scope.Try(sc, func(ctx context.Context) (int, error) {
				return 0, s.With(ctx, 1, func(ctx context.Context) error {
					<-release
					_, err := behind.Await(ctx)
					return err
				})
			}, scope.Name("holder"))
			synctest.Wait()
			head := scope.Try(sc, func(ctx context.Context) (int, error) {
				return 0, s.With(ctx, 4, func(context.Context) error { return nil })
			}, scope.Name("head"))
			synctest.Wait()
			behind = scope.Try(sc, func(ctx context.Context) (int, error) {
				return 0, s.With(ctx, 1, func(context.Context) error { return nil })
			}, scope.Name("behind"))
			synctest.Wait()
			close(release)
			for _, f := range []*scope.Future[int]{holder, head, behind} {
				<-f.Done()
				if _, err := f.Await(context.Background()); err != nil {
					v.note(err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		d := v.one(t)
		names := ""
		for _, m := range d.Members {
			names += m.Task + " holds " + fmt.Sprint(m.Holds) + "\n"
		}
		for _, want := range []string{"holder#", "head#", "behind#"} {
			if !strings.Contains(names, want) {
				t.Errorf("%s is missing in\n%s", want, names)
			}
		}
		if strings.Count(names, "semaphore db") != 1 {
			t.Errorf("one of these holds units:\n%s", names)
		}
		semIdle(t, s)
	})
}

// Those who wait look again when the semaphore has become so small that they
// would wait for ever.
func TestAKnotThatAResizeClosesIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(5)
		semTake(t, s, 2)
		var v semVerdicts
		var log semLog
		err := scope.Run(t.Context(), func(_ context.Context, sc *scope.Scope) error {
			wants := scope.Try(sc, func(ctx context.Context) (int, error) {
				time.Sleep(time.Second)
				return 0, s.With(ctx, 3, func(context.Context) error { return nil })
			})
			sc.Go(func(ctx context.Context) error {
				return s.With(ctx, 2, func(ctx context.Context) error {
					_, err := wants.Await(ctx)
					if !v.note(err) {
						t.Errorf("who holds two got %v", err)
					}
					return nil
				})
			})
			time.Sleep(time.Minute)
			log.request(t.Context(), s, "outside", 1) // behind it
			if len(v.all) != 0 {
				t.Errorf("told before: %v", v.all)
			}
			return s.Resize(4)
		})
		if err != nil {
			t.Error(err)
		}
		v.one(t)
		synctest.Wait()
		log.want(t, "outside")
		s.Release(3)
		semIdle(t, s)
	})
}

// The control: those who look again keep their places, and lose nothing.
func TestWhoLooksAgainKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(20)
		semTake(t, s, 10)
		var log semLog
		err := scope.Run(t.Context(), func(_ context.Context, sc *scope.Scope) error {
			sc.Go(func(ctx context.Context) error {
				return s.With(ctx, 10, func(ctx context.Context) error { return scope.Sleep(ctx, time.Minute) })
			})
			synctest.Wait()
			for i := range 9 {
				sc.Go(func(ctx context.Context) error {
					return s.With(ctx, 1, func(ctx context.Context) error {
						log.add(fmt.Sprint(i))
						return scope.Sleep(ctx, time.Second)
					}, lock.Priority(i%3))
				})
				synctest.Wait()
			}
			for size := int64(19); size > 0; size-- {
				if err := s.Resize(size); err != nil {
					return err
				}
				if size%3 == 0 {
					synctest.Wait()
				}
			}
			s.Release(10) // some look again just now
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		log.want(t, "2", "5", "8", "1", "4", "7", "0", "3", "6")
		semIdle(t, s)
	})
}
