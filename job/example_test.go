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

var Square = task.Define("square", func(_ context.Context, n int) (int, error) { return n * n, nil })

// must is for examples, which have no better use for an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A job goes from one who wants it done to one who does it, through the log.
func Example() {
	ctx := context.Background()
	log := jobtest.NewMemory() // natslog.Open where it is meant
	owner := must(job.Open(ctx, log, job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()

	h := must(job.Enqueue(ctx, jobs, Square, 7))

	worker := must(jobs.Session(ctx, job.SessionConfig{Name: "worker"}))
	defer worker.Close(ctx)
	for _, l := range must(worker.Claim(ctx, 10, job.Filter{Tasks: []string{"square"}})) {
		out, err := Square.Serve(ctx, task.Here, l.Input())
		if err != nil {
			err = l.Fail(ctx, err)
		} else {
			err = l.Complete(ctx, out)
		}
		fmt.Println(l.Task(), string(out), err)
	}
	fmt.Println(must(h.Status(ctx)).State)
	// Output:
	// square 49 <nil>
	// done
}

// What was acknowledged is there after a crash.
func ExampleEnqueue() {
	ctx := context.Background()
	log := jobtest.NewMemory()
	owner := must(job.Open(ctx, log, job.Config{Log: quiet}))
	h := must(job.Enqueue(ctx, owner.Client(), Square, 7))

	rest := log.Crash(nil) // what the disk has when the power is cut
	again := must(job.Open(ctx, rest, job.Config{Log: quiet}))
	defer again.Close(ctx)
	fmt.Println(must(again.Client().Status(ctx, h.ID())).State)
	// Output: ready
}

// All of a batch or none of it.
func ExampleClient_EnqueueMany() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Depth: 3, Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client().With(job.NoWait())
	var batch []job.Job
	for n := range 2 {
		batch = append(batch, must(job.New(Square, n)))
	}
	fmt.Println(jobs.EnqueueMany(ctx, batch))
	_, err := jobs.EnqueueMany(ctx, batch)
	fmt.Println(fault.KindOf(err), fault.Started(err))
	fmt.Println(must(jobs.Counts(ctx, "")).Live())
	// Output:
	// [1 2] <nil>
	// overloaded false
	// 2
}

// One live job for each key.
func ExampleKey() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	for range 2 {
		h := must(job.Enqueue(ctx, owner.Client(), Square, 7, job.Key("order 66")))
		fmt.Println(h.ID(), h.Existing())
	}
	// Output:
	// 1 false
	// 1 true
}

// Nobody begins with a job that was cancelled.
func ExampleClient_Cancel() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	h := must(job.Enqueue(ctx, jobs, Square, 7))
	fmt.Println(h.Cancel(ctx))

	worker := must(jobs.Session(ctx, job.SessionConfig{}))
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err := worker.Claim(soon, 1, job.Filter{})
	fmt.Println(fault.KindOf(err))
	// Output:
	// cancelled <nil>
	// deadline
}

// Of two who believe that a job is theirs, the later is heard; and a database can
// know who that is.
func ExampleFencingToken() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	must(job.Enqueue(ctx, jobs, Square, 7))

	slow := must(jobs.Session(ctx, job.SessionConfig{Name: "slow"}))
	first := must(slow.Claim(ctx, 1, job.Filter{}))[0]
	slow.Close(ctx) // given up for lost, and still at work
	quick := must(jobs.Session(ctx, job.SessionConfig{Name: "quick"}))
	second := must(quick.Claim(ctx, 1, job.Filter{}))[0]

	fmt.Println(first.Token().Epoch < second.Token().Epoch)
	fmt.Println(first.Complete(ctx, nil))
	fmt.Println(second.Complete(ctx, nil))
	// Output:
	// true
	// job: complete "square": the job is not this session's any more (leave it: another attempt, or its end, has taken its place)
	// <nil>
}

// A job that has failed for good is a dead letter, and can be tried again.
func ExampleClient_Replay() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	h := must(job.Enqueue(ctx, jobs, Square, 7))
	worker := must(jobs.Session(ctx, job.SessionConfig{}))

	l := must(worker.Claim(ctx, 1, job.Filter{}))[0]
	l.Fail(ctx, fault.Permanent(errors.New("the customer is gone")))
	s := must(h.Status(ctx))
	fmt.Println(s.State, s.Failures[0].Error)

	jobs.Replay(ctx, h.ID()) // he is back
	fmt.Println(must(worker.Claim(ctx, 1, job.Filter{}))[0].Attempt())
	// Output:
	// dead the customer is gone
	// 1
}

// The second owner deposes the first, which cannot do harm any more.
func ExampleOpen() {
	ctx := context.Background()
	log := jobtest.NewMemory()
	first := must(job.Open(ctx, log, job.Config{Log: quiet}))
	second := must(job.Open(ctx, log, job.Config{Log: quiet}))
	defer second.Close(ctx)

	_, err := job.Enqueue(ctx, first.Client(), Square, 7)
	fmt.Println(fault.KindOf(err), fault.Started(err))
	<-first.Done()
	fmt.Println(errors.Is(first.Err(), job.ErrConflict))
	// Output:
	// lost false
	// true
}

// A delay is never cut short.
func ExampleDelay() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	began := time.Now()
	must(job.Enqueue(ctx, owner.Client(), Square, 7, job.Delay(20*time.Millisecond)))
	worker := must(owner.Client().Session(ctx, job.SessionConfig{}))
	must(worker.Claim(ctx, 1, job.Filter{}))
	fmt.Println(time.Since(began) >= 20*time.Millisecond)
	// Output: true
}

// Where there is no room one waits for it, or is told at once.
func ExampleNoWait() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{
		Queues: map[string]job.QueueConfig{"mail": {Depth: 1}}, Log: quiet,
	}))
	defer owner.Close(ctx)
	mail := owner.Client().With(job.Queue("mail"), job.NoWait())
	must(job.Enqueue(ctx, mail, Square, 7))
	_, err := job.Enqueue(ctx, mail, Square, 8)
	fmt.Println(err)
	// Output: job: enqueue "square": queue "mail" has 1 of at most 1 jobs (leave out NoWait to wait for room, or raise Config.Queues["mail"].Depth)
}
