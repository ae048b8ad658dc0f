package lock_test

import (
	"context"
	"math/rand/v2"
	"runtime"
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

// storm lets tasks, and every fourth time goroutines outside every task, do op
// under contexts of which most have ended or are ended at any moment, until so
// many waits have been cancelled. Some have no end: they get what they want, or
// a wake-up was lost and the test hangs.
func storm(t *testing.T, op func(ctx context.Context, r *rand.Rand) error) {
	t.Helper()
	want := semCancels(t)
	var cancelled atomic.Int64
	victims := make([]atomic.Pointer[context.CancelFunc], 12)
	live := func(ctx context.Context, i int) error {
		r := rand.New(rand.NewPCG(uint64(i), 71))
		for cancelled.Load() < want {
			c, cancel := semVictim(r, ctx, &victims[i])
			err := op(c, r)
			cancel()
			switch {
			case fault.KindOf(err) == fault.Cancelled:
				cancelled.Add(1)
			case err != nil:
				return err
			}
		}
		return nil
	}
	stop := make(chan struct{})
	var killer, workers sync.WaitGroup
	killer.Go(func() { endSomebody(victims, stop) })
	for i := range victims {
		workers.Go(func() {
			var err error
			if i%4 == 3 {
				err = live(context.Background(), i)
			} else {
				err = inTask(func(ctx context.Context) error { return live(ctx, i) })
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience + time.Duration(want)*50*time.Microsecond):
		var b strings.Builder
		inspect.Dump(&b)
		t.Fatalf("it hangs after %d cancelled waits:\n%s", cancelled.Load(), b.String())
	}
	close(stop)
	killer.Wait()
	t.Logf("%d waits cancelled", cancelled.Load())
}

// endSomebody ends the contexts of victims until stop is closed.
func endSomebody(victims []atomic.Pointer[context.CancelFunc], stop <-chan struct{}) {
	r := rand.New(rand.NewPCG(99, 71))
	for {
		select {
		case <-stop:
			return
		default:
		}
		if cancel := victims[r.IntN(len(victims))].Swap(nil); cancel != nil {
			(*cancel)()
		}
		if r.IntN(64) == 0 {
			runtime.Gosched()
		}
	}
}

func TestCancelledWaitsForAMutexLoseNoWakeUp(t *testing.T) {
	var m lock.Mutex
	var x exclusive
	storm(t, func(ctx context.Context, r *rand.Rand) error {
		if h, ok := m.TryLock(ctx); ok {
			x.write()
			semLinger(r)
			h.Unlock()
		}
		return hold(ctx, &m, func() error { x.write(); semLinger(r); return nil })
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
	storm(t, func(ctx context.Context, r *rand.Rand) error {
		switch r.IntN(8) {
		case 0, 1, 2:
			return write(ctx, &l, func() error { x.write(); semLinger(r); return nil })
		case 3:
			if h, ok := l.TryLock(ctx); ok {
				x.write()
				h.Unlock()
			}
		case 4:
			if h, ok := l.TryRLock(ctx); ok {
				x.read()
				h.Unlock()
			}
		default:
			return read(ctx, &l, func() error { x.read(); semLinger(r); return nil })
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
