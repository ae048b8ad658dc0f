package pool_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

// The bound of [pool.Priority], in the load that is worst for it: eight
// submitters of the highest priority who come back at once keep one slot busy
// for ever, and one of the lowest priority must get through.
func TestTheLowestPriorityWaitsNoLongerThanTheStatedBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			age    = 100 * time.Millisecond
			run    = 10 * time.Millisecond
			urgent = 8
			bound  = (pool.Highest-pool.Lowest)*age + (urgent+1)*run // what is then in the queue, and what runs
		)
		p := newPool(t, pool.Config{Size: 1, Age: age})
		high, low := p.With(pool.Priority(pool.Highest)), p.With(pool.Priority(pool.Lowest))
		work := func(context.Context) error { time.Sleep(run); return nil }
		ctx, stop := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for range urgent {
			all.Go(func() {
				for ctx.Err() == nil {
					high.Do(context.Background(), work)
				}
			})
		}
		time.Sleep(time.Second)
		var longest, shortest time.Duration = 0, time.Hour
		for range 20 {
			start := time.Now()
			limit, cancel := context.WithTimeout(ctx, time.Minute)
			err := low.Do(limit, func(context.Context) error {
				waited := time.Since(start)
				longest, shortest = max(longest, waited), min(shortest, waited)
				return work(ctx)
			})
			cancel()
			if err != nil {
				t.Fatalf("the lowest priority starves: %v", err)
			}
			time.Sleep(37 * time.Millisecond)
		}
		stop()
		all.Wait()
		t.Logf("it waited %v to %v; the bound is %v", shortest, longest, bound)
		if longest > bound {
			t.Errorf("it waited %v, which is more than %v", longest, bound)
		}
		if shortest < (pool.Highest-pool.Lowest)*age {
			t.Errorf("it waited only %v: the urgent did not go first", shortest)
		}
	})
}

// Of two that wait, the one that is d levels lower goes first exactly if it is
// more than d×Age older.
func TestALevelIsWorthOneAge(t *testing.T) {
	const age = 100 * time.Millisecond
	for levels := range pool.Highest - pool.Lowest + 1 {
		for _, older := range []time.Duration{-time.Millisecond, time.Millisecond} {
			headStart := max(0, time.Duration(levels)*age+older)
			lowFirst := older > 0
			if headStart == 0 {
				continue // of equals the older goes first, which is another test's
			}
			t.Run(fmt.Sprintf("%d levels, %v older", levels, headStart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPool(t, pool.Config{Size: 1, Age: age})
					b := block(t, p)
					var order []string
					err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
						add := func(name string, level int) {
							p.With(pool.Priority(level)).Go(s, func(context.Context) error {
								order = append(order, name)
								return nil
							})
						}
						add("low", pool.Lowest)
						time.Sleep(headStart)
						add("high", pool.Lowest+levels)
						b.release()
						return nil
					})
					want := []string{"high", "low"}
					if lowFirst {
						want = []string{"low", "high"}
					}
					if err != nil || !slices.Equal(order, want) {
						t.Errorf("got %v, %v, want %v", order, err, want)
					}
				})
			})
		}
	}
}

func TestTheUrgentGoFirstAndEqualsInOrder(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Age: time.Hour})
	b := block(t, p)
	var order []int
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for i, level := range []int{0, -3, 2, 0, 3, 2, -3} {
			p.With(pool.Priority(level)).Go(s, func(context.Context) error { order = append(order, i); return nil })
		}
		b.release()
		return nil
	})
	if want := []int{4, 2, 5, 0, 3, 1, 6}; err != nil || !slices.Equal(order, want) {
		t.Errorf("got %v, %v, want %v", order, err, want)
	}
}

// The door keeps no one back who would be served next: the urgent do not queue
// behind those who wait for room.
func TestAFullQueueDoesNotHoldUpTheUrgent(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Queue: 1, Age: time.Hour})
	b := block(t, p)
	var mu sync.Mutex
	var order []string
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		add := func(name string, level, queued int) {
			s.Go(func(context.Context) error {
				p.With(pool.Priority(level)).Go(s, func(context.Context) error {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, name)
					return nil
				})
				return nil
			})
			until(t, name+" has come", func() bool { return p.Stats().Queued == queued })
		}
		add("first", 0, 1)
		add("at the door", 0, 2)
		add("urgent", 3, 3)
		if s := p.Stats(); s.AtDoor != 2 {
			t.Errorf("%d are at the door, want 2", s.AtDoor)
		}
		b.release()
		return nil
	})
	if want := []string{"urgent", "first", "at the door"}; err != nil || !slices.Equal(order, want) {
		t.Errorf("got %v, %v, want %v", order, err, want)
	}
}
