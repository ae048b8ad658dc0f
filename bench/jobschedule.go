//go:build unix

package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hemgo/hem/job"
)

// idling tells how much of a processor is used where many schedules are far from
// their next tick.
func idling(ctx context.Context, r *jobRun) (outcomes []jobOutcome, err error) {
	n := r.plan.live / 10
	d, err := startDepot()
	if err != nil {
		return nil, err
	}
	defer finish(d.stop, &err)
	if _, err := ask(ctx, d, depotOpen, openIn{Dir: r.fresh("schedules")}); err != nil {
		return nil, err
	}
	var without, with idled
	lasting := 333 * r.plan.sample
	if without, err = ask(ctx, d, depotIdle, idleIn{Lasting: lasting / 4}); err != nil {
		return nil, err
	}
	if with, err = ask(ctx, d, depotIdle, idleIn{Schedules: n, Lasting: lasting}); err != nil {
		return nil, err
	}
	o := outcome{name: "schedules-idle", per: "second", ours: with.perSecond()}
	o.debts = []debt{{"", quantity{10e6, nanoseconds}, o.ours}} // 1 % of a processor
	o.notes = []string{fmt.Sprintf("processor time of a process in which %d schedules wait, for each of %.1f seconds; %v without them",
		n, with.Lasted.Seconds(), without.perSecond())}
	return []jobOutcome{{outcome: o}}, nil
}

// idleIn is how many schedules to make, and how long to do nothing then.
type idleIn struct {
	Schedules int
	Lasting   time.Duration
}

// idled is how much processor time went by while nothing was done.
type idled struct{ Used, Lasted time.Duration }

func (i idled) perSecond() quantity {
	return quantity{float64(i.Used.Nanoseconds()) / i.Lasted.Seconds(), nanoseconds}
}

// idleInDepot makes schedules whose next tick is at midnight, and waits.
func idleInDepot(ctx context.Context, in idleIn) (i idled, err error) {
	var next atomic.Int64
	calls := int64(in.Schedules)
	client := stored.owner.Client()
	if calls > 0 {
		_, err = produce(ctx, jobProducers, func(time.Time) bool { return next.Load() >= calls }, func(ctx context.Context) error {
			name := "bench-" + strconv.FormatInt(next.Add(1), 10)
			return job.Schedule(ctx, client, name, job.Every(24*time.Hour), hemTask, stored.in)
		})
	}
	if err != nil {
		return i, err
	}
	settled() // their garbage is not of the time to come
	used, began := ownProcessorTime(), time.Now()
	time.Sleep(in.Lasting)
	return idled{ownProcessorTime() - used, time.Since(began)}, nil
}

// ownProcessorTime is how much this process has used.
func ownProcessorTime() time.Duration {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
