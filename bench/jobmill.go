//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A mill is somebody's queue, with those who work on it.
type mill struct {
	name string

	// open opens a queue that is empty, and on which nobody works until the shift
	// begins: then so many slots do, until it ends. hand is what they do for each
	// job.
	open func(ctx context.Context, slots int, hand hand) (*shift, error)

	broken error // why it is not to be had, and cannot be opened
}

// A hand is what is done for a job that brings in.
type hand func(ctx context.Context, in []byte) error

// A shift is a time in which a mill works.
type shift struct {
	begin func(ctx context.Context) error

	// put puts one job aside, and returns when it is as safe as it ever is.
	put func(ctx context.Context, in []byte) error

	// lay puts many aside, and returns what cancels each.
	lay func(ctx context.Context, in [][]byte) ([]cancelling, error)

	// left tells how many jobs have been put aside and are not known to be done,
	// if the power fails now.
	left func(ctx context.Context) (int, error)

	// end waits for the hands that have begun, until what they did is known. It
	// must be called, even if there was no beginning.
	end func(ctx context.Context) error
}

// A cancelling cancels one job.
type cancelling func(context.Context) error

// millPatience is how long a shift may take to get done what is left.
const millPatience = time.Minute

// await waits until done.
func await(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, millPatience, errors.New("it takes too long"))
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// An entrant takes part in a contest.
type entrant struct {
	name string
	turn func(ctx context.Context, lasting time.Duration) (score, error)
}

// enter makes entrants of mills; those that are not to be had are rivals which o
// lacks.
func (o *jobOutcome) enter(mills []mill, turn func(context.Context, mill, time.Duration) (score, error)) (all []entrant) {
	for _, m := range mills {
		if m.broken != nil {
			o.lacking = append(o.lacking, queue{name: m.name, broken: m.broken})
			continue
		}
		all = append(all, entrant{m.name, func(ctx context.Context, lasting time.Duration) (score, error) {
			s, err := turn(ctx, m, lasting)
			if err != nil {
				err = fmt.Errorf("%s: %w", m.name, err)
			}
			return s, err
		}})
	}
	return all
}

// longer is p with windows in which a mill gets going, and fewer of them.
func (p plan) longer() plan {
	p.sample, p.rounds = 3*p.sample, p.rounds/2
	return p
}

// contend gives them all their turns.
func contend(ctx context.Context, p plan, all []entrant) (contest, error) {
	return compete(p, len(all), func(i int, lasting time.Duration) (score, error) {
		return all[i].turn(ctx, lasting)
	})
}

func names(all []entrant) (names []string) {
	for _, e := range all {
		names = append(names, e.name)
	}
	return names
}
