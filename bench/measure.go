package main

import (
	"math/rand/v2"
	"runtime"
	"time"
)

// A plan says how long to look.
type plan struct {
	name   string
	rounds int           // how often each side has its turn
	sample time.Duration // how long the slowest side's turn lasts
	live   int           // tasks to dump
	crowd  int           // tasks to weigh
	knots  int           // knots to tie
}

var (
	thorough = plan{name: "thorough", rounds: 31, sample: 50 * time.Millisecond, live: 100_000, crowd: 100_000, knots: 10_000}
	quick    = plan{name: "quick", rounds: 21, sample: 30 * time.Millisecond, live: 100_000, crowd: 20_000, knots: 2_000}
)

// A side is one of those compared.
type side struct {
	name string
	// open prepares what the side keeps between turns, such as a pool's
	// workers. turn does the operation n times; shut lets go.
	open func() (turn func(n int), shut func())
}

// plain is a side that keeps nothing between turns.
func plain(name string, turn func(n int)) side {
	return side{name, func() (func(int), func()) { return turn, func() {} }}
}

// versus lets the sides take turns and compares each rival with ours, the
// first. A turn is ops operations, n times.
func versus(p plan, ops int, sides []side) outcome {
	turns := make([]func(int), len(sides))
	for i, s := range sides {
		turn, shut := s.open()
		defer shut()
		turns[i] = turn
	}
	n := calibrate(turns, p.sample)
	samples, disturbed := alternate(p.rounds, len(sides), func(i int) float64 {
		turns[i](max(1, n/8)) // a collection takes the stacks of dead goroutines
		return float64(timed(turns[i], n).Nanoseconds()) / float64(n*ops)
	})
	o := outcome{ours: quantity{median(samples[0]), nanoseconds}}
	for i := range sides[1:] {
		o.rivals = append(o.rivals, rival(sides[i+1].name, samples[0], samples[i+1], nanoseconds))
	}
	o.noteDisturbed(disturbed, p.rounds*len(sides))
	return o
}

// rival compares paired samples of a rival's with ours.
func rival(name string, ours, theirs []float64, u unit) compared {
	c := compared{name: name, value: quantity{median(theirs), u}, rounds: len(ours)}
	c.ratio = u.ratio(median(ours), c.value.n)
	for i := range ours {
		r := u.ratio(ours[i], theirs[i])
		if i == 0 {
			c.low, c.high = r, r
		}
		c.low, c.high = min(c.low, r), max(c.high, r)
	}
	return c
}

// alternate gives every one of n sides a turn in every round, in a new order
// each time: a disturbance that lasts longer than a turn hits them all, and a
// rhythm of the machine's falls in step with none.
//
// It takes a sample again if threads had to wait for a processor meanwhile,
// twice at most and, on a machine that never rests, until it has taken twice as
// many as asked for. It returns how many had to stay disturbed.
func alternate(rounds, n int, sample func(i int) float64) (samples [][]float64, disturbed int) {
	samples = make([][]float64, n)
	again := rounds * n
	for range rounds {
		for _, i := range rand.Perm(n) {
			value, missed := attempt(i, sample)
			for try := 1; try < 3 && again > 0 && missed > atRest; try++ {
				again--
				if v, m := attempt(i, sample); m < missed {
					value, missed = v, m
				}
			}
			samples[i] = append(samples[i], value)
			if missed > atRest {
				disturbed++
			}
		}
	}
	return samples, disturbed
}

// atRest is how much of one processor, on average, a sample may miss.
const atRest = 0.1

// attempt takes one sample and tells how much of one processor it missed.
func attempt(i int, sample func(int) float64) (value, missed float64) {
	runtime.GC() // nobody pays for garbage that another has left
	before, start := delayed(), time.Now()
	value = sample(i)
	took := time.Since(start)
	return value, float64(delayed()-before) / float64(max(took, 1))
}

func timed(turn func(int), n int) time.Duration {
	start := time.Now()
	turn(n)
	return time.Since(start)
}

// calibrate returns how many operations the slowest of turns does in d, and
// warms all of them up while finding out.
func calibrate(turns []func(int), d time.Duration) int {
	least := 0
	for _, turn := range turns {
		n := 1
		took := timed(turn, n)
		for took < d/4 && n < 1<<30 {
			n *= 2
			took = timed(turn, n)
		}
		fit := max(1, int(float64(n)*float64(d)/float64(max(took, 1))))
		if least == 0 || fit < least {
			least = fit
		}
	}
	return least
}
