//go:build unix

package main

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

// asynqQueues numbers queues, since those that others have used are not empty.
var asynqQueues atomic.Int64

// asynqMills are Asynq as it is without a word, and Asynq that looks for jobs as
// often as it helps.
func asynqMills(name string, client *asynq.Client, socket string) []mill {
	return []mill{
		asynqMill(name, client, redisAddress(socket), time.Second),
		asynqMill(name+"-eager", client, redisAddress(socket), time.Millisecond),
	}
}

// asynqMill is Asynq as its documentation has it: a server with as many goroutines
// as there are slots, which looks for jobs again after check when it has found
// none.
func asynqMill(name string, client *asynq.Client, redis asynq.RedisClientOpt, check time.Duration) mill {
	return mill{name: name, open: func(ctx context.Context, slots int, hand hand) (*shift, error) {
		queue := "mill-" + strconv.FormatInt(asynqQueues.Add(1), 10)
		server := asynq.NewServer(redis, asynq.Config{
			Concurrency:       slots,
			TaskCheckInterval: check,
			Queues:            map[string]int{queue: 1},
			Logger:            silence{},
		})
		mux := asynq.NewServeMux()
		mux.HandleFunc("bench.job", func(ctx context.Context, t *asynq.Task) error { return hand(ctx, t.Payload()) })
		inspector := asynq.NewInspector(redis)
		put := func(ctx context.Context, in []byte) (*asynq.TaskInfo, error) {
			return client.EnqueueContext(ctx, asynq.NewTask("bench.job", in), asynq.Queue(queue))
		}
		return &shift{
			begin: func(context.Context) error { return server.Start(mux) },
			put: func(ctx context.Context, in []byte) error {
				_, err := put(ctx, in)
				return err
			},
			lay: func(ctx context.Context, in [][]byte) (cancels []cancelling, err error) {
				for i := range in {
					info, err := put(ctx, in[i])
					if err != nil {
						return nil, err
					}
					cancels = append(cancels, func(context.Context) error { return inspector.CancelProcessing(info.ID) })
				}
				return cancels, nil
			},
			left: func(context.Context) (int, error) {
				info, err := inspector.GetQueueInfo(queue)
				if errors.Is(err, asynq.ErrQueueNotFound) {
					return 0, nil // nothing was ever put in
				}
				if err != nil {
					return 0, err
				}
				return info.Pending + info.Active, nil
			},
			end: func(context.Context) error {
				server.Shutdown()
				return inspector.Close()
			},
		}, nil
	}}
}

// silence is a logger of Asynq's that says nothing.
type silence struct{}

func (silence) Debug(...any) {}
func (silence) Info(...any)  {}
func (silence) Warn(...any)  {}
func (silence) Error(...any) {}
func (silence) Fatal(...any) {}
