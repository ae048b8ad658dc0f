package lock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

func TestAReaderCannotBecomeAWriter(t *testing.T) {
	var l lock.RWMutex
	for range 100 { // also for one in the crowd
		err := inTask(func(ctx context.Context) error {
			return read(ctx, &l, func() error {
				if _, ok := l.TryLock(ctx); ok {
					t.Error("TryLock upgraded")
				}
				err := write(ctx, &l, nothing)
				if !errors.Is(err, lock.ErrUpgrade) || fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
					t.Errorf("upgraded: %v", err)
				}
				return read(ctx, &l, nothing) // nothing is left of it
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		l.RLock(context.Background())
	}
}

// timeline is what happened when, in virtual time.
type timeline struct {
	mu    sync.Mutex
	start time.Time
	at    map[string]time.Duration
}

func (l *timeline) mark(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at[name] = time.Since(l.start)
}

func TestReadingAndWritingAlternate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lock.RWMutex
		tl := &timeline{start: time.Now(), at: make(map[string]time.Duration)}
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			begin := func(name string, after time.Duration, with func(context.Context, *lock.RWMutex, func() error) error, lasts time.Duration) {
				s.Go(func(ctx context.Context) error {
					time.Sleep(after)
					return with(ctx, &l, func() error { tl.mark(name); time.Sleep(lasts); return nil })
				})
			}
			const sec = time.Second
			begin("r1", 0, read, 10*sec)
			begin("w1", 1*sec, write, 10*sec)
			begin("r2", 2*sec, read, 10*sec) // after w1: it must not pass it
			begin("w2", 3*sec, write, 10*sec)
			begin("r3", 12*sec, read, 10*sec) // in w1's time: with r2, before w2
			begin("r4", 21*sec, read, 10*sec) // in the readers' time, while w2 waits: after w2
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]time.Duration{"r1": 0, "w1": 10, "r2": 20, "r3": 20, "w2": 30, "r4": 40} {
			if got := tl.at[name]; got != want*time.Second {
				t.Errorf("%s began at %v, want %vs", name, got, int(want))
			}
		}
	})
}

// A writer that gives up lets the readers in that waited for it.
func TestReadersGoOnWhenTheWriterTheyWaitForLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lock.RWMutex
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			h, err := l.RLock(ctx)
			if err != nil {
				return err
			}
			defer h.Unlock()
			s.Go(func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				if err := write(ctx, &l, nothing); fault.KindOf(err) != fault.Deadline {
					t.Errorf("the writer got %v", err)
				}
				return nil
			})
			synctest.Wait()
			if _, ok := l.TryRLock(ctx); ok {
				t.Error("TryRLock passes a writer that waits")
			}
			start := time.Now()
			f := scope.Go(s, func(ctx context.Context) (time.Duration, error) {
				err := read(ctx, &l, nothing)
				return time.Since(start), err
			})
			took, err := f.Await(ctx)
			if took != time.Minute {
				t.Errorf("the reader waited %v", took)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Readers without a pause, writers without a pause: nobody waits for more than
// the package says.
func TestNeitherReadersNorWritersStarve(t *testing.T) {
	const hold = 10 * time.Millisecond
	for _, test := range []struct {
		name             string
		readers, writers int
		reader, writer   time.Duration // bounds
	}{
		// A reader: the reading under way and one writing. A writer: for each
		// before it a writing and a reading, the reading under way and, since
		// a free turn goes to who is faster, the millisecond.
		{"many readers, one writer", 20, 1, 2 * hold, 2 * hold},
		{"one reader, many writers", 1, 20, 2 * hold, 21*2*hold + time.Millisecond},
		{"both", 10, 10, 2 * hold, 11*2*hold + time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			var l lock.RWMutex
			reads, writes := starve(t, &l, hold, test.readers, test.writers)
			for _, w := range []struct {
				kind        string
				got, atMost time.Duration
			}{{"reader", reads, test.reader}, {"writer", writes, test.writer}} {
				if w.got > w.atMost || w.got == 0 {
					t.Errorf("%s: a %s waited %v, the bound is %v", test.name, w.kind, w.got, w.atMost)
				}
			}
		})
	}
}

// starve lets so many readers and writers use l without a pause, and returns
// the longest waits.
func starve(t *testing.T, l *lock.RWMutex, hold time.Duration, readers, writers int) (reads, writes time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var mu sync.Mutex
	loop := func(longest *time.Duration, with func(context.Context, *lock.RWMutex, func() error) error) func(context.Context) error {
		return func(ctx context.Context) error {
			for ctx.Err() == nil {
				start := time.Now()
				err := with(ctx, l, func() error {
					mu.Lock()
					*longest = max(*longest, time.Since(start))
					mu.Unlock()
					time.Sleep(hold)
					return nil
				})
				if err != nil {
					return nil // the time is up
				}
			}
			return nil
		}
	}
	scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for range readers {
			s.Go(loop(&reads, read))
		}
		for range writers {
			s.Go(loop(&writes, write))
		}
		return nil
	})
	return reads, writes
}
