package lock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
)

func semResize(t *testing.T, s *lock.Semaphore, n int64) {
	t.Helper()
	if err := s.Resize(n); err != nil || s.Size() != n {
		t.Fatalf("Resize(%d): %v, the size is %d", n, err, s.Size())
	}
	synctest.Wait()
}

func TestAGrowingSemaphoreServesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(2)
		semTake(t, s, 2)
		log.request(t.Context(), s, "a", 1)
		log.request(t.Context(), s, "b", 2)
		log.request(t.Context(), s, "c", 1)
		semResize(t, s, 4)
		log.want(t, "a")
		semResize(t, s, 6)
		slices.Sort(log.all)
		log.want(t, "b", "c")
		s.Release(6)
		semIdle(t, s)
	})
}

func TestAShrinkingSemaphoreTakesNothingFromAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(5)
		semTake(t, s, 5)
		semResize(t, s, 2)
		log.request(t.Context(), s, "next", 1)
		for held := 5; held > 2; held-- {
			s.Release(1)
			synctest.Wait()
			log.want(t) // two and more are held
		}
		if s.TryAcquire(1) {
			t.Error("a try got a unit that is no more")
		}
		s.Release(1)
		synctest.Wait()
		log.want(t, "next")
		s.Release(2)
		semIdle(t, s)
	})
}

func TestWhoWaitsForMoreThanTheNewSizeIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		var told error
		s := lock.NewSemaphore(4, lock.Name("db"))
		semTake(t, s, 3)
		go func() { told = s.Acquire(t.Context(), 4) }()
		synctest.Wait()
		log.request(t.Context(), s, "large", 3, lock.Priority(lock.Lowest))
		log.request(t.Context(), s, "small", 2)
		semResize(t, s, 3)
		const want = `lock: acquire "db": 4 units were asked for, of 3 (ask for at most 3, or Resize)`
		if told == nil || told.Error() != want || fault.KindOf(told) != fault.Invalid {
			t.Errorf("got %v, want %s", told, want)
		}
		log.want(t)
		semResize(t, s, 2)
		log.want(t, "large: invalid")
		s.Release(2)
		synctest.Wait()
		log.want(t)
		s.Release(1)
		synctest.Wait()
		log.want(t, "small")
		s.Release(2)
		semIdle(t, s)
	})
}

func TestThoseBehindOneWhoAsksTooMuchAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log semLog
		s := lock.NewSemaphore(5)
		semTake(t, s, 2)
		log.request(t.Context(), s, "large", 5)
		log.request(t.Context(), s, "small", 1)
		semResize(t, s, 4)
		slices.Sort(log.all)
		log.want(t, "large: invalid", "small")
		s.Release(3)
		semIdle(t, s)
	})
}

// Sizes go up and down under load; no more than the largest is ever held, and
// in the end all is there.
func TestResizingUnderLoadLosesNoUnitsAndMakesNone(t *testing.T) {
	const largest = 8
	rounds := 20_000
	if testing.Short() {
		rounds = 3000
	}
	s := lock.NewSemaphore(largest)
	var workers sync.WaitGroup
	count := make(chan int64, largest) // as many can be sent as may be held
	stop := make(chan struct{})
	for seed := range uint64(6) {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				n := 1 + r.Int64N(largest)
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(300))*time.Microsecond)
				err := s.With(ctx, n, func(context.Context) error {
					for i := range n {
						select {
						case count <- i:
						default:
							return fmt.Errorf("more than %d units are held", largest)
						}
					}
					for range n {
						<-count
					}
					return nil
				})
				cancel()
				runtime.Gosched()
				switch fault.KindOf(err) {
				case fault.None, fault.Deadline, fault.Invalid:
				default:
					t.Error(err)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(7, 1))
	for range rounds {
		if err := s.Resize(1 + r.Int64N(largest)); err != nil {
			t.Error(err)
		}
		runtime.Gosched()
	}
	close(stop)
	workers.Wait()
	semIdle(t, s)
}
