package lock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// A city is everything that can be waited for, each with its floor: who holds
// something waits only for what is on a higher one. So no program in it can
// deadlock.
type city struct {
	mutexes [4]*lock.Mutex
	rws     [4]*lock.RWMutex
	units   [4]*lock.Semaphore
	guards  [4]*lock.Guard[int]
	data    [4]exclusive // behind rws
	ops     atomic.Int64
	gaveUp  atomic.Int64
	wrong   atomic.Pointer[error]
}

func newCity() *city {
	c := new(city)
	for i := range c.mutexes {
		name := lock.Name(fmt.Sprint("floor ", i))
		c.mutexes[i], c.rws[i] = lock.NewMutex(name), lock.NewRWMutex(name)
		c.units[i], c.guards[i] = lock.NewSemaphore(3, name), lock.NewGuard(0, name)
	}
	return c
}

// take takes something on a floor, and climbs on while it has it.
func (c *city) take(ctx context.Context, r *rand.Rand, floor int) error {
	if floor == len(c.mutexes) {
		return nil
	}
	c.ops.Add(1)
	up := func() error {
		if r.IntN(20) == 0 {
			time.Sleep(time.Duration(r.IntN(50)) * time.Microsecond)
		}
		if r.IntN(3) == 0 {
			return nil
		}
		return c.climb(ctx, r, floor+1+r.IntN(2))
	}
	switch r.IntN(9) {
	case 0, 1:
		return hold(ctx, c.mutexes[floor], up)
	case 2:
		return write(ctx, c.rws[floor], func() error { c.data[floor].write(); return up() })
	case 3, 4:
		return read(ctx, c.rws[floor], func() error { c.data[floor].read(); return up() })
	case 5, 6:
		return c.units[floor].With(ctx, 1+int64(r.IntN(3)), func(context.Context) error { return up() })
	case 7:
		return c.guards[floor].Update(ctx, func(n *int) error { *n++; return up() })
	default:
		return lock.UpdateAll(ctx, c.guards[floor:], func(ns []*int) error {
			for _, n := range ns {
				*n++
			}
			return nil
		})
	}
}

// climb is take by this task or by tasks of its own.
func (c *city) climb(ctx context.Context, r *rand.Rand, floor int) error {
	floor = min(floor, len(c.mutexes))
	switch r.IntN(8) {
	case 0: // a task of a scope, joined
		seed := r.Uint64()
		return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			for i := range 1 + r.IntN(2) {
				s.Go(func(ctx context.Context) error {
					return c.take(ctx, rand.New(rand.NewPCG(seed, uint64(i))), floor)
				})
			}
			return nil
		})
	case 1: // a future, awaited
		seed := r.Uint64()
		return scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			f := scope.Go(s, func(ctx context.Context) (int, error) {
				return 0, c.take(ctx, rand.New(rand.NewPCG(seed, 0)), floor)
			})
			_, err := f.Await(ctx)
			return err
		})
	case 2: // under a deadline of its own
		ctx, cancel := context.WithTimeout(ctx, time.Duration(50+r.IntN(500))*time.Microsecond)
		defer cancel()
		return c.take(ctx, r, floor)
	}
	return c.take(ctx, r, floor)
}

func (c *city) work(ctx context.Context, r *rand.Rand) {
	err := c.climb(ctx, r, 0)
	switch fault.KindOf(err) {
	case fault.None:
	case fault.Deadline, fault.Cancelled:
		if deadlock(err) == nil {
			c.gaveUp.Add(1)
			return
		}
		fallthrough // the end of a wait that no deadlock held up
	default:
		c.wrong.CompareAndSwap(nil, &err)
	}
}

// TestSoakOfCorrectProgramsOverAllLocksGivesNoVerdict is the promise that there
// are no false alarms. HEM_SOAK says for how long to try.
func TestSoakOfCorrectProgramsOverAllLocksGivesNoVerdict(t *testing.T) {
	lasts := 3 * time.Second
	if text := os.Getenv("HEM_SOAK"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		lasts = time.Second
	}
	c := newCity()
	stop := inspect.OnFinding(func(f inspect.Finding) {
		if f.Code == "lock.abandoned" || f.Code == "graph.suspected-deadlock" {
			t.Error(f.Detail)
		}
	})
	defer stop()
	ctx, release := context.WithCancelCause(context.Background())
	defer release(nil)
	defer time.AfterFunc(lasts+patience, func() {
		var b strings.Builder
		inspect.Dump(&b)
		t.Logf("still there:\n%s", b.String())
		release(errors.New("a correct program was stuck"))
	}).Stop()
	end := time.Now().Add(lasts)
	over := func() bool { return time.Now().After(end) || c.wrong.Load() != nil }
	err := scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for i := range 16 {
			s.Go(func(ctx context.Context) error {
				for n := uint64(0); !over(); n++ {
					c.work(ctx, rand.New(rand.NewPCG(uint64(i), n)))
				}
				return nil
			}, scope.Name(fmt.Sprint("program", i)))
		}
		s.Go(func(ctx context.Context) error { // goroutines that share its context
			for n := uint64(0); !over(); n++ {
				var wg sync.WaitGroup
				for i := range uint64(3) {
					wg.Go(func() { c.work(ctx, rand.New(rand.NewPCG(100+i, n))) })
				}
				c.work(ctx, rand.New(rand.NewPCG(99, n)))
				wg.Wait()
			}
			return nil
		})
		return nil
	})
	if ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	if wrong := c.wrong.Load(); wrong != nil {
		err = errors.Join(err, *wrong)
	}
	if err != nil {
		t.Errorf("after %v: %v", lasts, err)
	}
	for i := range c.data {
		if n := c.data[i].wrong.Load(); n > 0 {
			t.Errorf("floor %d: %d times a writer was not alone", i, n)
		}
	}
	t.Logf("%v: %d operations, %d gave up in time", lasts, c.ops.Load(), c.gaveUp.Load())
}
