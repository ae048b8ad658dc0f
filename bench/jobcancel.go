//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// cancellingRunning tells how long it takes until the context of a hand ends whose job is
// cancelled, where very many are at work.
func cancellingRunning(ctx context.Context, r *jobRun) (outcomes []jobOutcome, err error) {
	hem, err := openHem(ctx, r.fresh("hem"), hemConfig{})
	if err != nil {
		return nil, err
	}
	defer finish(hem.close, &err)
	var o jobOutcome
	running := r.plan.live / 10
	mills := append([]mill{hem.mill("hem", nil)}, r.rivals.pick("river", "asynq")...)
	entrants := o.enter(mills, func(ctx context.Context, m mill, _ time.Duration) (score, error) {
		waits, err := m.cancel(ctx, running, max(1, running/20))
		return score{Waits: waits}, err
	})
	// Each has one turn: to have so many at work takes longer than to cancel some.
	c := contest{waits: make([][]float64, len(entrants)), tails: make([][]float64, len(entrants))}
	for _, i := range rand.Perm(len(entrants)) {
		s, err := entrants[i].turn(ctx, 0)
		if err != nil {
			return nil, err
		}
		c.waits[i], c.tails[i] = s.Waits, []float64{quantile(s.Waits, 0.99)}
	}
	o.ours = quantity{c.tails[0][0], nanoseconds}
	for i, e := range entrants[1:] {
		o.rivals = append(o.rivals, rival(e.name, c.tails[0], c.tails[i+1], nanoseconds))
	}
	o.name, o.per = "cancel-running", "job"
	o.debts = []debt{{"p99", quantity{100e6, nanoseconds}, o.ours}}
	o.notes = []string{
		fmt.Sprintf("the figures are p99, of %d jobs one after the other, from the call until the handler's context ends; %d run", len(c.waits[0]), running),
		c.tellWaits(names(entrants)),
	}
	return []jobOutcome{o}, nil
}

// cancel has so many jobs at work at the same time, cancels some of them, any, and
// returns how long it took each time.
func (m mill) cancel(ctx context.Context, running, some int) (waits []float64, err error) {
	c := &crew{over: make(chan struct{})}
	for range running {
		c.ended = append(c.ended, make(chan time.Time, 1))
	}
	s, err := m.open(ctx, running, c.hold)
	if err != nil {
		return nil, err
	}
	defer finish(func() error { return s.end(ctx) }, &err)
	defer c.dismiss()
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	var cancels []cancelling
	for len(cancels) < running {
		batch := make([][]byte, min(jobBulk, running-len(cancels)))
		for i := range batch {
			batch[i] = stamped(int64(len(cancels) + i))
		}
		more, err := s.lay(ctx, batch)
		if err != nil {
			return nil, err
		}
		cancels = append(cancels, more...)
	}
	if err := await(ctx, "have all at work", func() bool { return int(c.begun.Load()) >= running }); err != nil {
		return nil, err
	}
	for _, i := range rand.Perm(running)[:some] {
		began := time.Now()
		if err := cancels[i](ctx); err != nil {
			return nil, err
		}
		select {
		case ended := <-c.ended[i]:
			waits = append(waits, float64(ended.Sub(began).Nanoseconds()))
		case <-time.After(millPatience):
			return nil, errors.New("a job that was cancelled goes on")
		}
	}
	return waits, nil
}

// A crew are hands that do nothing until their jobs are cancelled, or it is over.
type crew struct {
	begun atomic.Int64
	ended []chan time.Time // of each job, by the number it brings
	over  chan struct{}
	once  sync.Once
}

func (c *crew) hold(ctx context.Context, in []byte) error {
	n, err := stampOf(in)
	if err != nil {
		return err
	}
	c.begun.Add(1)
	select {
	case <-ctx.Done():
		select {
		case c.ended[n] <- time.Now():
		default: // it is tried again, and nobody waits
		}
	case <-c.over:
	}
	return nil
}

func (c *crew) dismiss() { c.once.Do(func() { close(c.over) }) }
