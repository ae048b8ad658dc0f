package pool_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

func TestWaitKeepsTheQueueWithinItsBound(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Queue: 3})
	b := block(t, p)
	accepted := make(chan int, 20)
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error {
			for i := range 20 {
				p.Go(s, nothing)
				accepted <- i
			}
			return nil
		})
		until(t, "a submitter is at the door", func() bool { return p.Stats().AtDoor == 1 })
		if n := len(accepted); n != 3 {
			t.Errorf("%d were accepted by a queue of 3", n)
		}
		b.release()
		return nil
	})
	if err != nil || len(accepted) != 20 {
		t.Errorf("got %v; %d of 20 were accepted", err, len(accepted))
	}
}

func TestTheDoorOpensWhenHalfTheQueueIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1, Queue: 4})
		err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
			for range 5 { // one runs, four wait
				p.Go(s, func(context.Context) error { time.Sleep(time.Second); return nil })
			}
			for range 2 {
				s.Go(func(context.Context) error { p.Go(s, nothing); return nil })
			}
			for _, want := range []int{2, 2, 0} {
				synctest.Wait()
				if s := p.Stats(); s.AtDoor != want {
					t.Errorf("%d are at the door while %d wait, want %d", s.AtDoor, s.Queued, want)
				}
				time.Sleep(time.Second)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestRejectRefusesWhatFindsTheQueueFull(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Queue: 2, Overflow: pool.Reject})
	b := block(t, p)
	one, two := queueOne(t, p), queueOne(t, p)
	err := p.Do(t.Context(), func(context.Context) error { t.Error("it ran"); return nil })
	if fault.KindOf(err) != fault.Overloaded || fault.Started(err) || fault.HintOf(err) == "" || !fault.Retryable(err) {
		t.Errorf("got %v, want Overloaded, not started, worth a retry, with a hint", err)
	}
	err = scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		p.Go(s, func(context.Context) error { t.Error("it ran"); return nil })
		return nil
	})
	if fault.KindOf(err) != fault.Overloaded || fault.Started(err) {
		t.Errorf("got %v, want Overloaded and not started", err)
	}
	if n := p.Stats().Refused; n != 2 {
		t.Errorf("%d are counted as refused", n)
	}
	b.release()
	one()
	two()
}

func TestASubmitterAtTheDoorGivesUpWhenItsScopeEnds(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Queue: 1})
	b := block(t, p)
	scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error {
			until(t, "the body is at the door", func() bool { return p.Stats().AtDoor == 1 })
			return errEnough
		})
		p.Go(s, nothing)
		p.Go(s, func(context.Context) error { t.Error("it ran"); return nil })
		return nil
	})
	if s := p.Stats(); s.Queued != 0 || s.Cancelled != 2 {
		t.Errorf("%d are queued, %d cancelled", s.Queued, s.Cancelled)
	}
	b.release()
}

// outcome is what became of one piece of work.
type outcome struct {
	came   time.Duration
	waited time.Duration
	err    error
}

// offer sends work to p at the given times, each piece running for run.
func offer(p *pool.Pool, run time.Duration, at []time.Duration) (outcomes []outcome, order []int) {
	start := time.Now()
	outcomes = make([]outcome, len(at))
	var all sync.WaitGroup
	for i, when := range at {
		time.Sleep(when - time.Since(start))
		all.Go(func() {
			o := &outcomes[i]
			o.came = when
			o.err = p.Do(context.Background(), func(context.Context) error {
				o.waited = time.Since(start) - when
				order = append(order, i) // one slot
				time.Sleep(run)
				return nil
			})
		})
		synctest.Wait()
	}
	all.Wait()
	return outcomes, order
}

func every(d time.Duration, n int) (at []time.Duration) {
	for i := range n {
		at = append(at, time.Duration(i)*d)
	}
	return at
}

func TestABurstThatCanBeWorkedOffInAnIntervalIsNotShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1, Overflow: pool.Shed})
		outcomes, order := offer(p, 10*time.Millisecond, every(0, 10))
		for i, o := range outcomes {
			if o.err != nil {
				t.Errorf("%d: %v", i, o.err)
			}
		}
		if !slices.IsSorted(order) {
			t.Errorf("they were served as %v", order)
		}
	})
}

// Twice as much comes as can be done. After the first interval whoever is served
// has hardly waited, and the slot is never idle.
func TestInOverloadWaitingStaysShortAndTheSlotBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const run, gap, n = 10 * time.Millisecond, 5 * time.Millisecond, 400
		p := newPool(t, pool.Config{Size: 1, Overflow: pool.Shed})
		start := time.Now()
		outcomes, order := offer(p, run, every(gap, n))
		took := time.Since(start)
		served, longest := 0, time.Duration(0)
		for i, o := range outcomes {
			switch {
			case o.err == nil:
				served++
				if o.came > 200*time.Millisecond {
					longest = max(longest, o.waited)
				}
			case fault.KindOf(o.err) != fault.Overloaded || fault.Started(o.err):
				t.Errorf("%d: got %v, want Overloaded and not started", i, o.err)
			}
		}
		if longest > 5*time.Millisecond {
			t.Errorf("in overload one waited %v", longest)
		}
		if busy := time.Duration(served) * run; busy < took-2*run {
			t.Errorf("the slot was busy for %v of %v", busy, took)
		}
		s := p.Stats()
		if int(s.Shed) != n-served || s.Shed == 0 {
			t.Errorf("%d are counted as shed, want %d", s.Shed, n-served)
		}
		t.Logf("%d served, %d shed; longest wait in overload %v, served %v", served, s.Shed, longest, order[len(order)-5:])
	})
}

// A slow worker must not shed all there is: what is served next is exempt.
func TestTheNewestIsServedThoughItHasWaitedLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1, Overflow: pool.Shed})
		outcomes, order := offer(p, time.Second, every(100*time.Millisecond, 5))
		if !slices.Equal(order, []int{0, 4}) {
			t.Errorf("served %v, want the first and the newest", order)
		}
		for i := 1; i < 4; i++ {
			if fault.KindOf(outcomes[i].err) != fault.Overloaded {
				t.Errorf("%d: got %v, want Overloaded", i, outcomes[i].err)
			}
		}
	})
}

func TestAfterAnOverloadTheOrderIsThatOfArrivalAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1, Overflow: pool.Shed})
		offer(p, 10*time.Millisecond, every(5*time.Millisecond, 100))
		outcomes, order := offer(p, 10*time.Millisecond, every(0, 5))
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("served %v: %v", order, outcomes)
		}
	})
}

func TestShedTellsAFutureOnAGoroutineOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1, Overflow: pool.Shed})
		b := block(t, p)
		var told atomic.Int64
		scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			for range 3 {
				scope.Try(s, func(ctx context.Context) (int, error) {
					return 0, scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
						f := pool.Go(s, p, func(context.Context) (int, error) { return 0, nil })
						f.OnDone(func(_ int, err error) {
							if fault.KindOf(err) == fault.Overloaded {
								told.Add(1)
							}
						})
						return nil
					})
				})
			}
			time.Sleep(time.Second)
			b.release()
			return nil
		})
		if told.Load() != 2 {
			t.Errorf("%d were told, want all but the newest of 3", told.Load())
		}
	})
}
