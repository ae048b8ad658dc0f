package lock_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

func TestRequestsAreServedInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(2)
		semTake(t, s, 2)
		for i := range 5 {
			log.request(t.Context(), s, fmt.Sprint(i), 1)
		}
		log.want(t)
		for i := range 5 {
			s.Release(1)
			synctest.Wait()
			log.want(t, fmt.Sprint(i))
		}
		s.Release(2)
		semIdle(t, s)
	})
}

func TestALargeRequestIsNotStarvedBySmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(4)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 8 { // at any time somebody has units, and somebody wants some
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				for ctx.Err() == nil {
					s.With(t.Context(), 1, func(context.Context) error { time.Sleep(3 * time.Millisecond); return nil })
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		limit, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Acquire(limit, 4); err != nil {
			t.Errorf("it starves: %v", err)
		} else {
			// Four may hold and four be queued when it comes, for 3 ms each.
			if waited := time.Since(start); waited > 9*time.Millisecond {
				t.Errorf("it waited %v", waited)
			}
			s.Release(4)
		}
		stop()
		all.Wait()
		semIdle(t, s)
	})
}

func TestASmallRequestDoesNotOvertakeALargeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(4)
		semTake(t, s, 2)
		log.request(t.Context(), s, "large", 3)
		log.request(t.Context(), s, "small", 1)
		log.want(t) // though two units are free
		if s.TryAcquire(1) {
			t.Error("a try overtook both")
		}
		s.Release(2)
		synctest.Wait()
		if len(log.all) != 2 {
			t.Errorf("%q have been served, want both", log.all)
		}
		s.Release(4)
		semIdle(t, s)
	})
}

func TestAWaiterThatGivesUpLetsThoseBehindItIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(4)
		semTake(t, s, 2)
		ctx, cancel := context.WithCancel(t.Context())
		log.request(ctx, s, "large", 3)
		log.request(t.Context(), s, "small", 2)
		log.want(t)
		cancel()
		synctest.Wait()
		slices.Sort(log.all)
		log.want(t, "large: cancelled", "small")
		s.Release(4)
		semIdle(t, s)
	})
}

func TestOneReleaseServesAllThatItSufficesFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(6)
		semTake(t, s, 6)
		for i, n := range []int64{1, 2, 3, 1} {
			log.request(t.Context(), s, fmt.Sprint(i), n)
		}
		s.Release(6)
		synctest.Wait()
		slices.Sort(log.all)
		log.want(t, "0", "1", "2")
		s.Release(1)
		synctest.Wait()
		log.want(t, "3")
		s.Release(6)
		semIdle(t, s)
	})
}

func TestUnitsMayBeReturnedInPortionsByAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(3)
		err := scope.Run(t.Context(), func(ctx context.Context, _ *scope.Scope) error { return s.Acquire(ctx, 3) })
		if err != nil {
			t.Fatal(err)
		}
		log.request(t.Context(), s, "next", 2)
		s.Release(1)
		synctest.Wait()
		log.want(t)
		s.Release(2)
		synctest.Wait()
		log.want(t, "next")
		s.Release(2)
		semIdle(t, s)
	})
}

func TestWithReturnsTheUnitsHoweverItsFunctionEnds(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name string
		f    func() error
		err  error
		end  any
	}{
		{"nil", func() error { return nil }, nil, nil},
		{"error", func() error { return failed }, failed, nil},
		{"panic", func() error { panic("oh") }, nil, "oh"},
		{"goexit", func() error { runtime.Goexit(); return nil }, nil, "goexit"},
	} {
		for _, busy := range []bool{false, true} {
			for _, tasks := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, wait %v, task %v", c.name, busy, tasks), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := lock.NewSemaphore(3)
						if busy {
							semTake(t, s, 3)
							time.AfterFunc(time.Second, func() { s.Release(3) })
						}
						with := func(ctx context.Context) error {
							return s.With(ctx, 2, func(inner context.Context) error {
								owned, holders := s.Owned()
								if inner != ctx || s.Free() != 1 || owned != 2 || (holders == 1) != tasks {
									t.Errorf("while f runs: %d free, %d owned by %d tasks, same context %v", s.Free(), owned, holders, inner == ctx)
								}
								return c.f()
							})
						}
						var got error
						end := semEnd(func() {
							if !tasks {
								got = with(t.Context())
								return
							}
							scope.Run(t.Context(), func(ctx context.Context, _ *scope.Scope) error {
								got = with(ctx)
								return nil
							})
						})
						if p, ok := end.(*fault.Panic); ok {
							end = p.Value
						}
						if end != c.end || got != c.err {
							t.Errorf("got %v, %v, want %v, %v", got, end, c.err, c.end)
						}
						semIdle(t, s)
					})
				})
			}
		}
	}
}
