package lock_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// semPatience is how long a test waits for what should take seconds before it
// calls it a hang.
const semPatience = 60 * time.Second

// semCancels is how many cancelled waits the stress wants: HEM_CANCELS=10000000
// is the long form.
func semCancels(t *testing.T) int64 {
	if text := os.Getenv("HEM_CANCELS"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatalf("HEM_CANCELS: %v", err)
		}
		return n
	}
	if testing.Short() {
		return 10_000
	}
	return 50_000
}

// Waits are cancelled at every point of the way into the queue, through it and
// out of it. Some requests have no context to end them: they get their units,
// or a wake-up was lost and the test hangs.
func TestCancelledWaitsLoseNoWakeUp(t *testing.T) {
	want := semCancels(t)
	s := lock.NewSemaphore(5)
	var cancelled, served, patient atomic.Int64
	victims := make([]atomic.Pointer[context.CancelFunc], 12)
	var workers, others sync.WaitGroup
	stop := make(chan struct{})
	for i := range victims {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 4))
			err := scope.Run(context.Background(), func(task context.Context, _ *scope.Scope) error {
				for cancelled.Load() < want {
					ctx, cancel := semVictim(r, task, &victims[i])
					n := 1 + r.Int64N(5)
					var err error
					if r.IntN(2) == 0 {
						err = s.With(ctx, n, func(context.Context) error { semLinger(r); return nil }, lock.Priority(r.IntN(3)-1))
					} else if err = s.Acquire(ctx, n); err == nil {
						semLinger(r)
						s.Release(n)
					}
					cancel()
					switch {
					case err == nil:
						served.Add(1)
						if ctx == task {
							patient.Add(1)
						}
					case fault.KindOf(err) == fault.Cancelled:
						cancelled.Add(1)
					default:
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	others.Go(func() {
		r := rand.New(rand.NewPCG(99, 4))
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
	})
	semMustEnd(t, s, want, workers.Wait)
	close(stop)
	others.Wait()
	t.Logf("%d waits cancelled, %d served, %d of them without a context to end them", cancelled.Load(), served.Load(), patient.Load())
	if patient.Load() == 0 {
		t.Error("nobody waited without a context to end it")
	}
	semIdle(t, s)
}

// semVictim returns the context of a request: mostly one that has ended, or that
// somebody else may end at any moment.
func semVictim(r *rand.Rand, task context.Context, mine *atomic.Pointer[context.CancelFunc]) (context.Context, context.CancelFunc) {
	kind := r.IntN(16)
	if kind == 0 {
		mine.Store(nil)
		return task, func() {}
	}
	ctx, cancel := context.WithCancel(task)
	if kind < 4 {
		cancel()
	} else {
		mine.Store(&cancel)
	}
	return ctx, cancel
}

// semLinger holds units for a moment, at times until others have run.
func semLinger(r *rand.Rand) {
	if r.IntN(2) == 0 {
		runtime.Gosched()
	}
}

// semMustEnd waits for what must end, and says what there is if it does not.
func semMustEnd(t *testing.T, s *lock.Semaphore, work int64, wait func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() { wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(semPatience + time.Duration(work)*50*time.Microsecond):
		t.Fatalf("a wake-up was lost: %d units of %d are free, and %d wait", s.Free(), s.Size(), s.Waiting())
	}
}
