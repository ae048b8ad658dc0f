//go:build unix

package main

import (
	"context"
	"time"
)

const (
	jobProducers = 64
	jobBulk      = 1000
)

// enqueueing compares how many jobs producers put aside, each waiting until its
// job is safe before it makes the next.
func enqueueing(ctx context.Context, r *jobRun) ([]jobOutcome, error) {
	o, err := r.compare(ctx, jobProducers, 1, single)
	o.name, o.per = "enqueue-64-producers", "job"
	o.charge(owed{"river", 0.05})
	o.charge(owed{"asynq", 0.67})
	return []jobOutcome{o}, err
}

// enqueueingBulk compares how many jobs one producer puts aside, 1000 in a call.
func enqueueingBulk(ctx context.Context, r *jobRun) ([]jobOutcome, error) {
	o, err := r.compare(ctx, 1, jobBulk, bulk)
	o.name, o.per = "enqueue-bulk-1000", "job"
	o.charge(owed{"river", 0.5})
	return []jobOutcome{o}, err
}

// single and bulk return the calls that are compared, nil if q has none.
func single(q queue) func(context.Context) error { return q.one }

func bulk(q queue) func(context.Context) error {
	if q.many == nil {
		return nil
	}
	return func(ctx context.Context) error { return q.many(ctx, jobBulk) }
}

// compare sets Hem's queue beside those that have such a call, for so many jobs.
func (r *jobRun) compare(ctx context.Context, producers, jobs int, call func(queue) func(context.Context) error) (o jobOutcome, err error) {
	hem, err := openHem(ctx, r.fresh("hem"), hemConfig{})
	if err != nil {
		return o, err
	}
	defer finish(hem.close, &err)
	var names []string
	var calls []func(context.Context) error
	for _, q := range append([]queue{hem.queue()}, r.rivals.queues...) {
		switch call := call(q); {
		case call == nil:
		case q.broken != nil:
			o.lacking = append(o.lacking, q)
		default:
			names, calls = append(names, q.name), append(calls, call)
		}
	}
	c, err := compete(r.plan, len(calls), func(i int, lasting time.Duration) (score, error) {
		w, err := produce(ctx, producers, after(lasting), calls[i])
		return w.score(), err
	})
	if err != nil {
		return o, err
	}
	o.outcome = c.outcome(jobs, names)
	return o, nil
}
