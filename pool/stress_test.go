package pool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

// ledger checks that each piece of work runs exactly once or its submitter is
// told that it has not begun.
type ledger struct {
	t     *testing.T
	ran   atomic.Int64
	told  atomic.Int64
	wrong atomic.Int64
}

// work returns a piece of work and the check of what its submitter was told.
func (l *ledger) work(f func(context.Context) error) (work func(context.Context) error, settle func(error)) {
	var runs atomic.Int64
	work = func(ctx context.Context) error {
		runs.Add(1)
		if f == nil {
			return nil
		}
		return f(ctx)
	}
	settle = func(err error) {
		switch n := runs.Load(); {
		case n == 1 && err == nil:
			l.ran.Add(1)
		case n == 0 && err != nil && !fault.Started(err):
			l.told.Add(1)
		case n == 1 && errors.Is(err, context.DeadlineExceeded) || n == 1 && errors.Is(err, errEnough):
			l.ran.Add(1) // it ran, and its own wait was cut short
		default:
			if l.wrong.Add(1) < 10 {
				l.t.Errorf("it ran %d times and its submitter was told %v", n, err)
			}
		}
	}
	return work, settle
}

func spin(n int) {
	for range n {
		runtime.Gosched()
	}
}

func TestUnderEverythingAtOnceWorkRunsOnceOrItsSubmitterIsTold(t *testing.T) {
	for _, overflow := range []pool.Overflow{pool.Wait, pool.Reject, pool.Shed} {
		t.Run(overflow.String(), func(t *testing.T) {
			p := newPool(t, pool.Config{Size: 2, Queue: 8, Overflow: overflow, Age: time.Millisecond, Target: 100 * time.Microsecond, Interval: time.Millisecond})
			l := &ledger{t: t}
			d := 2 * time.Second
			if testing.Short() {
				d = 200 * time.Millisecond
			}
			stop := time.Now().Add(d)
			var all sync.WaitGroup
			for i := range 16 {
				all.Go(func() {
					r := rand.New(rand.NewPCG(1, uint64(i)))
					for time.Now().Before(stop) {
						l.submit(context.Background(), p, r, 3)
					}
				})
			}
			all.Go(func() {
				r := rand.New(rand.NewPCG(2, 0))
				for time.Now().Before(stop) {
					p.Resize(1 + r.IntN(4))
					p.Stats()
					time.Sleep(time.Millisecond)
				}
			})
			all.Wait()
			if err := p.Close(context.Background()); err != nil {
				t.Error(err)
			}
			t.Logf("%d ran, %d were told that they had not; %+v", l.ran.Load(), l.told.Load(), p.Stats())
		})
	}
}

// Closing in the middle of it all: what was accepted is finished, or told.
func TestClosingUnderLoadLosesNothing(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		p := newPool(t, pool.Config{Size: 2, Queue: 4})
		l := &ledger{t: t}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				for range 50 {
					l.submit(context.Background(), p, r, 2)
				}
			})
		}
		all.Go(func() {
			spin(100)
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(round%3)*50*time.Microsecond)
			defer cancel()
			p.Close(ctx)
		})
		all.Wait()
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// submit does one of everything, down to depth more in the work itself.
func (l *ledger) submit(ctx context.Context, p *pool.Pool, r *rand.Rand, depth int) {
	view := p.With(pool.Priority(pool.Lowest + r.IntN(pool.Highest-pool.Lowest+1)))
	if r.IntN(4) == 0 {
		c, cancel := context.WithTimeoutCause(ctx, time.Duration(r.IntN(300))*time.Microsecond, errEnough)
		defer cancel()
		ctx = c
	}
	seed := r.Uint64()
	var inner func(context.Context) error
	switch {
	case depth > 0 && r.IntN(3) == 0:
		inner = func(ctx context.Context) error {
			l.nested(ctx, p, rand.New(rand.NewPCG(seed, 1)), depth-1)
			return nil
		}
	case r.IntN(3) == 0:
		inner = func(ctx context.Context) error {
			for range 200 {
				if pool.Yield(ctx) != nil {
					break
				}
			}
			return nil
		}
	}
	switch r.IntN(3) {
	case 0:
		work, settle := l.work(inner)
		settle(view.Do(ctx, work))
	case 1:
		l.goMany(ctx, view, r, inner)
	default:
		l.future(ctx, view, r, inner)
	}
}

// nested submits from within a slot, under the context of the work.
func (l *ledger) nested(ctx context.Context, p *pool.Pool, r *rand.Rand, depth int) {
	work, settle := l.work(nil)
	switch r.IntN(4) {
	case 0:
		settle(p.Do(ctx, work))
	case 1:
		l.goMany(ctx, p, r, nil)
	case 2:
		l.future(ctx, p, r, nil)
	default:
		l.submit(ctx, p, r, depth)
	}
}

func (l *ledger) goMany(ctx context.Context, p *pool.Pool, r *rand.Rand, inner func(context.Context) error) {
	type piece struct {
		f      *scope.Future[int]
		settle func(error)
	}
	var pieces []piece
	scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		if r.IntN(3) == 0 {
			go func() { spin(5); s.Cancel(errEnough) }()
		}
		for range 1 + r.IntN(12) {
			work, settle := l.work(inner)
			f := pool.Go(s, p, func(ctx context.Context) (int, error) { return 1, work(ctx) })
			pieces = append(pieces, piece{f, settle})
		}
		return nil
	})
	for _, x := range pieces {
		_, err := x.f.Await(context.Background())
		x.settle(err)
	}
}

func (l *ledger) future(ctx context.Context, p *pool.Pool, r *rand.Rand, inner func(context.Context) error) {
	work, settle := l.work(inner)
	var f *scope.Future[int]
	scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		f = scope.Go(s, func(ctx context.Context) (int, error) { return 1, p.Do(ctx, work) })
		if r.IntN(2) == 0 {
			f.Await(ctx)
		}
		return nil
	})
	_, err := f.Await(context.Background())
	settle(err)
}
