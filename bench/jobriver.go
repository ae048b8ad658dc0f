//go:build unix

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverArgs is a job of River's. Its payload is text, which JSON leaves as long
// as it is.
type riverArgs struct {
	Payload string `json:"payload"`
}

func (riverArgs) Kind() string { return "bench.job" }

// riverWorker does nothing: what is measured is the way there.
type riverWorker struct {
	river.WorkerDefaults[riverArgs]
}

func (riverWorker) Work(context.Context, *river.Job[riverArgs]) error { return nil }

// openRiver makes River's tables in an empty database, and a client that inserts.
// Until it is started it works on nothing.
func openRiver(ctx context.Context, pool *pgxpool.Pool) (*river.Client[pgx.Tx], error) {
	driver := riverpgxv5.New(pool)
	quiet := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, riverWorker{})
	return river.NewClient(driver, &river.Config{
		Logger:  quiet,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: jobProducers}},
		Workers: workers,
	})
}

// riverQueues are River as its documentation has it, and its bulk insert by COPY,
// which returns no jobs but how many there were.
func riverQueues(client *river.Client[pgx.Tx]) []queue {
	args := riverArgs{Payload: base64.StdEncoding.EncodeToString(payload(jobSize / 4 * 3))}
	many := func(n int) (all []river.InsertManyParams) {
		for range n {
			all = append(all, river.InsertManyParams{Args: args})
		}
		return all
	}
	return []queue{{
		name: "river",
		one: func(ctx context.Context) error {
			_, err := client.Insert(ctx, args, nil)
			return err
		},
		many: func(ctx context.Context, n int) error {
			jobs, err := client.InsertMany(ctx, many(n))
			if err == nil && len(jobs) != n {
				err = fmt.Errorf("river: %d jobs inserted as %d", n, len(jobs))
			}
			return err
		},
	}, {
		name: "river-fast",
		many: func(ctx context.Context, n int) error {
			inserted, err := client.InsertManyFast(ctx, many(n))
			if err == nil && inserted != n {
				err = fmt.Errorf("river: %d jobs inserted as %d", n, inserted)
			}
			return err
		},
	}}
}
