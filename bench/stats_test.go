package main

import (
	"math"
	"testing"
)

func TestMedianIsTheMiddleWhateverTheOrder(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		want    float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{1000, 1, 2}, 2},
	} {
		if got := median(c.samples); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.samples, got, c.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing is %v, want NaN", got)
	}
	samples := []float64{3, 1, 2}
	median(samples)
	if samples[0] != 3 {
		t.Error("median has sorted its caller's samples")
	}
}

func TestQuantileIsASampleAndTheLastIsTheLargest(t *testing.T) {
	var samples []float64
	for i := 100; i > 0; i-- {
		samples = append(samples, float64(i))
	}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.01, 1}, {0.5, 50}, {0.99, 99}, {0.991, 100}, {1, 100}} {
		if got := quantile(samples, c.q); got != c.want {
			t.Errorf("quantile %v of 1 to 100 is %v, want %v", c.q, got, c.want)
		}
	}
	if got := quantile([]float64{4}, 0.99); got != 4 {
		t.Errorf("p99 of one sample is %v, want the sample", got)
	}
}

func TestRatioIsLowerWhenOursIsBetter(t *testing.T) {
	if got := nanoseconds.ratio(100, 400); got != 0.25 {
		t.Errorf("four times as fast: got %v, want 0.25", got)
	}
	if got := perSecond.ratio(400, 100); got != 0.25 {
		t.Errorf("four times the throughput: got %v, want 0.25", got)
	}
}

func TestRivalComparesMediansAndTellsTheSpreadOfRounds(t *testing.T) {
	c := rival("x", []float64{100, 300, 200}, []float64{100, 100, 400}, nanoseconds)
	if c.value.n != 100 || c.ratio != 2 || c.low != 0.5 || c.high != 3 || c.rounds != 3 {
		t.Errorf("got %+v, want value 100, ratio 2, spread 0.5 to 3, 3 rounds", c)
	}
}

func TestQuantitiesReadTheSameWhateverTheirSize(t *testing.T) {
	for _, c := range []struct {
		q             quantity
		exact, humane string
	}{
		{quantity{312.44, nanoseconds}, "312.4ns", "312 ns"},
		{quantity{8.26, nanoseconds}, "8.3ns", "8.26 ns"},
		{quantity{999.7, nanoseconds}, "999.7ns", "1.00 µs"},
		{quantity{15563, nanoseconds}, "15563.0ns", "15.6 µs"},
		{quantity{2.5e9, nanoseconds}, "2500000000.0ns", "2.50 s"},
		{quantity{356.2, bytes}, "356B", "356 B"},
		{quantity{4096, bytes}, "4096B", "4.00 KiB"},
		{quantity{2006359, perSecond}, "2006359/s", "2.01 M/s"},
		{quantity{1.449, ratioUnit}, "1.45", "1.45×"},
		{quantity{0.125, ratioUnit}, "0.125", "0.125×"},
		{quantity{}, "-", "–"},
	} {
		if got := c.q.String(); got != c.exact {
			t.Errorf("%v %s for programs: got %q, want %q", c.q.n, c.q.unit, got, c.exact)
		}
		if got := c.q.short(); got != c.humane {
			t.Errorf("%v %s for people: got %q, want %q", c.q.n, c.q.unit, got, c.humane)
		}
	}
}
