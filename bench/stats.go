package main

import (
	"math"
	"slices"
	"strconv"
)

// median returns the middle of samples, or the mean of the two middle ones.
func median(samples []float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(samples))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// quantile returns the smallest sample that is at least as large as a part q of
// all: q of 0.99 is p99, q of 1 the largest.
func quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(samples))
	return s[min(len(s), max(1, int(math.Ceil(q*float64(len(s))))))-1]
}

// A unit is what a quantity counts. Its text follows the number without a
// space and never varies with the size, so that programs can read it.
type unit string

const (
	nanoseconds unit = "ns"
	bytes       unit = "B"
	perSecond   unit = "/s"
	ratioUnit   unit = "×"
)

// ratio compares so that lower is better: throughputs are turned over.
func (u unit) ratio(ours, rival float64) float64 {
	if u == perSecond {
		return rival / ours
	}
	return ours / rival
}

// A quantity is a number and what it counts. The zero quantity is absent.
type quantity struct {
	n float64
	unit
}

// String is for programs: "312.4ns", "356B", "41250/s", "1.45"; "-" if absent.
func (q quantity) String() string {
	switch q.unit {
	case "":
		return "-"
	case nanoseconds:
		return strconv.FormatFloat(q.n, 'f', 1, 64) + string(q.unit)
	case ratioUnit:
		if q.n < 0.2 {
			return strconv.FormatFloat(q.n, 'f', 3, 64) // as what is owed is said
		}
		return strconv.FormatFloat(q.n, 'f', 2, 64)
	}
	return strconv.FormatFloat(q.n, 'f', 0, 64) + string(q.unit)
}

// short is for people: three digits, and a unit that suits the size.
func (q quantity) short() string {
	scale := func(step float64, names ...string) string {
		n, i := q.n, 0
		for n >= 0.9995*step && i < len(names)-1 {
			n, i = n/step, i+1
		}
		return digits(n) + " " + names[i]
	}
	switch q.unit {
	case nanoseconds:
		return scale(1000, "ns", "µs", "ms", "s")
	case bytes:
		return scale(1024, "B", "KiB", "MiB", "GiB")
	case perSecond:
		return scale(1000, "/s", "k/s", "M/s")
	case ratioUnit:
		return digits(q.n) + string(q.unit)
	}
	return "–"
}

// digits writes three of them: 312, 31.2, 3.12.
func digits(n float64) string {
	places := 2
	switch a := math.Abs(n); {
	case a >= 99.95:
		places = 0
	case a >= 9.995:
		places = 1
	case a > 0 && a < 0.2:
		places = 3
	}
	return strconv.FormatFloat(n, 'f', places, 64)
}
