//go:build unix

package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
	"github.com/hemgo/hem/task"
)

// hemTask is a job of Hem's on which nobody works: mills have tasks of their own.
var hemTask = task.Command("bench.job", func(context.Context, []byte) error { return nil })

// hemConfig is in what one of Hem's queues differs from others.
type hemConfig struct {
	snapshotAfter int64 // 0 is the default
	limits        map[string]job.LimitConfig
}

// hemJobs are Hem's jobs, on a log on the disk.
type hemJobs struct {
	log    *watchedLog
	logged time.Duration // that opening the log took
	owner  *job.Owner
	in     []byte
}

// openHem opens the queue in dir. The disk flushes what it is given, as natslog
// has it; there is no other way to open one.
func openHem(ctx context.Context, dir string, c hemConfig) (*hemJobs, error) {
	quiet, began := slog.New(slog.DiscardHandler), time.Now()
	log, err := natslog.Open(ctx, dir, natslog.Config{Log: quiet})
	if err != nil {
		return nil, err
	}
	h := &hemJobs{log: &watchedLog{roomyLog: log}, logged: time.Since(began), in: payload(jobSize)}
	h.owner, err = job.Open(ctx, h.log, job.Config{
		Name:          "bench",
		Depth:         16 << 20, // more than is put in
		Bytes:         16 << 30,
		Kept:          1,
		SnapshotAfter: c.snapshotAfter,
		Limits:        c.limits,
		Log:           quiet,
	})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return h, nil
}

// queue is Hem as its documentation has it.
func (h *hemJobs) queue() queue {
	client := h.owner.Client()
	return queue{
		name: "hem",
		one: func(ctx context.Context) error {
			_, err := job.Enqueue(ctx, client, hemTask, h.in)
			return err
		},
		many: func(ctx context.Context, n int) error {
			_, err := h.many(ctx, n)
			return err
		},
	}
}

// many puts n jobs aside in one call.
func (h *hemJobs) many(ctx context.Context, n int, options ...job.Option) ([]job.ID, error) {
	batch := make([]job.Job, n)
	for i := range batch {
		var err error
		if batch[i], err = job.New(hemTask, h.in, options...); err != nil {
			return nil, err
		}
	}
	return h.owner.Client().EnqueueMany(ctx, batch)
}

// vain puts n jobs aside and cancels them, of which nothing stays but the records
// in the log.
func (h *hemJobs) vain(ctx context.Context, n int) error {
	ids, err := h.many(ctx, n)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	failed := make([]error, len(ids))
	for i, id := range ids {
		all.Go(func() { _, failed[i] = h.owner.Client().Cancel(ctx, id) })
	}
	all.Wait()
	return errors.Join(failed...)
}

func (h *hemJobs) close() error {
	return errors.Join(h.owner.Close(context.Background()), h.log.Close())
}
