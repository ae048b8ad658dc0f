//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pickUpDuringSnapshot is pickUp while a snapshot of all jobs that wait is written.
func (r *jobRun) pickUpDuringSnapshot(ctx context.Context) (o jobOutcome, err error) {
	n := r.plan.pendingJobs()
	var p50s, p99s, longest, took []float64
	jobs := 0
	for range max(1, r.plan.rounds/15) {
		s, err := pickUpOnce(ctx, r.fresh("pickup"), n)
		if err != nil {
			return o, err
		}
		jobs += s.Calls
		p50s, p99s = append(p50s, s.P50), append(p99s, s.P99)
		longest, took = append(longest, s.Max), append(took, float64(s.Took.Nanoseconds()))
	}
	ns := func(n float64) quantity { return quantity{n, nanoseconds} }
	o.name, o.per, o.ours = "pickup-during-snapshot", "job", ns(median(p99s))
	o.debts = []debt{{"p99", ns(10e6), o.ours}}
	o.notes = []string{
		fmt.Sprintf("the figure is the p99 of %d jobs; p50 %v, longest %v", jobs, ns(median(p50s)), ns(quantile(longest, 1))),
		fmt.Sprintf("snapshots: %d, of %d jobs and more that are delayed, each written in %v", len(took), n, ns(median(took))),
	}
	return o, nil
}

func pickUpOnce(ctx context.Context, dir string, n int) (s snapshotting, err error) {
	d, err := startDepot()
	if err != nil {
		return s, err
	}
	defer finish(d.stop, &err)
	if err := ripen(ctx, d, dir, fillIn{Jobs: n, Delay: 24 * time.Hour}, 256); err != nil {
		return s, err
	}
	return ask(ctx, d, depotPickup, snapshotPatience)
}

// pickUpInDepot has jobs come to lazy workers until a snapshot has begun and ended,
// or the depot has waited for too long.
func pickUpInDepot(ctx context.Context, patience time.Duration) (sn snapshotting, err error) {
	w := newStopwatch()
	s, err := stored.mill("hem", nil).open(ctx, workSlots, w.stop)
	if err != nil {
		return sn, err
	}
	defer finish(func() error { return s.end(ctx) }, &err)
	if err := s.begin(ctx); err != nil {
		return sn, err
	}
	late := after(patience)
	n, err := drip(ctx, func(now time.Time) bool {
		_, done := stored.log.lastSnapshot()
		return done || late(now)
	}, func(ctx context.Context) error { return s.put(ctx, w.stamp()) })
	if err != nil {
		return sn, err
	}
	if err := await(ctx, "pick up the last jobs", func() bool { return w.count() >= n }); err != nil {
		return sn, err
	}
	snapshot, ok := stored.log.lastSnapshot()
	if !ok {
		return sn, errors.New("no snapshot was written")
	}
	during, err := w.took(func(wt wait) bool { return snapshot.overlaps(call{w.zero.Add(wt.at), wt.took}) })
	if err == nil && len(during) == 0 { // one of so few jobs that it fell between two
		during, err = w.took(func(wait) bool { return true })
	}
	return snapshot.with(during), err
}
