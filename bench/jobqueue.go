//go:build unix

package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"time"
)

// jobSize is how many bytes of payload a job has.
const jobSize = 256

// A queue is somebody's way to put jobs aside for later. Nobody works on them.
type queue struct {
	name string

	// one puts one job aside, many so many in one call. Once they return, the
	// jobs are as safe as the queue ever makes them. nil: it has no such call.
	one  func(ctx context.Context) error
	many func(ctx context.Context, n int) error

	broken error // why it is not to be had, and none of its calls can be made
}

// A window is what producers got done in a stretch of time.
type window struct {
	calls []call
	took  time.Duration
}

// A call is one that a producer waited for.
type call struct {
	began time.Time
	took  time.Duration
}

func (w window) perSecond() float64 { return float64(len(w.calls)) / w.took.Seconds() }

// waits returns how long each call took, in nanoseconds.
func (w window) waits() (all []float64) {
	for _, c := range w.calls {
		all = append(all, float64(c.took.Nanoseconds()))
	}
	return all
}

// produce has so many producers make one call after the other, at least one each,
// until enough says so. The calls that are under way then count, and so does the
// time until the last of them returns.
func produce(ctx context.Context, producers int, enough func(now time.Time) bool, do func(context.Context) error) (w window, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for range producers {
		all.Go(func() {
			var calls []call
			var failed error
			for now := time.Now(); failed == nil && (len(calls) == 0 || !enough(now)); {
				failed = do(ctx)
				after := time.Now()
				calls = append(calls, call{now, after.Sub(now)})
				now = after
			}
			mu.Lock()
			defer mu.Unlock()
			w.calls = append(w.calls, calls...)
			err = cmp.Or(err, failed)
		})
	}
	all.Wait()
	w.took = time.Since(began)
	return w, err
}

// after returns what is enough after so long, from now.
func after(d time.Duration) (enough func(time.Time) bool) {
	end := time.Now().Add(d)
	return func(now time.Time) bool { return !now.Before(end) }
}

// windows returns how long one lasts and how many each side has.
func (p plan) windows() (lasting time.Duration, rounds int) {
	return 10 * p.sample, max(3, p.rounds/3)
}

// A score is what a side got done in one turn.
type score struct {
	Rate  float64   // calls a second
	Waits []float64 // how long each took, in nanoseconds, if that is known
}

func (w window) score() score { return score{w.perSecond(), w.waits()} }

// A contest is what several sides got done in windows, in turns.
type contest struct {
	rates [][]float64 // calls a second, of every round
	waits [][]float64 // of all rounds
	tails [][]float64 // the p99 of the waits of every round
}

// compete gives each of n sides a window in every round, in a new random order,
// and before the first a short one that does not count.
func compete(p plan, n int, turn func(i int, lasting time.Duration) (score, error)) (c contest, err error) {
	lasting, rounds := p.windows()
	c = contest{make([][]float64, n), make([][]float64, n), make([][]float64, n)}
	for round := range rounds + 1 {
		for _, i := range rand.Perm(n) {
			runtime.GC() // nobody pays for garbage that another has left
			if round == 0 {
				if _, err := turn(i, lasting/4); err != nil {
					return c, err
				}
				continue
			}
			s, err := turn(i, lasting)
			if err != nil {
				return c, err
			}
			c.rates[i] = append(c.rates[i], s.Rate)
			c.waits[i] = append(c.waits[i], s.Waits...)
			c.tails[i] = append(c.tails[i], quantile(s.Waits, 0.99))
		}
	}
	return c, nil
}

// outcome sets the first side beside the others. Each call is so many jobs.
func (c contest) outcome(jobs int, names []string) (o outcome) {
	for _, rates := range c.rates {
		for i := range rates {
			rates[i] *= float64(jobs)
		}
	}
	o.ours = quantity{median(c.rates[0]), perSecond}
	for i, name := range names[1:] {
		o.rivals = append(o.rivals, rival(name, c.rates[0], c.rates[i+1], perSecond))
	}
	if len(c.waits[0]) > 0 {
		o.notes = append(o.notes, c.tellWaits(names))
	}
	return o
}

// tellWaits tells how long a call of each side took.
func (c contest) tellWaits(names []string) string {
	var each []string
	for i, name := range names {
		each = append(each, fmt.Sprintf("%s %v and %v", name,
			quantity{quantile(c.waits[i], 0.5), nanoseconds}, quantity{quantile(c.waits[i], 0.99), nanoseconds}))
	}
	return "a call takes, p50 and p99: " + strings.Join(each, ", ")
}
