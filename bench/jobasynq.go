//go:build unix

package main

import (
	"context"

	"github.com/hibiken/asynq"
)

// asynqQueue is Asynq as its documentation has it. It has no call for several
// tasks.
func asynqQueue(name string, client *asynq.Client) queue {
	in := payload(jobSize)
	return queue{
		name: name,
		one: func(ctx context.Context) error {
			_, err := client.EnqueueContext(ctx, asynq.NewTask("bench.job", in))
			return err
		},
	}
}
