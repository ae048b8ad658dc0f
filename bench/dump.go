package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/hemgo/hem/inspect"
)

// duringDump compares how fast scopes start and join children while the
// registry, with many other tasks in it, is dumped without a pause, with how
// fast they do when nobody looks. There is a spawner for every processor:
// beside an idle one a dump would seem to cost nothing.
func duringDump(p plan) (o outcome, err error) {
	var arrived sync.WaitGroup
	arrived.Add(p.live)
	gone := taskCrowd(p.live, arrived.Done)
	defer gone()
	arrived.Wait()

	const children = 100
	turn := func(n int) {
		crowded(runtime.GOMAXPROCS(0), func() {
			inTask(func(ctx context.Context) { hemSpawn(ctx, n, children) })
		})
	}
	perTurn := calibrate([]func(int){turn}, 10*p.sample)
	var dumps []float64
	samples, disturbed := alternate(max(3, p.rounds/3), 2, func(i int) float64 {
		stop := func() []float64 { return nil }
		if i == 0 {
			stop = keepDumping()
		}
		took := timed(turn, perTurn)
		dumps = append(dumps, stop()...)
		return float64(runtime.GOMAXPROCS(0)*perTurn*children) / took.Seconds()
	})
	o.ours = quantity{median(samples[0]), perSecond}
	o.rivals = []compared{rival("no dump", samples[0], samples[1], perSecond)}
	o.notes = []string{fmt.Sprintf("dumped %d times %d tasks, each in %v meanwhile", len(dumps), p.live, quantity{median(dumps), nanoseconds})}
	o.noteDisturbed(disturbed, 2*len(samples[0]))
	return o, nil
}

// keepDumping dumps the registry over and over until stop is called, which
// returns how long each dump took.
func keepDumping() (stop func() []float64) {
	end, times := make(chan struct{}), make(chan []float64)
	go func() {
		var took []float64
		for {
			select {
			case <-end:
				times <- took
				return
			default:
				took = append(took, float64(timed(func(int) { must(inspect.Dump(io.Discard)) }, 1).Nanoseconds()))
			}
		}
	}()
	return func() []float64 {
		close(end)
		return <-times
	}
}
