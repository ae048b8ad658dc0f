//go:build unix

package main

import (
	"context"
	"fmt"
	"time"
)

// pendingJobs returns how many jobs wait: a million, except in tests.
func (p plan) pendingJobs() int { return 10 * p.live }

// pending tells what it costs that very many jobs wait: what each takes on the
// heap, how long it takes to open their log, and how fast others are enqueued
// meanwhile.
func pending(ctx context.Context, r *jobRun) (outcomes []jobOutcome, err error) {
	n, dir := r.plan.pendingJobs(), r.fresh("pending")
	heap, err := weighPending(ctx, dir, n)
	if err != nil {
		return nil, err
	}
	recovery, err := recoverPending(ctx, dir)
	if err != nil {
		return nil, err
	}
	beside, err := r.besidePending(ctx, dir)
	if err != nil {
		return nil, err
	}
	many := fmt.Sprintf("%d jobs of %d bytes wait", n, jobSize)
	heap.notes, recovery.notes = append(heap.notes, many), append(recovery.notes, many)
	beside.notes = append(beside.notes, many+fmt.Sprintf(", and what %d producers add; empty is a new log in every round", jobProducers))
	return []jobOutcome{{outcome: heap}, {outcome: recovery}, {outcome: beside}}, nil
}

// weighPending puts n jobs aside in dir and returns what each takes.
func weighPending(ctx context.Context, dir string, n int) (o outcome, err error) {
	d, err := startDepot()
	if err != nil {
		return o, err
	}
	defer finish(d.stop, &err)
	if _, err := ask(ctx, d, depotOpen, openIn{Dir: dir}); err != nil {
		return o, err
	}
	f, err := ask(ctx, d, depotFill, fillIn{Jobs: n})
	if err != nil {
		return o, err
	}
	o = outcome{name: "pending-1M-heap", per: "job", ours: quantity{float64(f.Heap) / float64(n), bytes}}
	o.debts = []debt{{"", quantity{768, bytes}, o.ours}}
	o.notes = []string{fmt.Sprintf("its record in the log takes %v", quantity{float64(f.Log) / float64(n), bytes})}
	return o, nil
}

// recoverPending opens the log in dir, several times.
func recoverPending(ctx context.Context, dir string) (o outcome, err error) {
	const times = 3
	var took, logged []float64
	for range times {
		t, err := reopen(ctx, dir)
		if err != nil {
			return o, err
		}
		took, logged = append(took, float64(t.All.Nanoseconds())), append(logged, float64(t.Log.Nanoseconds()))
	}
	o = outcome{name: "pending-1M-recovery", per: "log", ours: quantity{median(took), nanoseconds}}
	o.debts = []debt{{"", quantity{3e9, nanoseconds}, o.ours}}
	o.notes = []string{fmt.Sprintf("from opening the log, which takes %v, to the first new job that is safe; of %d times", quantity{median(logged), nanoseconds}, times)}
	return o, nil
}

// reopen opens the log in dir in a process that is new, and has no garbage.
func reopen(ctx context.Context, dir string) (took reopening, err error) {
	d, err := startDepot()
	if err != nil {
		return took, err
	}
	defer finish(d.stop, &err)
	return ask(ctx, d, depotOpen, openIn{Dir: dir})
}

// besidePending compares how fast jobs are enqueued where those in dir wait with
// how fast they are where none do.
func (r *jobRun) besidePending(ctx context.Context, dir string) (o outcome, err error) {
	full, err := startDepot()
	if err != nil {
		return o, err
	}
	defer finish(full.stop, &err)
	if _, err := ask(ctx, full, depotOpen, openIn{Dir: dir}); err != nil {
		return o, err
	}
	empty, err := startDepot()
	if err != nil {
		return o, err
	}
	defer finish(empty.stop, &err)
	c, err := compete(r.plan, 2, func(i int, lasting time.Duration) (score, error) {
		if i == 0 {
			return ask(ctx, full, depotProduce, lasting)
		}
		if _, err := ask(ctx, empty, depotOpen, openIn{Dir: r.fresh("empty")}); err != nil {
			return score{}, err
		}
		return ask(ctx, empty, depotProduce, lasting)
	})
	if err != nil {
		return o, err
	}
	o = c.outcome(1, []string{"hem", "empty"})
	o.name, o.per = "pending-1M", "job"
	o.charge(owed{"empty", 1 / 0.8})
	return o, nil
}
