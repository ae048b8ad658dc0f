package main

import (
	"runtime"

	"github.com/alitto/pond/v2"
	"github.com/gammazero/workerpool"
	"github.com/panjf2000/ants/v2"
)

// A competitor is somebody else's pool.
type competitor struct {
	name string
	open func(workers int) (p pooled, shut func())
}

// pooled is what one can ask of a competitor.
type pooled struct {
	submit func(f func())         // returns when f is accepted
	do     func(f func())         // returns when f has run
	result func(f func() int) int // likewise, with what it returned
}

// overChannels makes do and result of submit, for those who have neither, in
// the way that their users do.
func overChannels(submit func(func())) pooled {
	return pooled{
		submit: submit,
		do: func(f func()) {
			done := make(chan struct{})
			submit(func() {
				f()
				close(done)
			})
			<-done
		},
		result: func(f func() int) int {
			result := make(chan int, 1)
			submit(func() { result <- f() })
			return <-result
		},
	}
}

var competitors = []competitor{
	{"ants", func(workers int) (pooled, func()) {
		p, err := ants.NewPool(workers)
		must(err)
		return overChannels(func(f func()) { must(p.Submit(f)) }), p.Release
	}},
	{"pond", func(workers int) (pooled, func()) {
		p, results := pond.NewPool(workers), pond.NewResultPool[int](workers)
		return pooled{
				submit: func(f func()) { must(p.Go(f)) },
				do:     func(f func()) { must(p.Submit(f).Wait()) },
				result: func(f func() int) int {
					v, err := results.Submit(f).Wait()
					must(err)
					return v
				},
			}, func() {
				p.StopAndWait()
				results.StopAndWait()
			}
	}},
	{"workerpool", func(workers int) (pooled, func()) {
		p := workerpool.New(workers)
		use := overChannels(func(f func()) { must(p.Do(f)) })
		use.do = func(f func()) { must(p.DoWait(f)) }
		return use, p.StopWait
	}},
}

// side makes a side of a competitor, whose turns are n batches.
func (c competitor) side(batch func(pooled)) side {
	return side{c.name, func() (func(int), func()) {
		p, shut := c.open(runtime.GOMAXPROCS(0))
		turn := func(n int) {
			for range n {
				batch(p)
			}
		}
		return turn, shut
	}}
}

// pondGroup is pond with work that has an owner who learns of its errors, as
// ours has and pond's Go has not.
func pondGroup(submitters, each int, work func()) side {
	return side{"pond-group", func() (func(int), func()) {
		p := pond.NewPool(runtime.GOMAXPROCS(0))
		task := func() error {
			work()
			return nil
		}
		turn := func(n int) {
			for range n {
				g := p.NewGroup()
				crowded(submitters, func() {
					for range each {
						g.SubmitErr(task)
					}
				})
				must(g.Wait())
			}
		}
		return turn, p.StopAndWait
	}}
}
