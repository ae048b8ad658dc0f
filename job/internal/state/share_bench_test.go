package state_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// BenchmarkShare is what an Enqueue, a claim and a Complete cost together, before
// 10,000 other jobs that are ready: in one group, in a thousand, under a limit by
// ten thousand keys, under one limit that all groups share; and with a thousand
// jobs running.
func BenchmarkShare(b *testing.B) {
	const waiting = 10_000
	for _, c := range []struct {
		name   string
		set    [][]byte
		change func(i int, p *state.Spec)
	}{
		{name: "plain"},
		{name: "1000 groups", change: func(i int, p *state.Spec) { p.Group = groupNames[i%1000] }},
		{name: "10000 keys",
			set:    [][]byte{state.AppendLimit(nil, "l", state.Limit{Running: 1})},
			change: func(i int, p *state.Spec) { p.Limit, p.LimitKey = "l", groupNames[i%10_000] }},
		{name: "10000 keys and a rate",
			set:    [][]byte{state.AppendLimit(nil, "l", state.Limit{Running: 1, Rate: state.Rate{Interval: 1000, Burst: 10}})},
			change: func(i int, p *state.Spec) { p.Limit, p.LimitKey = "l", groupNames[i%10_000] }},
		{name: "a limit for all",
			set:    [][]byte{state.AppendLimit(nil, "l", state.Limit{Running: 1})},
			change: func(i int, p *state.Spec) { p.Limit = "l" }},
		{name: "a limit for all of 1000 groups",
			set:    [][]byte{state.AppendLimit(nil, "l", state.Limit{Running: 1})},
			change: func(i int, p *state.Spec) { p.Group, p.Limit = groupNames[i%1000], "l" }},
		{name: "a wide limit for all of 1000 groups",
			set:    [][]byte{state.AppendLimit(nil, "l", state.Limit{Running: 1 << 30})},
			change: func(i int, p *state.Spec) { p.Group, p.Limit = groupNames[i%1000], "l" }},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := state.New()
			now := int64(1e15)
			s.Begin(now)
			var out state.Outcome
			apply := func(t []byte) {
				if err := s.Apply(t, &out); err != nil {
					b.Fatal(err)
				}
			}
			apply(state.AppendLimits(nil, state.Limits{Jobs: 1 << 40, Bytes: 1 << 40, Kept: 1000, Buried: 1000, KeptBytes: 1 << 40, Ageing: 1e6}))
			apply(state.AppendSessionOpen(nil, "x", false))
			for _, t := range c.set {
				apply(t)
			}
			var buf []byte
			in := make([]byte, 256)
			n := 0
			enqueue := func() {
				p := state.Spec{Task: "bench.job", Queue: "default", Attempts: 3, First: 1e6, Most: 1e9, Keep: 6e8, Bury: 1e12, Input: in}
				if c.change != nil {
					c.change(n*7919, &p)
				}
				n++
				buf = state.AppendEnqueue(buf[:0], p)
				apply(buf)
			}
			for range waiting {
				enqueue()
			}
			b.ReportAllocs()
			for b.Loop() {
				now += 100
				s.Begin(now)
				enqueue()
				id, ok := s.Pick(tasksOfWorker)
				if !ok {
					b.Fatal("nothing is ready")
				}
				buf = state.AppendClaim(buf[:0], 1, id)
				apply(buf)
				buf = state.AppendComplete(buf[:0], 1, id, out.Epoch, nil)
				apply(buf)
			}
		})
	}
}

var tasksOfWorker = state.Filter{Tasks: []string{"bench.other", "bench.job"}}

var groupNames = func() (all [10_000]string) {
	for i := range all {
		all[i] = fmt.Sprint("tenant ", i)
	}
	return all
}()
