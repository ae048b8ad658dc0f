package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/hemgo/hem/scope"
)

// inTurns gives every one of n sides a turn in every round, in a new order each
// time, as alternate does. It takes no sample again: our threads wait for a
// processor whenever our own children have it, so that all of them would be.
func inTurns(rounds, n int, sample func(i int) float64) (samples [][]float64) {
	samples = make([][]float64, n)
	for range rounds {
		for _, i := range rand.Perm(n) {
			runtime.GC() // nobody pays for garbage that another has left
			samples[i] = append(samples[i], sample(i))
		}
	}
	return samples
}

// oneByOne compares calls of one caller to one worker.
func oneByOne(size int) func(plan) (outcome, error) {
	return func(p plan) (outcome, error) {
		var turns []func(int)
		for _, s := range echoing(size) {
			turn, shut := s.open()
			defer shut()
			turns = append(turns, turn)
		}
		n := calibrate(turns, p.sample)
		return set(nanoseconds, inTurns(2*p.rounds, len(turns), func(i int) float64 {
			return float64(timed(turns[i], n).Nanoseconds()) / float64(n)
		})), nil
	}
}

// concurrently compares how many calls several callers get through.
func concurrently(callers, size, workers int) func(plan) (outcome, error) {
	return func(p plan) (o outcome, err error) {
		in := payload(size)
		var turns []func(int)
		for _, place := range places {
			e := place.start(workers)
			defer e.stop()
			turns = append(turns, func(n int) {
				inTask(func(ctx context.Context) { e.crowd(ctx, in, callers, n) })
			})
		}
		n := calibrate(turns, p.sample)
		o = set(perSecond, inTurns(2*p.rounds, len(turns), func(i int) float64 {
			return float64(callers*n) / timed(turns[i], n).Seconds()
		}))
		o.notes = append(o.notes, fmt.Sprintf("%d callers; hem and pipe have %d processes, go-plugin one that serves all at once", callers, workers))
		return o, nil
	}
}

// crowd has so many callers make n calls each.
func (e echoer) crowd(ctx context.Context, in []byte, callers, n int) {
	must(scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for range callers {
			s.Go(func(ctx context.Context) error {
				e.calls(ctx, in, n)
				return nil
			})
		}
		return nil
	}))
}

// set makes an outcome of the samples of places, in their order.
func set(u unit, samples [][]float64) (o outcome) {
	o.ours = quantity{median(samples[0]), u}
	for i, place := range places[1:] {
		o.rivals = append(o.rivals, rival(place.name, samples[0], samples[i+1], u))
	}
	return o
}

// spawning compares how long it takes from the start of a process to its first
// answer. A pool of ours stays open beside, as in a program that uses one: the
// first has to start what guards its workers, too.
func spawning(p plan) (outcome, error) {
	beside := hemProc.start(1)
	defer beside.stop()
	in := payload(1 << 10)
	sample := func(i int) float64 {
		var took time.Duration
		inTask(func(ctx context.Context) {
			start := time.Now()
			e := places[i].start(1)
			e.try(ctx, in)
			took = time.Since(start)
			e.stop()
		})
		return float64(took.Nanoseconds())
	}
	for i := range places {
		sample(i)
	}
	return set(nanoseconds, inTurns(2*p.rounds, len(places), sample)), nil
}

// weighing compares what a process that has answered, and now does nothing,
// keeps resident. All run the same binary.
func weighing(p plan) (o outcome, err error) {
	if _, err := weigh(os.Getpid()); err != nil {
		return o, err
	}
	var private, samples [3][]float64
	for range max(1, p.rounds/4) {
		for i, place := range places {
			w, err := place.weigh()
			if err != nil {
				return o, err
			}
			samples[i] = append(samples[i], w.resident)
			private[i] = append(private[i], w.private)
		}
	}
	o = set(bytes, samples[:])
	o.notes = append(o.notes, "resident; of which private to the process:")
	for i, place := range places {
		o.notes[0] += fmt.Sprintf(" %s %v", place.name, quantity{median(private[i]), bytes})
	}
	return o, nil
}

// weigh weighs a process of p's that is idle.
func (p place) weigh() (w weight, err error) {
	e := p.start(1)
	defer e.stop()
	inTask(func(ctx context.Context) { e.calls(ctx, payload(1<<10), 100) })
	time.Sleep(50 * time.Millisecond)
	return weigh(e.pid())
}

// A weight is what a process keeps in memory: all of it, and what it shares
// with nobody, which its binary's code is not part of.
type weight struct{ resident, private float64 }

// weigh reads what the kernel counts, where that is Linux. Elsewhere it is
// nothing.
func weigh(pid int) (w weight, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		return w, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return w, err
	}
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.ParseFloat(fields[1], 64)
		w.resident = pages * float64(os.Getpagesize())
	}
	text, err = os.ReadFile(filepath.Join(dir, "smaps_rollup"))
	if err != nil {
		return w, err
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "Private_") {
			kib, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			w.private += kib * 1024
		}
	}
	return w, nil
}
