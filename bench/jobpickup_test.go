//go:build unix

package main

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestJobsComeOnTimeHoweverLongTheyTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var most, now atomic.Int64
		n, err := drip(t.Context(), after(10*pickupEvery), func(context.Context) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(5*pickupEvery + pickupEvery/2)
			now.Add(-1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n != 10 && n != 11 || most.Load() != 6 {
			t.Errorf("%d jobs, at most %d at a time; want ten or so, and 6", n, most.Load())
		}
		if took := time.Since(start); took < 14*pickupEvery || took > 16*pickupEvery {
			t.Errorf("it took %v, which is not until the last was through", took)
		}
	})
}

func TestDripTellsWhatFailed(t *testing.T) {
	full := errors.New("full")
	if _, err := drip(t.Context(), after(0), func(context.Context) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

func TestPickupLastsFromTheCallThatPutsAJobAsideUntilItsHandBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits, err := toy{put: 7 * time.Millisecond, know: time.Second}.mill("toy").pickup(t.Context(), 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(waits); n < 20 || n > 21 || !slices.Equal(waits, slices.Repeat([]float64{7e6}, n)) {
			t.Errorf("it took %v, want 7e6 twenty times", waits)
		}
	})
}

func TestStampIsReadAsItWasWrittenAndOthersAreRefused(t *testing.T) {
	for _, n := range []int64{0, 1, 1 << 62} {
		in := stamped(n)
		if got, err := stampOf(in); err != nil || got != n || len(in) != jobSize {
			t.Errorf("%d is read as %d, %v, from %d bytes", n, got, err, len(in))
		}
	}
	w := newStopwatch()
	must(w.stop(t.Context(), []byte("someone else's")))
	if _, err := w.took(func(wait) bool { return true }); err == nil {
		t.Error("a job without a stamp is no error")
	}
}
