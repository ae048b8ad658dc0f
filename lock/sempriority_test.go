package lock_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

const semAge = 100 * time.Millisecond

// The bound of [lock.Priority] in the load that is worst for it: eight of the
// highest priority, who come back at once, keep the only unit for ever, and one
// of the lowest must get through.
func TestTheLowestPriorityWaitsNoLongerThanItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			hold   = 10 * time.Millisecond
			urgent = 8
			fifo   = urgent * hold                                         // what it would wait if all were equal
			bound  = (lock.Highest-lock.Lowest)*semAge + (urgent+1)*hold   // who holds, and who is queued then
			least  = (lock.Highest-lock.Lowest)*semAge - (urgent+1)*2*hold // if they go first
			rounds = 20
		)
		s := lock.NewSemaphore(1)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range urgent {
			all.Go(func() {
				for ctx.Err() == nil {
					s.With(t.Context(), 1, func(context.Context) error { time.Sleep(hold); return nil }, lock.Priority(lock.Highest))
				}
			})
		}
		time.Sleep(time.Second)
		var longest, shortest time.Duration = 0, time.Hour
		for range rounds {
			start := time.Now()
			limit, cancel := context.WithTimeout(ctx, time.Minute)
			err := s.Acquire(limit, 1, lock.Priority(lock.Lowest))
			cancel()
			if err != nil {
				t.Errorf("the lowest priority starves: %v", err)
				break
			}
			longest, shortest = max(longest, time.Since(start)), min(shortest, time.Since(start))
			s.Release(1)
			time.Sleep(37 * time.Millisecond)
		}
		stop()
		all.Wait()
		t.Logf("it waited %v to %v; the bound is %v, without priorities it were %v", shortest, longest, bound, fifo)
		if longest > bound {
			t.Errorf("it waited %v, which is more than %v", longest, bound)
		}
		if shortest < least {
			t.Errorf("it waited only %v: the urgent did not go first", shortest)
		}
		semIdle(t, s)
	})
}

// Of two that wait, the one that is so many levels lower goes first exactly if
// it is more than so many times 100 ms older.
func TestALevelIsWorthAHundredMilliseconds(t *testing.T) {
	for levels := range lock.Highest - lock.Lowest + 1 {
		for _, older := range []time.Duration{-time.Millisecond, time.Millisecond} {
			headStart := time.Duration(levels)*semAge + older
			if headStart < 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d levels, %v older", levels, headStart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var log semLog
					s := lock.NewSemaphore(1)
					semTake(t, s, 1)
					log.request(t.Context(), s, "low", 1, lock.Priority(lock.Lowest))
					time.Sleep(headStart)
					log.request(t.Context(), s, "high", 1, lock.Priority(lock.Lowest+levels))
					first, second := "high", "low"
					if older > 0 {
						first, second = second, first
					}
					for _, want := range []string{first, second} {
						s.Release(1)
						synctest.Wait()
						log.want(t, want)
					}
				})
			})
		}
	}
}

func TestTheUrgentAreServedFirstAndEqualsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(1)
		semTake(t, s, 1)
		for i, level := range []int{0, -3, 2, 0, 3, 2, -3} {
			log.request(t.Context(), s, fmt.Sprint(i), 1, lock.Priority(level))
		}
		log.request(t.Context(), s, "none", 1) // as Priority(0)
		for _, want := range []string{"4", "2", "5", "0", "3", "none", "1", "6"} {
			s.Release(1)
			synctest.Wait()
			log.want(t, want)
		}
	})
}

// Nobody takes units while another waits, but for one who is to be served
// before all who do.
func TestAnUrgentRequestTakesWhatIsFreeFromUnderALargeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(4)
		semTake(t, s, 2)
		log.request(t.Context(), s, "large", 3)
		log.request(t.Context(), s, "equal", 1, lock.Priority(0))
		log.request(t.Context(), s, "urgent", 1, lock.Priority(1))
		log.want(t, "urgent")
		s.Release(2)
		synctest.Wait()
		log.want(t, "large")
		s.Release(4)
		synctest.Wait()
		log.want(t, "equal")
		s.Release(1)
		semIdle(t, s)
	})
}

// semQuiet is a scheduler that lets everybody run, and counts.
type semQuiet struct {
	mu      sync.Mutex
	points  int
	atPoint func()
}

func (*semQuiet) Spawned(*graph.Task)              {}
func (*semQuiet) Started(*graph.Task)              {}
func (*semQuiet) Parking(*graph.Task, *graph.Wait) {}
func (*semQuiet) Resumed(*graph.Task)              {}
func (*semQuiet) Woken(*graph.Task)                {}
func (*semQuiet) Ended(*graph.Task)                {}

func (q *semQuiet) Point(*graph.Task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.points++
	if q.atPoint != nil {
		q.atPoint()
	}
}

// A schedule must not depend on the clock: under a scheduler levels count, and
// ages do not.
func TestAControlledTasksRankIsItsLevelAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		q := new(semQuiet)
		s := lock.NewSemaphore(1)
		semTake(t, s, 1)
		ctx := graph.WithScheduler(t.Context(), q)
		defer graph.Watched.Add(-1) // else it stays for good
		err := scope.Run(ctx, func(_ context.Context, sc *scope.Scope) error {
			request := func(name string, level int) {
				sc.Go(func(ctx context.Context) error {
					defer log.add(name)
					return s.Acquire(ctx, 1, lock.Priority(level))
				})
				synctest.Wait()
				time.Sleep(time.Hour)
			}
			request("low", lock.Lowest)
			request("middle", 0)
			request("too", 0)
			request("high", lock.Highest)
			for _, want := range []string{"high", "middle", "too", "low"} {
				s.Release(1)
				synctest.Wait()
				log.want(t, want)
			}
			s.Release(1)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		before := q.points
		err = scope.Run(ctx, func(ctx context.Context, _ *scope.Scope) error {
			if err := s.Acquire(ctx, 1); err != nil {
				return err
			}
			s.Release(1)
			return s.With(ctx, 1, func(context.Context) error { return nil })
		})
		if err != nil || q.points != before+2 {
			t.Errorf("%v; %d points in Acquire and With of free units, want 2", err, q.points-before)
		}
		semIdle(t, s)
	})
}

// A semaphore may become too small for a request that is about to join the
// queue.
func TestARequestThatAResizeOvertakesIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(4)
		semTake(t, s, 2)
		q := &semQuiet{atPoint: func() { s.Resize(3) }}
		ctx := graph.WithScheduler(t.Context(), q)
		defer graph.Watched.Add(-1) // else it stays for good
		err := scope.Run(ctx, func(ctx context.Context, _ *scope.Scope) error { return s.Acquire(ctx, 4) })
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
		s.Release(2)
		semIdle(t, s)
	})
}
