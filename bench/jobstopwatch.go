//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// pickupEvery is the time between two jobs, which are put aside whether those
// before them have been or not.
const pickupEvery = time.Millisecond

// A stopwatch knows how long jobs took from the beginning of the call that puts
// them aside until somebody worked on them.
type stopwatch struct {
	zero time.Time

	mu    sync.Mutex
	waits []wait
	lost  error // what a job brought that has no stamp
}

// A wait is how long a job took, and when it was put aside, since zero.
type wait struct{ at, took time.Duration }

func newStopwatch() *stopwatch { return &stopwatch{zero: time.Now()} }

// stamp returns a job that begins now.
func (s *stopwatch) stamp() []byte { return stamped(time.Since(s.zero).Nanoseconds()) }

// stop is the hand of a job with a stamp.
func (s *stopwatch) stop(_ context.Context, in []byte) error {
	now := time.Since(s.zero)
	ns, err := stampOf(in)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.lost = errors.Join(s.lost, err)
		return nil
	}
	s.waits = append(s.waits, wait{time.Duration(ns), now - time.Duration(ns)})
	return nil
}

func (s *stopwatch) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waits)
}

// took returns how long those jobs took that count, in nanoseconds.
func (s *stopwatch) took(counts func(wait) bool) (all []float64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waits {
		if counts(w) {
			all = append(all, float64(w.took.Nanoseconds()))
		}
	}
	return all, s.lost
}

// drip makes a call each pickupEvery, on a goroutine of its own, at least one and
// until enough says so, and waits for all. If it wakes late it makes up for what
// it has missed.
func drip(ctx context.Context, enough func(now time.Time) bool, call func(context.Context) error) (n int, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for next := time.Now(); n == 0 || !enough(time.Now()); next = next.Add(pickupEvery) {
		time.Sleep(time.Until(next))
		n++
		all.Go(func() {
			if failed := call(ctx); failed != nil {
				mu.Lock()
				defer mu.Unlock()
				err = failed
			}
		})
	}
	all.Wait()
	return n, err
}

const stampSize = 16

// stamped is a payload with a number.
func stamped(n int64) []byte {
	in := payloadText(jobSize)
	copy(in, fmt.Sprintf("%0*x", stampSize, n))
	return in
}

// stampOf returns the number that stamped put in.
func stampOf(in []byte) (int64, error) {
	return strconv.ParseInt(string(in[:min(stampSize, len(in))]), 16, 64)
}
