package graph_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// world is where correct programs live. They cannot wait for themselves:
//
//   - Rungs are taken in order: who holds some takes only later ones.
//   - What is awaited (children, flights, earlier siblings) takes only rungs
//     later than any that the awaiter holds, and nobody awaits later siblings.
//   - Slots are lent while their holder waits.
//
// So every verdict in it is false.
type world struct {
	rungs   []rung
	slots   *slots
	flights []*scope.Flight[int, int] // one for each floor

	ops, grants, expired, cancelled atomic.Int64

	mu    sync.Mutex
	wrong []error
}

// rung is a mutex or a semaphore, and what only its holders may touch.
type rung interface {
	take(ctx context.Context, r *rand.Rand) (leave func(), err error)
	idle() error
	granted() int64
}

type mutexRung struct {
	mutex
	grants int64 // guarded by the mutex itself: the race detector watches
}

func (m *mutexRung) take(ctx context.Context, _ *rand.Rand) (func(), error) {
	if err := m.Lock(ctx); err != nil {
		return nil, err
	}
	m.grants++
	return m.Unlock, nil
}
func (m *mutexRung) granted() int64 { return m.grants }

type semaphoreRung struct {
	*semaphore
	grants, inside atomic.Int64
}

func (s *semaphoreRung) take(ctx context.Context, r *rand.Rand) (func(), error) {
	n := 1 + r.IntN(s.size)
	release, err := s.Acquire(ctx, n)
	if err != nil {
		return nil, err
	}
	s.grants.Add(1)
	if in := s.inside.Add(int64(n)); in > int64(s.size) {
		panic(fmt.Sprintf("semaphore %s: %d units of %d are out", s.name, in, s.size))
	}
	return func() { s.inside.Add(int64(-n)); release() }, nil
}
func (s *semaphoreRung) granted() int64 { return s.grants.Load() }

func newWorld() *world {
	w := &world{slots: &slots{name: "cpu", size: 2}}
	for i := range 9 {
		if i%3 == 2 {
			w.rungs = append(w.rungs, &semaphoreRung{semaphore: newSemaphore(fmt.Sprint("s", i), 1+i/2)})
		} else {
			w.rungs = append(w.rungs, &mutexRung{mutex: mutex{name: fmt.Sprint("m", i)}})
		}
	}
	return w
}

// open gives the world its flights, which need a scope that outlives everyone.
func (w *world) open(s *scope.Scope) {
	for range w.rungs {
		w.flights = append(w.flights, scope.NewFlight[int, int](s))
	}
}

// check judges the error of one operation under ctx: it may have none but that
// its context ended.
func (w *world) check(ctx context.Context, what string, err error) {
	var d *fault.Deadlock
	switch {
	case err == nil:
		return
	case errors.As(err, &d):
		err = fmt.Errorf("%s: a false verdict: %s", what, d.Report())
	case errors.Is(err, errEnough):
		return
	case ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded):
		w.expired.Add(1)
		return
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))):
		w.cancelled.Add(1)
		return
	default:
		err = fmt.Errorf("%s: %w", what, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, err)
}

// errEnough is what tasks fail with on purpose.
var errEnough = errors.New("enough")

// settled says what is wrong when everybody has gone.
func (w *world) settled() error {
	var total int64
	for _, r := range w.rungs {
		w.wrong = append(w.wrong, r.idle())
		total += r.granted()
	}
	if n := w.grants.Load(); n != total {
		w.wrong = append(w.wrong, fmt.Errorf("%d grants were seen by takers, %d by resources", n, total))
	}
	return errors.Join(append(w.wrong, w.slots.idle())...)
}

// work is one step of a correct program, which may take the rungs from floor.
func (w *world) work(ctx context.Context, r *rand.Rand, floor, depth int) {
	w.ops.Add(1)
	if depth <= 0 || floor >= len(w.rungs) || ctx.Err() != nil {
		runtime.Gosched()
		return
	}
	steps := []func(context.Context, *rand.Rand, int, int){
		w.climb, w.climb, w.climb, w.family, w.family, w.futures,
		w.inSlot, w.inSlot, w.hurried, w.each, w.adopted, w.flight, w.nap, w.quorum,
	}
	steps[r.IntN(len(steps))](ctx, r, floor, depth)
}

func (w *world) climb(ctx context.Context, r *rand.Rand, floor, depth int) {
	i := floor + r.IntN(len(w.rungs)-floor)
	leave, err := w.rungs[i].take(ctx, r)
	if err != nil {
		w.check(ctx, "climb", err)
		return
	}
	w.grants.Add(1)
	defer leave()
	for range 1 + r.IntN(2) {
		w.work(ctx, r, i+1, depth-1)
	}
}

// family is a scope whose tasks may be cancelled by any of them.
func (w *world) family(ctx context.Context, r *rand.Rand, floor, depth int) {
	seeds := seedsOf(r, 1+r.IntN(4))
	mood := r.IntN(6)
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		if mood == 0 {
			s.Daemon(func(ctx context.Context) error {
				r := rand.New(rand.NewPCG(seeds[0], 9))
				for ctx.Err() == nil {
					w.work(ctx, r, floor, 1)
				}
				return ctx.Err()
			})
		}
		for i, seed := range seeds {
			s.Go(func(ctx context.Context) error {
				r := rand.New(rand.NewPCG(seed, 1))
				w.work(ctx, r, floor, depth-1)
				if mood == 1 && i == 0 {
					return errEnough
				}
				w.work(ctx, r, floor, depth-2)
				return nil
			})
		}
		if mood == 2 {
			s.Cancel(errEnough)
		}
		w.work(ctx, r, floor, depth-2)
		return nil
	})
	w.check(ctx, "family", err)
}

// futures are awaited by later siblings, and by the body.
func (w *world) futures(ctx context.Context, r *rand.Rand, floor, depth int) {
	seeds := seedsOf(r, 2+r.IntN(4))
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		var made []*scope.Future[int]
		for i, seed := range seeds {
			earlier := slices.Clone(made)
			made = append(made, scope.Go(s, func(ctx context.Context) (int, error) {
				r := rand.New(rand.NewPCG(seed, 2))
				if i > 0 && r.IntN(2) == 0 {
					_, err := earlier[r.IntN(i)].Await(ctx)
					w.check(ctx, "future", err)
				}
				w.work(ctx, r, floor, depth-1)
				return i, nil
			}))
		}
		v, err := made[r.IntN(len(made))].Await(ctx)
		if err == nil && (v < 0 || v >= len(made)) {
			err = fmt.Errorf("future returned %d", v)
		}
		w.check(ctx, "await", err)
		return nil
	})
	w.check(ctx, "futures", err)
}

// inSlot is for tasks without one: who is outside cannot lend, and of nested
// slots a task lends only the innermost.
func (w *world) inSlot(ctx context.Context, r *rand.Rand, floor, depth int) {
	if t := graph.Current(ctx); t == nil || t.Slot() != nil {
		w.climb(ctx, r, floor, depth)
		return
	}
	err := w.slots.Run(ctx, func() { w.work(ctx, r, floor, depth-1) })
	w.check(ctx, "slot", err)
}

// hurried waits under a deadline of its own, which mostly expires.
func (w *world) hurried(ctx context.Context, r *rand.Rand, floor, depth int) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(100))*time.Microsecond)
	defer cancel()
	w.work(ctx, r, floor, depth-1)
}

func (w *world) each(ctx context.Context, r *rand.Rand, floor, depth int) {
	err := scope.Each(ctx, 1+r.IntN(2), slices.Values(seedsOf(r, 4)), func(ctx context.Context, seed uint64) error {
		w.work(ctx, rand.New(rand.NewPCG(seed, 3)), floor, depth-2)
		return nil
	})
	w.check(ctx, "each", err)
}

// adopted goroutines act as tasks of a scope that did not start them.
func (w *world) adopted(ctx context.Context, r *rand.Rand, floor, depth int) {
	seeds := seedsOf(r, 2)
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		began := make(chan bool)
		for _, seed := range seeds {
			go s.Do(ctx, func(ctx context.Context) error {
				began <- true
				w.work(ctx, rand.New(rand.NewPCG(seed, 4)), floor, depth-1)
				return nil
			})
		}
		for range seeds {
			<-began // the rest is for the join, in which a slot is lent
		}
		return nil
	})
	w.check(ctx, "adopted", err)
}

// flight shares a call among those who hold only earlier rungs.
func (w *world) flight(ctx context.Context, r *rand.Rand, floor, depth int) {
	seed := r.Uint64()
	_, err := w.flights[floor].Do(ctx, r.IntN(2), func(ctx context.Context) (int, error) {
		w.work(ctx, rand.New(rand.NewPCG(seed, 5)), floor+1, depth-2)
		return 1, nil
	})
	w.check(ctx, "flight", err)
}

func (w *world) nap(ctx context.Context, r *rand.Rand, floor, _ int) {
	if floor > 0 {
		return // others may be waiting for what we hold
	}
	w.check(ctx, "sleep", scope.Sleep(ctx, time.Duration(r.IntN(100))*time.Microsecond))
}

// quorum cancels those it no longer needs, wherever they wait.
func (w *world) quorum(ctx context.Context, r *rand.Rand, floor, depth int) {
	var fs []func(context.Context) (int, error)
	for _, seed := range seedsOf(r, 3) {
		fs = append(fs, func(ctx context.Context) (int, error) {
			w.work(ctx, rand.New(rand.NewPCG(seed, 6)), floor, depth-2)
			return 0, nil
		})
	}
	_, err := scope.Quorum(ctx, 1, fs...)
	w.check(ctx, "quorum", err)
}

func seedsOf(r *rand.Rand, n int) []uint64 {
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = r.Uint64()
	}
	return seeds
}
