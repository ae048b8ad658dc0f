//go:build unix

package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/task"
)

// hemSlots is how many slots one of Hem's workers has at most.
const hemSlots = 1000

// mill is Hem as its documentation has it, with options for each job, if any.
func (h *hemJobs) mill(name string, options func() []job.Option) mill {
	return h.millOf(name, h.owner.Client(), options)
}

// millOf is mill with the client that its workers have.
func (h *hemJobs) millOf(name string, workers *job.Client, options func() []job.Option) mill {
	if options == nil {
		options = func() []job.Option { return nil }
	}
	return mill{name: name, open: func(_ context.Context, slots int, hand hand) (*shift, error) {
		client, done := h.owner.Client(), task.Command("bench.mill", hand)
		stop := func() error { return nil }
		return &shift{
			begin: func(ctx context.Context) error {
				stop = work(ctx, workers, slots, done)
				return nil
			},
			put: func(ctx context.Context, in []byte) error {
				_, err := job.Enqueue(ctx, client, done, in, options()...)
				return err
			},
			lay: func(ctx context.Context, in [][]byte) (cancels []cancelling, err error) {
				batch := make([]job.Job, len(in))
				for i := range in {
					if batch[i], err = job.New(done, in[i], options()...); err != nil {
						return nil, err
					}
				}
				ids, err := client.EnqueueMany(ctx, batch)
				for _, id := range ids {
					cancels = append(cancels, func(ctx context.Context) error {
						_, err := client.Cancel(ctx, id)
						return err
					})
				}
				return cancels, err
			},
			left: func(ctx context.Context) (int, error) {
				counts, err := client.Counts(ctx, "")
				return int(counts.Ready + counts.Running), err
			},
			end: func(context.Context) error { return stop() },
		}, nil
	}}
}

// work has workers with so many slots together do t until stop is called, which
// waits for them.
func work(ctx context.Context, client *job.Client, slots int, t task.Task) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	failed := make([]error, (slots+hemSlots-1)/hemSlots)
	for i := range failed {
		workers.Go(func() {
			failed[i] = job.Work(ctx, client, job.WorkerConfig{
				Tasks: []task.Task{t},
				Slots: min(hemSlots, slots-i*hemSlots),
				Log:   slog.New(slog.DiscardHandler),
			})
		})
	}
	return func() error {
		cancel()
		workers.Wait()
		return errors.Join(failed...)
	}
}
