//go:build unix

package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// riverHand does by hand what riverWorker does not do.
type riverHand struct {
	river.WorkerDefaults[riverArgs]
	hand hand
}

func (w riverHand) Work(ctx context.Context, j *river.Job[riverArgs]) error {
	return w.hand(ctx, []byte(j.Args.Payload))
}

// riverMills are River as it is without a word, which looks for jobs ten times a
// second at most, and with the shortest time between two looks that it allows.
// Either is best at something: where producers and workers are busy at once, looks
// that find little keep the others waiting.
func riverMills(pool *pgxpool.Pool) []mill {
	return []mill{
		riverMill("river", pool, river.FetchCooldownDefault),
		riverMill("river-eager", pool, river.FetchCooldownMin),
	}
}

// riverMill is River as its documentation has it: a client that inserts and works,
// completes jobs in batches, and hears of new ones by NOTIFY.
func riverMill(name string, pool *pgxpool.Pool, cooldown time.Duration) mill {
	return mill{name: name, open: func(ctx context.Context, slots int, hand hand) (*shift, error) {
		// What others have left would make it slower.
		if _, err := pool.Exec(ctx, "TRUNCATE river_job"); err != nil {
			return nil, err
		}
		workers := river.NewWorkers()
		river.AddWorker(workers, riverHand{hand: hand})
		client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
			Logger:        slog.New(slog.DiscardHandler),
			Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: slots}},
			Workers:       workers,
			FetchCooldown: cooldown,
			JobTimeout:    -1, // none
		})
		if err != nil {
			return nil, err
		}
		return riverShift(ctx, pool, client)
	}}
}

func riverShift(ctx context.Context, pool *pgxpool.Pool, client *river.Client[pgx.Tx]) (*shift, error) {
	// Who counts does not queue with who is counted.
	apart, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	begun := false
	return &shift{
		begin: func(ctx context.Context) error {
			begun = true
			return client.Start(ctx)
		},
		put: func(ctx context.Context, in []byte) error {
			_, err := client.Insert(ctx, riverArgs{Payload: string(in)}, nil)
			return err
		},
		lay: func(ctx context.Context, in [][]byte) (cancels []cancelling, err error) {
			var params []river.InsertManyParams
			for i := range in {
				params = append(params, river.InsertManyParams{Args: riverArgs{Payload: string(in[i])}})
			}
			jobs, err := client.InsertMany(ctx, params)
			for _, j := range jobs {
				cancels = append(cancels, func(ctx context.Context) error {
					_, err := client.JobCancel(ctx, j.Job.ID)
					return err
				})
			}
			return cancels, err
		},
		left: func(ctx context.Context) (n int, err error) {
			err = apart.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state IN ('available', 'running')").Scan(&n)
			return n, err
		},
		end: func(ctx context.Context) error {
			defer apart.Close(ctx)
			if !begun {
				return nil
			}
			if err := client.Stop(ctx); err != nil {
				return fmt.Errorf("stop River: %w", err)
			}
			return nil
		},
	}, nil
}
