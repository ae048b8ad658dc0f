package job_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// A worker does what is enqueued, until its context ends.
func ExampleWork() {
	ctx, stop := context.WithCancel(context.Background())
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(context.Background())
	jobs := owner.Client()

	done := make(chan error)
	go func() { done <- job.Work(ctx, jobs, job.WorkerConfig{Tasks: []task.Task{Square}, Log: quiet}) }()

	h := must(job.Enqueue(ctx, jobs, Square, 7))
	fmt.Println(h.Wait(ctx))

	stop() // takes no more, and lets handlers finish
	fmt.Println(<-done)
	// Output:
	// 49 <nil>
	// <nil>
}

// A client is a rung: the same call, done by whichever worker has room.
func ExampleClient_Run() {
	ctx, stop := context.WithCancel(context.Background())
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(context.Background())
	done := make(chan error)
	go func() {
		done <- job.Work(ctx, owner.Client(), job.WorkerConfig{Tasks: []task.Task{Square}, Log: quiet})
	}()

	square := Square.On(owner.Client()) // or task.Here
	fmt.Println(square(ctx, 7))
	stop()
	<-done
	// Output: 49 <nil>
}

// A parent that is run again finds what of its children is done.
func ExampleCurrent() {
	ctx, stop := context.WithCancel(context.Background())
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(context.Background())

	charge := task.Define("charge", func(_ context.Context, order string) (string, error) {
		fmt.Println("charged", order)
		return "receipt of " + order, nil
	}).Keyed(func(order string) string { return order })
	checkout := task.Define("checkout", func(ctx context.Context, order string) (string, error) {
		receipt, err := charge.Do(ctx, job.Current(ctx), order)
		if err == nil && job.Attempt(ctx) == 1 {
			err = fault.RetryAfter(errors.New("the mail server is down"), time.Millisecond)
		}
		return receipt, err
	})
	done := make(chan error)
	go func() {
		done <- job.Work(ctx, owner.Client(), job.WorkerConfig{Tasks: []task.Task{charge, checkout}, Log: quiet})
	}()

	h := must(job.Enqueue(ctx, owner.Client(), checkout, "order 66"))
	fmt.Println(h.Wait(ctx))
	stop()
	<-done
	// Output:
	// charged order 66
	// receipt of order 66 <nil>
}
