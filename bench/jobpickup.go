//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// pickingUp compares how long it takes until somebody works on a job where there
// are more workers than jobs: without anything else, and Hem's alone while a
// snapshot of a million other jobs is written.
func pickingUp(ctx context.Context, r *jobRun) ([]jobOutcome, error) {
	idle, err := r.pickUp(ctx)
	if err != nil {
		return nil, err
	}
	busy, err := r.pickUpDuringSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	return []jobOutcome{idle, busy}, nil
}

func (r *jobRun) pickUp(ctx context.Context) (o jobOutcome, err error) {
	hem, err := openHem(ctx, r.fresh("hem"), hemConfig{})
	if err != nil {
		return o, err
	}
	defer finish(hem.close, &err)
	raw, err := os.Create(r.fresh("raw"))
	if err != nil {
		return o, err
	}
	defer finish(raw.Close, &err)
	mills := append([]mill{hem.mill("hem", nil)}, r.rivals.pick("river", "river-eager", "asynq", "asynq-eager")...)
	entrants := o.enter(mills, func(ctx context.Context, m mill, lasting time.Duration) (score, error) {
		waits, err := m.pickup(ctx, lasting)
		return score{Rate: mean(waits), Waits: waits}, err
	})
	rivals := len(entrants)
	entrants = append(entrants, entrant{"write+fsync", func(ctx context.Context, lasting time.Duration) (score, error) {
		waits, err := flush(ctx, raw, lasting)
		return score{Rate: mean(waits), Waits: waits}, err
	}})
	c, err := contend(ctx, r.plan.longer(), entrants)
	if err != nil {
		return o, err
	}
	all := names(entrants)
	for i, means := range c.rates[:rivals] {
		if i == 0 {
			o.ours = quantity{median(means), nanoseconds}
		} else {
			o.rivals = append(o.rivals, rival(all[i], c.rates[0], means, nanoseconds))
		}
	}
	o.name, o.per = "pickup", "job"
	o.charge(owed{"river", 0.03})
	o.notes = []string{
		"the figures are means; a write+fsync is of as many bytes as a job has, and those of others delay it as they delay jobs",
		c.tellWaits(all),
	}
	o.debts = []debt{{"p99", quantity{2e6, nanoseconds}, quantity{median(c.tails[0]), nanoseconds}}}
	return o, nil
}

// flush has bytes written to f and flushed, as often as jobs come and for so long,
// and returns how long that took.
func flush(ctx context.Context, f *os.File, lasting time.Duration) (waits []float64, err error) {
	in := payloadText(jobSize)
	var mu sync.Mutex
	_, err = drip(ctx, after(lasting), func(context.Context) error {
		began := time.Now()
		_, err := f.Write(in)
		err = errors.Join(err, f.Sync())
		took := time.Since(began)
		mu.Lock()
		defer mu.Unlock()
		waits = append(waits, float64(took.Nanoseconds()))
		return err
	})
	return waits, err
}

// pickup returns how long jobs took, of those that come to lazy workers for so
// long, a thousand a second. Those of a third of that time, before, do not count.
func (m mill) pickup(ctx context.Context, lasting time.Duration) (waits []float64, err error) {
	w := newStopwatch()
	s, err := m.open(ctx, workSlots, w.stop)
	if err != nil {
		return nil, err
	}
	defer finish(func() error { return s.end(ctx) }, &err)
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	put := func(ctx context.Context) error { return s.put(ctx, w.stamp()) }
	before, err := drip(ctx, after(lasting/3), put)
	if err != nil {
		return nil, err
	}
	first := time.Since(w.zero)
	n, err := drip(ctx, after(lasting), put)
	if err != nil {
		return nil, err
	}
	if err := await(ctx, "pick up the last jobs", func() bool { return w.count() >= before+n }); err != nil {
		return nil, err
	}
	return w.took(func(w wait) bool { return w.at >= first })
}

// mean returns the mean of samples.
func mean(samples []float64) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s
	}
	return sum / float64(len(samples))
}
