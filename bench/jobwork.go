//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// workSlots is how many jobs are worked on at a time.
const workSlots = 500

// working compares how many jobs are put aside and done, each of them by itself,
// while producers and workers are busy at the same time.
func working(ctx context.Context, r *jobRun) (outcomes []jobOutcome, err error) {
	for _, producers := range []int{jobProducers, 4 * jobProducers} {
		o, err := r.work(ctx, producers)
		if err != nil {
			return outcomes, err
		}
		o.name, o.per = "work-acked", "job"
		if producers != jobProducers {
			o.name = fmt.Sprintf("work-acked-%d", producers)
		}
		o.charge(owed{"river", 0.25})
		o.charge(owed{"asynq", 0.125})
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// work sets Hem's mill beside the others and, in the first row, beside what these
// do if all jobs are there before anybody works: it is how they are often measured.
func (r *jobRun) work(ctx context.Context, producers int) (o jobOutcome, err error) {
	hem, err := openHem(ctx, r.fresh("hem"), hemConfig{})
	if err != nil {
		return o, err
	}
	defer finish(hem.close, &err)
	mills := append([]mill{hem.mill("hem", nil)}, r.rivals.pick("river", "asynq", "asynq-always")...)
	var laid []mill
	if producers == jobProducers {
		laid = r.rivals.pick("river-eager", "asynq")
	}
	entrants := o.enter(mills, func(ctx context.Context, m mill, lasting time.Duration) (score, error) {
		rate, err := m.grind(ctx, producers, lasting)
		return score{Rate: rate}, err
	})
	entrants = append(entrants, o.enter(preloaded(laid), func(ctx context.Context, m mill, _ time.Duration) (score, error) {
		rate, err := m.grindLaid(ctx)
		return score{Rate: rate}, err
	})...)
	c, err := contend(ctx, r.plan.longer(), entrants)
	if err != nil {
		return o, err
	}
	o.outcome = c.outcome(1, names(entrants))
	return o, nil
}

// preloaded says in the names of mills that all jobs are there before they work.
func preloaded(mills []mill) []mill {
	for i := range mills {
		mills[i].name = strings.TrimSuffix(mills[i].name, "-eager") + "-preloaded"
	}
	return mills
}
