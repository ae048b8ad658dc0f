package pool_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

func TestTheDefaultSizeFollowsGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(2)
	p := newPool(t, pool.Config{})
	if n := p.Stats().Size; n != 1 {
		t.Errorf("%d slots of 2 processors, want 1", n)
	}
	first := block(t, p)
	runtime.GOMAXPROCS(4)
	// Nobody asks for figures: what would have to wait looks for itself.
	second, third := block(t, p), block(t, p)
	if s := p.Stats(); s.Size != 3 || s.Running != 3 {
		t.Errorf("%d run in %d slots of 4 processors, want 3 in 3", s.Running, s.Size)
	}
	runtime.GOMAXPROCS(1)
	if n := p.Stats().Size; n != 1 {
		t.Errorf("%d slots of one processor, want 1", n)
	}
	wait := queueOne(t, p)
	first.release()
	second.release()
	if n := p.Stats().Queued; n != 1 {
		t.Errorf("%d wait while one runs in one slot, want 1", n)
	}
	third.release()
	wait()
}

func TestASizeThatWasChosenFollowsNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	chosen, resized := newPool(t, pool.Config{Size: 2}), newPool(t, pool.Config{})
	if err := resized.Resize(2); err != nil {
		t.Error(err)
	}
	runtime.GOMAXPROCS(5)
	if a, b := chosen.Stats().Size, resized.Stats().Size; a != 2 || b != 2 {
		t.Errorf("sizes %d and %d, want 2", a, b)
	}
}

func TestMoreSlotsAreFilledAtOnceAndFewerAsRunsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		var now atomic.Int64 // not Stats, which looks at the size itself
		running := func(want int64) {
			synctest.Wait()
			if n := now.Load(); n != want {
				t.Errorf("%d run, want %d", n, want)
			}
		}
		err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
			for range 12 {
				p.Go(s, func(context.Context) error {
					now.Add(1)
					time.Sleep(time.Second)
					now.Add(-1)
					return nil
				})
			}
			running(1)
			p.Resize(4)
			running(4)
			p.Resize(2)
			running(4)
			time.Sleep(1500 * time.Millisecond)
			running(2)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestWorkThatWaitsForLongIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var found []graph.Finding
		defer graph.Subscribe(func(f graph.Finding) {
			if f.Code == "pool.saturated" {
				found = append(found, f)
			}
		})()
		p := newPool(t, pool.Config{Size: 1, Name: "busy"})
		err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
			for range 50 {
				p.Go(s, func(context.Context) error { time.Sleep(100 * time.Millisecond); return nil })
			}
			return nil
		})
		if err != nil || len(found) != 1 || !strings.Contains(found[0].Detail, `pool "busy" has had no slot free for 1s`) {
			t.Errorf("got %v and %v, want one finding after a second of five", err, found)
		}
	})
}

func TestAPoolIsSeenInDumpsUntilItIsClosed(t *testing.T) {
	const name = "seen"
	p := newPool(t, pool.Config{Size: 3, Name: name})
	place := func() graph.Place {
		for _, place := range graph.Places() {
			if place.Label() == (graph.Label{Kind: "pool", Name: name}) {
				return place
			}
		}
		return nil
	}
	if place() == nil {
		t.Fatal("it is not registered")
	}
	b := block(t, p)
	figures := map[string]any{}
	for _, f := range place().Figures() {
		figures[f.Name] = f.Value
	}
	if figures["size"] != 3 || figures["running"] != 1 || figures["queued"] != 0 {
		t.Errorf("got %v", figures)
	}
	b.release()
	p.Close(t.Context())
	if place() != nil {
		t.Error("it is still registered")
	}
}

func TestWhoWaitsIsSeenToWaitForASlot(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Queue: 1, Name: "cpu"})
	b := block(t, p)
	var group atomic.Pointer[graph.Group]
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		p.Go(s, nothing, scope.Name("queued"))
		s.Go(func(ctx context.Context) error {
			group.Store(graph.Current(ctx).Group())
			return p.Do(ctx, nothing)
		}, scope.Name("caller"))
		until(t, "both wait", func() bool { return p.Stats().Queued == 2 })
		waits := map[string]string{}
		group.Load().Tasks(func(t *graph.Task) bool {
			if w := t.Wait(); w != nil {
				waits[t.Name()] = w.Resource().Label().String()
			}
			return true
		})
		const want = "slot of pool cpu"
		if waits["queued"] != want || waits["caller"] != want {
			t.Errorf("got %v, want both to wait for the %s", waits, want)
		}
		b.release()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFiguresTellHowLongWorkWaitedAndRan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
			for range 100 {
				p.Go(s, func(context.Context) error { time.Sleep(10 * time.Millisecond); return nil })
			}
			return nil
		})
		synctest.Wait()
		s := p.Stats()
		about := func(what string, got, want time.Duration) {
			if got < want*99/100 || got > want*9/8 {
				t.Errorf("%s is %v, want about %v", what, got, want)
			}
		}
		about("the median wait", s.Wait.P50, 500*time.Millisecond)
		about("nine tenths of waits", s.Wait.P90, 900*time.Millisecond)
		about("the longest wait", s.Wait.Max, 990*time.Millisecond)
		about("the median run", s.Run.P50, 10*time.Millisecond)
		about("the longest run", s.Run.Max, 10*time.Millisecond)
		if err != nil || s.Done != 100 {
			t.Errorf("got %v, %d done", err, s.Done)
		}
	})
}

func TestQuantilesAreAtMostAnEighthTooLong(t *testing.T) {
	for _, d := range []time.Duration{1, 7, 8, 9, 100, 999, time.Microsecond, 12345, time.Millisecond, 77 * time.Millisecond, time.Second, time.Hour, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(t, pool.Config{Size: 1})
			p.Do(t.Context(), func(context.Context) error { time.Sleep(d); return nil })
			s := p.Stats().Run
			if s.Max != d || s.P50 > d || s.P50 < d*7/8 {
				t.Errorf("one run of %v: %+v", d, s)
			}
		})
	}
}

func TestResizeRefusesWhatIsNoSize(t *testing.T) {
	p := newPool(t, pool.Config{Size: 2})
	for _, n := range []int{0, -1} {
		if err := p.Resize(n); fault.KindOf(err) != fault.Invalid || p.Stats().Size != 2 {
			t.Errorf("Resize(%d): got %v and size %d, want Invalid and 2", n, err, p.Stats().Size)
		}
	}
}
