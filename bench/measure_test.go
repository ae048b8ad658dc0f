package main

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSidesTakeAsManyTurnsAsThereAreRounds(t *testing.T) {
	var turns [3]int
	samples, _ := alternate(5, 3, func(i int) float64 {
		turns[i]++
		return float64(i)
	})
	for i, s := range samples {
		if len(s) != 5 || s[0] != float64(i) {
			t.Errorf("side %d has samples %v, want five of its own", i, s)
		}
		if turns[i] < 5 {
			t.Errorf("side %d had %d turns, want at least 5", i, turns[i])
		}
	}
}

func TestCalibrateSuitsTheSlowestSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep := func(d time.Duration) func(int) {
			return func(n int) { time.Sleep(time.Duration(n) * d) }
		}
		n := calibrate([]func(int){sleep(time.Millisecond), sleep(10 * time.Millisecond)}, 20*time.Millisecond)
		if n != 2 {
			t.Errorf("got %d operations, want the two that the slower side does in 20 ms", n)
		}
	})
}

func TestOursIsComparedWithEachRival(t *testing.T) {
	var did [3]int
	count := func(i int) func(int) { return func(n int) { did[i] += n } }
	o := versus(glance, 10, []side{plain("hem", count(0)), plain("a", count(1)), plain("b", count(2))})
	if len(o.rivals) != 2 || o.rivals[0].name != "a" || o.rivals[1].name != "b" {
		t.Errorf("got rivals %+v, want a and b", o.rivals)
	}
	for i, n := range did {
		if n == 0 {
			t.Errorf("side %d did nothing", i)
		}
	}
}
