//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// cancellingRunning tells how long it takes until the context of a hand ends whose job is
// cancelled, where very many are at work: in the owner's process, and beyond a socket.
func cancellingRunning(ctx context.Context, r *jobRun) (outcomes []jobOutcome, err error) {
	hem, err := openHem(ctx, r.fresh("hem"), hemConfig{})
	if err != nil {
		return nil, err
	}
	defer finish(hem.close, &err)
	dir, err := os.MkdirTemp("", "hem") // a socket's path is short
	if err != nil {
		return nil, err
	}
	defer finish(func() error { return os.RemoveAll(dir) }, &err)
	workers, leave, err := hem.away(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer finish(leave, &err)
	var o jobOutcome
	running := r.plan.live / 10
	mills := []mill{hem.mill("hem", nil), hem.millOf("hem-remote", workers, nil)}
	mills = append(mills, r.rivals.pick("river", "asynq")...)
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
	const ours, remote, rivals = 0, 1, 2
	row := func(o jobOutcome, name string, told []string, ours int, others ...int) {
		o.name, o.per = name, "job"
		o.ours = quantity{c.tails[ours][0], nanoseconds}
		for _, i := range others {
			o.rivals = append(o.rivals, rival(entrants[i].name, c.tails[ours], c.tails[i], nanoseconds))
		}
		o.debts = []debt{{"p99", quantity{100e6, nanoseconds}, o.ours}}
		o.notes = []string{
			fmt.Sprintf("the figures are p99, of %d jobs one after the other, from the call until the handler's context ends; %d run", len(c.waits[ours]), running),
			c.tellWaits(told),
		}
		outcomes = append(outcomes, o)
	}
	var others []int
	for i := rivals; i < len(entrants); i++ {
		others = append(others, i)
	}
	row(o, "cancel-running", names(entrants), ours, others...)
	row(jobOutcome{}, "cancel-running-remote", names(entrants[:rivals]), remote, ours)
	return outcomes, nil
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
