//go:build unix

package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A toy is a mill in memory: it takes so long to put a job aside, and after the
// hand is done until that is known.
type toy struct {
	put, know, cancel time.Duration
	most              *atomic.Int64 // of jobs that wait or are at work; nil: nobody asks
}

func (y toy) mill(name string) mill {
	return mill{name: name, open: func(_ context.Context, slots int, hand hand) (*shift, error) {
		f := &toyShift{toy: y, hand: hand, jobs: make(chan toyJob, 1<<16), over: make(chan struct{}), slots: slots}
		return &shift{begin: f.begin, put: f.putOne, lay: f.lay, left: f.count, end: f.end}, nil
	}}
}

type toyJob struct {
	ctx context.Context
	in  []byte
}

type toyShift struct {
	toy
	hand  hand
	slots int
	jobs  chan toyJob
	over  chan struct{}
	crew  sync.WaitGroup

	mu   sync.Mutex
	left int
}

func (f *toyShift) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left += n
	if f.most != nil {
		f.most.Store(max(f.most.Load(), int64(f.left)))
	}
}

func (f *toyShift) begin(context.Context) error {
	for range f.slots {
		f.crew.Go(func() {
			for {
				select {
				case j := <-f.jobs:
					must(f.hand(j.ctx, j.in))
					time.Sleep(f.know)
					f.add(-1)
				case <-f.over:
					return
				}
			}
		})
	}
	return nil
}

func (f *toyShift) putOne(ctx context.Context, in []byte) error {
	time.Sleep(f.toy.put)
	f.add(1)
	f.jobs <- toyJob{ctx, in}
	return nil
}

func (f *toyShift) lay(ctx context.Context, in [][]byte) (cancels []cancelling, err error) {
	for i := range in {
		ctx, cancel := context.WithCancel(ctx)
		f.add(1)
		f.jobs <- toyJob{ctx, in[i]}
		cancels = append(cancels, func(context.Context) error {
			time.AfterFunc(2*f.cancel, cancel) // it is told later than the call returns
			time.Sleep(f.cancel)
			return nil
		})
	}
	return cancels, nil
}

func (f *toyShift) count(context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left, nil
}

func (f *toyShift) end(context.Context) error {
	close(f.over)
	f.crew.Wait()
	return nil
}

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s is %v, want %v to %v", what, got, low, high)
	}
}

func TestMillDoesAsManyJobsAsItsProducersPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rate, err := toy{put: 10 * time.Millisecond, know: time.Millisecond}.mill("toy").grind(t.Context(), 64, 900*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "the rate of 64 producers, each of whom takes 10ms,", rate, 6300, 6500)
	})
}

func TestMillIsAsFastAsItsWorkersAndProducersWaitForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most atomic.Int64
		m := toy{put: time.Millisecond, know: 100 * time.Millisecond, most: &most}.mill("toy")
		rate, err := m.grind(t.Context(), 64, 900*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "the rate of 500 workers, each of whom takes 100ms,", rate, 4400, 5600)
		if bound := int64(workAhead + workSlots); most.Load() > bound {
			t.Errorf("there were %d jobs at a time, want at most %d", most.Load(), bound)
		}
	})
}

func TestPreloadedMillIsAsFastAsItsWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rate, err := toy{know: 100 * time.Millisecond}.mill("toy").grindLaid(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		within(t, "the rate of 500 workers, each of whom takes 100ms,", rate, 4500, 5500)
	})
}

func TestMillThatDoesNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := toy{}.mill("lazy")
		open := m.open
		m.open = func(ctx context.Context, slots int, hand hand) (*shift, error) {
			s, err := open(ctx, slots, hand)
			s.begin = func(context.Context) error { return nil }
			return s, err
		}
		if _, err := m.grind(t.Context(), 2, time.Second); err == nil {
			t.Error("it has a rate")
		}
	})
}

func TestProducerThatFailsEndsTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		m := toy{put: time.Millisecond}.mill("small")
		open := m.open
		m.open = func(ctx context.Context, slots int, hand hand) (*shift, error) {
			s, err := open(ctx, slots, hand)
			put, n := s.put, 0
			s.put = func(ctx context.Context, in []byte) error {
				if n++; n > 10 {
					return full
				}
				return put(ctx, in)
			}
			return s, err
		}
		if _, err := m.grind(t.Context(), 1, time.Second); !errors.Is(err, full) {
			t.Errorf("got %v, want %v", err, full)
		}
	})
}

func TestJobThatIsDoneTwiceKeepsNobodyWaiting(t *testing.T) {
	ahead := make(chan struct{}, 1)
	ahead <- struct{}{}
	for range 2 {
		if err := step(ahead); err != nil {
			t.Fatal(err)
		}
	}
	if len(ahead) != 0 {
		t.Error("a producer waits")
	}
}

func TestCancelLastsFromTheCallUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits, err := toy{cancel: 3 * time.Millisecond}.mill("toy").cancel(t.Context(), 40, 7)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(waits, slices.Repeat([]float64{6e6}, 7)) {
			t.Errorf("it took %v, want 6e6 seven times", waits)
		}
	})
}

func TestMillsThatAreNotToBeHadAreLackingAndTakeNoTurn(t *testing.T) {
	gone := errors.New("gone")
	var o jobOutcome
	entrants := o.enter([]mill{{name: "here"}, {name: "not", broken: gone}}, func(_ context.Context, m mill, _ time.Duration) (score, error) {
		return score{}, errors.New("tired")
	})
	if got := names(entrants); !slices.Equal(got, []string{"here"}) {
		t.Errorf("%q take part, want here alone", got)
	}
	if len(o.lacking) != 1 || o.lacking[0].name != "not" || !errors.Is(o.lacking[0].broken, gone) {
		t.Errorf("%v are lacking, want not, which is gone", o.lacking)
	}
	if _, err := contend(t.Context(), glance, entrants); err == nil || err.Error() != "here: tired" {
		t.Errorf("got %v, want who it was and why", err)
	}
}
