//go:build unix

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// workAhead is how many jobs producers may be ahead of those who work. Where these
// are slower, all that more jobs would show is how full the queue gets.
const workAhead = 4 * workSlots

// grind returns how many jobs a second are done, by producers and workers who
// begin with nothing. They have a third of the time, from the first job that is
// done, to get going.
func (m mill) grind(whole context.Context, producers int, lasting time.Duration) (rate float64, err error) {
	ahead, in := make(chan struct{}, workAhead), payloadText(jobSize)
	var going atomic.Bool
	s, err := m.open(whole, workSlots, func(context.Context, []byte) error {
		if !going.Load() {
			going.Store(true)
		}
		return step(ahead)
	})
	if err != nil {
		return 0, err
	}
	defer finish(func() error { return s.end(whole) }, &err)
	if err := s.begin(whole); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancelCause(whole)
	defer cancel(nil)
	var put atomic.Int64
	var enough atomic.Bool
	var watch sync.WaitGroup
	var watched error
	watch.Go(func() {
		defer enough.Store(true)
		start := func() error {
			err := await(ctx, "do the first job", going.Load)
			time.Sleep(lasting / 3)
			return err
		}
		rate, watched = s.rate(ctx, &put, start, func() error { time.Sleep(lasting); return nil })
		if watched != nil {
			cancel(watched) // nobody may be there for whom producers wait
		}
	})
	_, err = produce(ctx, producers, func(time.Time) bool { return enough.Load() }, func(ctx context.Context) error {
		select {
		case ahead <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := s.put(ctx, in); err != nil {
			return errors.Join(err, step(ahead)) // or others would wait for it
		}
		put.Add(1)
		return nil
	})
	watch.Wait()
	if err := cmp.Or(err, watched); err != nil {
		return 0, err
	}
	return rate, await(ctx, "do the jobs that are left", func() bool { return len(ahead) == 0 })
}

// step lets a producer go on. It does not wait for one: a job that is done a second
// time has none.
func step(ahead <-chan struct{}) error {
	select {
	case <-ahead:
	default:
	}
	return nil
}

// rate returns how many jobs a second are done between the return of first and
// that of last. put is how many there have been.
func (s *shift) rate(ctx context.Context, put *atomic.Int64, first, last func() error) (float64, error) {
	if err := first(); err != nil {
		return 0, err
	}
	before, began, err := s.done(ctx, put)
	if err != nil {
		return 0, err
	}
	if err := last(); err != nil {
		return 0, err
	}
	after, ended, err := s.done(ctx, put)
	if err != nil {
		return 0, err
	}
	return (after - before) / ended.Sub(began).Seconds(), nil
}

// done tells how many jobs are done and when that was: in the middle of the time
// that it takes to ask.
func (s *shift) done(ctx context.Context, put *atomic.Int64) (n float64, at time.Time, err error) {
	before, began := put.Load(), time.Now()
	left, err := s.left(ctx)
	if err != nil {
		return 0, at, err
	}
	after, ended := put.Load(), time.Now()
	return float64(before+after)/2 - float64(left), began.Add(ended.Sub(began) / 2), nil
}

// workLaid is how many jobs there are before anybody works, where they are
// preloaded.
const workLaid = 5 * workAhead

// grindLaid returns how many jobs a second are done, of jobs that were all put
// aside before; the first tenth and the last do not count.
func (m mill) grindLaid(ctx context.Context) (rate float64, err error) {
	var handled, put atomic.Int64
	s, err := m.open(ctx, workSlots, func(context.Context, []byte) error { handled.Add(1); return nil })
	if err != nil {
		return 0, err
	}
	defer finish(func() error { return s.end(ctx) }, &err)
	batch := make([][]byte, jobBulk)
	for i := range batch {
		batch[i] = payloadText(jobSize)
	}
	for put.Load() < workLaid {
		if _, err := s.lay(ctx, batch); err != nil {
			return 0, err
		}
		put.Add(jobBulk)
	}
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	until := func(n int64) func() error {
		return func() error {
			return await(ctx, "do the jobs", func() bool { return handled.Load() >= n })
		}
	}
	if rate, err = s.rate(ctx, &put, until(workLaid/10), until(workLaid/10*9)); err != nil {
		return 0, err
	}
	return rate, until(workLaid)()
}

// payloadText is a payload that is text, of so many bytes.
func payloadText(size int) []byte { return fmt.Appendf(nil, "%x", payload(size/2)) }
