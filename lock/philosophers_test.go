package lock_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// tables are the numbers of philosophers that dine.
func tables() []int {
	if testing.Short() {
		return []int{2, 3, 4, 5, 7, 10, 30, 100}
	}
	var all []int
	for n := 2; n <= 100; n++ {
		all = append(all, n)
	}
	return all
}

// Everybody takes the left fork, then the right one: a deadlock as soon as all
// have a left one. The first to wait in vain is told, puts its fork down, and
// the others eat.
func TestPhilosophersWhoAllBeginOnTheLeftAreToldAndTheRestDines(t *testing.T) {
	for _, n := range tables() {
		forks := make([]lock.Mutex, n)
		var ate, told atomic.Int32
		var seated sync.WaitGroup
		seated.Add(n)
		bounded(t, func() {
			err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
				for i := range n {
					s.Go(func(ctx context.Context) error {
						err := hold(ctx, &forks[i], func() error {
							seated.Done()
							seated.Wait() // so that it always comes to it
							return hold(ctx, &forks[(i+1)%n], func() error { ate.Add(1); return nil })
						})
						if d := deadlock(err); d != nil {
							told.Add(1)
							if len(d.Members) != n {
								t.Errorf("of %d philosophers the verdict names %d", n, len(d.Members))
							}
							return nil
						}
						return err
					}, scope.Name(fmt.Sprint("philosopher", i)))
				}
				return nil
			})
			if err != nil {
				t.Errorf("%d: %v", n, err)
			}
		})
		if told.Load() != 1 || int(ate.Load()) != n-1 {
			t.Errorf("of %d philosophers %d were told and %d ate", n, told.Load(), ate.Load())
		}
	}
}

func TestPhilosophersWhoKeepAnOrderAreNeverTold(t *testing.T) {
	for _, n := range tables() {
		forks := make([]lock.Mutex, n)
		dine(t, n, func(ctx context.Context, i int) error {
			first, second := i, (i+1)%n
			if first > second {
				first, second = second, first
			}
			return hold(ctx, &forks[first], func() error {
				runtime.Gosched()
				return hold(ctx, &forks[second], nothing)
			})
		})
	}
}

func TestPhilosophersWhoTakeBothForksAtOnceAreNeverTold(t *testing.T) {
	for _, n := range tables() {
		forks := make([]*lock.Guard[int], n)
		for i := range forks {
			forks[i] = lock.NewGuard(0)
		}
		dine(t, n, func(ctx context.Context, i int) error {
			return lock.UpdateAll(ctx, []*lock.Guard[int]{forks[i], forks[(i+1)%n]}, func(uses []*int) error {
				*uses[0]++
				*uses[1]++
				runtime.Gosched()
				return nil
			})
		})
		for i, fork := range forks {
			if uses, err := fork.Get(context.Background()); err != nil || uses != 2*meals {
				t.Errorf("fork %d of %d was used %d times, %v", i, n, uses, err)
			}
		}
	}
}

const meals = 10

// dine lets n philosophers eat some meals each, and wants no error.
func dine(t *testing.T, n int, eat func(ctx context.Context, i int) error) {
	bounded(t, func() {
		err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			for i := range n {
				s.Go(func(ctx context.Context) error {
					for range meals {
						if err := eat(ctx, i); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
		if err != nil {
			t.Errorf("%d philosophers: %v", n, err)
		}
	})
}
