package lock_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// semNest takes units of several semaphores, one inside the other.
func semNest(ctx context.Context, r *rand.Rand, of []*lock.Semaphore, most int64) error {
	if len(of) == 0 {
		return nil
	}
	return of[0].With(ctx, 1+r.Int64N(most), func(ctx context.Context) error {
		if r.IntN(3) == 0 {
			runtime.Gosched()
		}
		return semNest(ctx, r, of[1:], most)
	}, lock.Priority(r.IntN(3)-1))
}

// semCrowd lets tasks nest units of three semaphores in an order of their own,
// while somebody resizes them.
func semCrowd(t *testing.T, seed uint64, smallest int64, order func(*rand.Rand, []*lock.Semaphore) []*lock.Semaphore) (fine, told int64) {
	t.Helper()
	const size = 6
	var all []*lock.Semaphore
	for range 3 {
		all = append(all, lock.NewSemaphore(size))
	}
	var counts struct{ fine, told atomic.Int64 }
	run := func() {
		err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			for i := range uint64(8) {
				s.Go(func(ctx context.Context) error {
					r := rand.New(rand.NewPCG(seed, i))
					for range 50 {
						err := semNest(ctx, r, order(r, all), 3)
						switch fault.KindOf(err) {
						case fault.None:
							counts.fine.Add(1)
						case fault.Deadlocked:
							counts.told.Add(1)
						default:
							return err
						}
					}
					return nil
				})
			}
			r := rand.New(rand.NewPCG(seed, 100))
			for range 100 {
				if err := all[r.IntN(len(all))].Resize(smallest + r.Int64N(size)); err != nil {
					return err
				}
				runtime.Gosched()
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	semMustEnd(t, all[0], 0, run)
	for _, s := range all {
		semIdle(t, s)
	}
	return counts.fine.Load(), counts.told.Load()
}

func semSeeds() uint64 {
	if testing.Short() {
		return 3
	}
	return 12
}

// Tasks that nest in any order close knots all the time. Each is undone: the
// crowd always comes to its end, though sizes go up and down meanwhile.
func TestACrowdThatNestsInAnyOrderEnds(t *testing.T) {
	var fine, told int64
	for seed := range semSeeds() {
		f, v := semCrowd(t, seed, 3, func(r *rand.Rand, all []*lock.Semaphore) []*lock.Semaphore {
			all = slices.Clone(all)
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			return append(all, all[0]) // and once more of what it has
		})
		fine, told = fine+f, told+v
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d nests, %d verdicts", fine, told)
	if fine == 0 || told == 0 {
		t.Errorf("%d nests and %d verdicts: both should have been met", fine, told)
	}
}

// The control: tasks that nest in the one order that all keep never get a
// verdict.
func TestACrowdThatNestsInOneOrderIsNeverTold(t *testing.T) {
	for seed := range semSeeds() {
		_, told := semCrowd(t, seed, 3, func(r *rand.Rand, all []*lock.Semaphore) []*lock.Semaphore {
			from := r.IntN(len(all))
			return all[from:]
		})
		if told > 0 || t.Failed() {
			t.Fatalf("seed %d: %d verdicts", seed, told)
		}
	}
}
