package lock_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// exclusive is data that nobody must touch while another does.
type exclusive struct {
	writers, readers atomic.Int32
	n                int // for the race detector
	wrong            atomic.Int32
}

func (x *exclusive) write() {
	if x.writers.Add(1) != 1 || x.readers.Load() != 0 {
		x.wrong.Add(1)
	}
	x.n++
	x.writers.Add(-1)
}

func (x *exclusive) read() {
	x.readers.Add(1)
	if x.writers.Load() != 0 || x.n < 0 {
		x.wrong.Add(1)
	}
	x.readers.Add(-1)
}

// crowd runs f in n goroutines, of which every fourth is outside every task,
// and fails if any is told of anything but the end of its own context.
func crowd(t *testing.T, n int, f func(ctx context.Context, r *rand.Rand) error) {
	t.Helper()
	bounded(t, func() {
		seed := rand.Uint64()
		err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
			var strangers sync.WaitGroup
			for i := range n {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				if i%4 == 3 {
					strangers.Go(func() {
						if err := f(context.Background(), r); err != nil {
							t.Errorf("seed %d: outside: %v", seed, err)
						}
					})
					continue
				}
				s.Go(func(ctx context.Context) error { return f(ctx, r) })
			}
			strangers.Wait()
			return nil
		})
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	})
}

// impatient is a context that ends after so short a time that it often does in
// the middle of something.
func impatient(ctx context.Context, r *rand.Rand) (context.Context, context.CancelFunc) {
	if r.IntN(3) == 0 {
		ctx, cancel := context.WithCancel(ctx)
		go cancel()
		return ctx, cancel
	}
	return context.WithTimeout(ctx, time.Duration(r.IntN(30))*time.Microsecond)
}

// expected takes the errors of waits that were given up.
func expected(err error) error {
	if k := fault.KindOf(err); k == fault.Cancelled || k == fault.Deadline {
		return nil
	}
	return err
}

func TestCancelledWaitsForAMutexLoseNoWakeUp(t *testing.T) {
	var m lock.Mutex
	var x exclusive
	var given atomic.Int64
	want := int64(amount(t, 5_000, "HEM_CANCELS"))
	crowd(t, 8, func(ctx context.Context, r *rand.Rand) error {
		for i := 0; given.Load() < want; i++ {
			c, cancel := ctx, context.CancelFunc(func() {})
			if r.IntN(2) == 0 {
				c, cancel = impatient(ctx, r)
			}
			err := hold(c, &m, func() error {
				x.write()
				if r.IntN(4) == 0 {
					time.Sleep(time.Duration(r.IntN(20)) * time.Microsecond)
				}
				return nil
			})
			cancel()
			if err != nil {
				given.Add(1)
			}
			if err := expected(err); err != nil {
				return err
			}
			if h, ok := m.TryLock(ctx); ok {
				x.write()
				h.Unlock()
			}
		}
		return nil
	})
	if x.wrong.Load() > 0 {
		t.Errorf("%d times two were in at once", x.wrong.Load())
	}
	if err := hold(context.Background(), &m, nothing); err != nil {
		t.Error(err)
	}
}

func TestCancelledWaitsForAnRWMutexLoseNoWakeUp(t *testing.T) {
	var l lock.RWMutex
	var x exclusive
	var given atomic.Int64
	want := int64(amount(t, 5_000, "HEM_CANCELS"))
	crowd(t, 12, func(ctx context.Context, r *rand.Rand) error {
		for given.Load() < want {
			c, cancel := ctx, context.CancelFunc(func() {})
			if r.IntN(2) == 0 {
				c, cancel = impatient(ctx, r)
			}
			pause := func() {
				if r.IntN(4) == 0 {
					time.Sleep(time.Duration(r.IntN(20)) * time.Microsecond)
				}
			}
			var err error
			switch r.IntN(8) {
			case 0, 1:
				err = write(c, &l, func() error { x.write(); pause(); return nil })
			case 2:
				if h, ok := l.TryLock(c); ok {
					x.write()
					h.Unlock()
				}
			case 3:
				if h, ok := l.TryRLock(c); ok {
					x.read()
					h.Unlock()
				}
			default:
				err = read(c, &l, func() error { x.read(); pause(); return nil })
			}
			cancel()
			if err != nil {
				given.Add(1)
			}
			if err := expected(err); err != nil {
				return err
			}
		}
		return nil
	})
	if x.wrong.Load() > 0 {
		t.Errorf("%d times a writer was not alone", x.wrong.Load())
	}
	if err := write(context.Background(), &l, nothing); err != nil {
		t.Error(err)
	}
}

// More readers than there are slots, some of them outside.
func TestManyReadersAtOnceKeepWritersOutAndAreAllCounted(t *testing.T) {
	var l lock.RWMutex
	var x exclusive
	const n = 300
	var in sync.WaitGroup
	in.Add(n)
	bounded(t, func() {
		err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
			for i := range n {
				reader := func(ctx context.Context) error {
					return read(ctx, &l, func() error {
						in.Done()
						in.Wait()
						x.read()
						return nil
					})
				}
				if i%3 == 0 {
					go reader(ctx)
				} else {
					s.Go(reader)
				}
			}
			in.Wait()
			return write(ctx, &l, func() error { x.write(); return nil })
		})
		if err != nil {
			t.Error(err)
		}
	})
	if x.wrong.Load() > 0 {
		t.Error("the writer was not alone")
	}
}
