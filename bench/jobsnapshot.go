//go:build unix

package main

import (
	"context"
	"fmt"
	"time"
)

// snapshotPatience is how long to wait until a snapshot has been written.
const snapshotPatience = time.Minute

// duringSnapshot tells how long it takes to enqueue a job while a snapshot of all
// those that wait is written.
func duringSnapshot(ctx context.Context, r *jobRun) ([]jobOutcome, error) {
	n := r.plan.pendingJobs()
	var p50s, p99s, longest, took, opened []float64
	calls := 0
	for range max(1, r.plan.rounds/15) {
		s, err := r.snapshotOnce(ctx, n)
		if err != nil {
			return nil, err
		}
		calls += s.Calls
		p50s, p99s = append(p50s, s.P50), append(p99s, s.P99)
		longest, took = append(longest, s.Max), append(took, float64(s.Took.Nanoseconds()))
		opened = append(opened, float64(s.opened.Nanoseconds()))
	}
	ns := func(n float64) quantity { return quantity{n, nanoseconds} }
	o := outcome{name: "enqueue-during-snapshot", per: "job", ours: ns(median(p99s))}
	o.debts = []debt{{"p99", ns(10e6), o.ours}}
	o.notes = []string{
		fmt.Sprintf("the figure is the p99 of %d calls of %d producers; p50 %v, longest %v", calls, jobProducers, ns(median(p50s)), ns(quantile(longest, 1))),
		fmt.Sprintf("snapshots: %d, of %d jobs and more, each written in %v, and opened from again in %v", len(took), n, ns(median(took)), ns(median(opened))),
	}
	return []jobOutcome{{outcome: o}}, nil
}

// A snapshotted is a snapshot, and how long it took to open the log that has it.
type snapshotted struct {
	snapshotting
	opened time.Duration
}

// snapshotOnce has a snapshot written in a directory of its own, and opens it.
func (r *jobRun) snapshotOnce(ctx context.Context, n int) (s snapshotted, err error) {
	dir := r.fresh("snapshot")
	if s.snapshotting, err = writeSnapshot(ctx, dir, n); err != nil {
		return s, err
	}
	again, err := reopen(ctx, dir)
	s.opened = again.All
	return s, err
}

// writeSnapshot puts n jobs aside without a snapshot, and others until there is
// one.
func writeSnapshot(ctx context.Context, dir string, n int) (s snapshotting, err error) {
	d, err := startDepot()
	if err != nil {
		return s, err
	}
	defer finish(d.stop, &err)
	// Not at once: the producers are to be under way.
	if err := ripen(ctx, d, dir, fillIn{Jobs: n}, 64); err != nil {
		return s, err
	}
	return ask(ctx, d, depotSnapshot, snapshotPatience)
}

// ripen fills d so that a snapshot begins when there are so many more records that
// they are a part of those there are.
func ripen(ctx context.Context, d *depot, dir string, fill fillIn, part int64) error {
	in := openIn{Dir: dir, SnapshotAfter: 1 << 40}
	if _, err := ask(ctx, d, depotOpen, in); err != nil {
		return err
	}
	// A snapshot of nothing but jobs that wait would be as long as the log, and is
	// not written: some have ended.
	fill.Vain = fill.Jobs / 8
	f, err := ask(ctx, d, depotFill, fill)
	if err != nil {
		return err
	}
	in.SnapshotAfter = f.Log + f.Log/part
	_, err = ask(ctx, d, depotOpen, in)
	return err
}
