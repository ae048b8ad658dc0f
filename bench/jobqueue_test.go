//go:build unix

package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestProducersWaitForEachCallAndTheLastCallsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := produce(t.Context(), 4, after(25*time.Millisecond), func(context.Context) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(w.calls) != 12 || w.took != 30*time.Millisecond {
			t.Errorf("%d calls in %v, want 12 in 30ms", len(w.calls), w.took)
		}
		if rate := w.perSecond(); rate != 400 {
			t.Errorf("%v calls a second, want 400", rate)
		}
		for _, wait := range w.waits() {
			if wait != 10e6 {
				t.Errorf("a call took %v ns, want 10e6", wait)
			}
		}
	})
}

func TestProducerStopsAtItsFirstErrorAndTellsIt(t *testing.T) {
	full := errors.New("full")
	var calls atomic.Int32
	_, err := produce(t.Context(), 1, func(time.Time) bool { return false }, func(context.Context) error {
		if calls.Add(1) == 3 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || calls.Load() != 3 {
		t.Errorf("%v after %d calls, want %v after 3", err, calls.Load(), full)
	}
}

func TestEverySideHasAsManyTurnsAndTheFirstDoesNotCount(t *testing.T) {
	turns := make([]int, 3)
	c, err := compete(glance, len(turns), func(i int, _ time.Duration) (score, error) {
		turns[i]++
		return score{Rate: float64(100 * (i + 1)), Waits: []float64{float64(turns[i])}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range turns {
		if n != 4 || len(c.rates[i]) != 3 {
			t.Errorf("side %d had %d turns, of which %d count; want 4 and 3", i, n, len(c.rates[i]))
		}
		if quantile(c.waits[i], 0) != 2 {
			t.Errorf("the first turn of side %d counts", i)
		}
	}
	o := c.outcome(10, []string{"hem", "twice", "thrice"})
	if o.ours.n != 1000 || o.rivals[1].name != "thrice" || o.rivals[1].ratio != 3 {
		t.Errorf("ours is %v, thrice %v: want 1000/s and a ratio of 3", o.ours, o.rivals[1])
	}
}

func TestTurnThatFailsEndsTheContest(t *testing.T) {
	broke := errors.New("broke")
	_, err := compete(glance, 2, func(i int, _ time.Duration) (score, error) {
		if i == 1 {
			return score{}, broke
		}
		return score{Rate: 1}, nil
	})
	if !errors.Is(err, broke) {
		t.Errorf("got %v, want %v", err, broke)
	}
}
