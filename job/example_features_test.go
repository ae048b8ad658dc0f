package job_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// Each customer has at most one call of their API at a time, and none waits for
// another's.
func ExampleLimit() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{
		Limits: map[string]job.LimitConfig{"api": {Running: 1}}, Log: quiet,
	}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	for _, customer := range []string{"acme", "acme", "other"} {
		must(job.Enqueue(ctx, jobs, Square, 7, job.Limit("api", customer)))
	}
	worker := must(jobs.Session(ctx, job.SessionConfig{Name: "worker"}))
	for _, l := range must(worker.Claim(ctx, 10, job.Filter{})) {
		fmt.Println("claimed", l.ID())
	}
	fmt.Println(must(jobs.Why(ctx, 2)))
	// Output:
	// claimed 1
	// claimed 3
	// limit "api" of key "acme" is reached by job 1
}

// A customer with a thousand jobs does not keep one with a single job waiting.
func ExampleGroup() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	for range 1000 {
		must(job.Enqueue(ctx, jobs, Square, 7, job.Group("large")))
	}
	small := must(job.Enqueue(ctx, jobs, Square, 7, job.Group("small")))

	worker := must(jobs.Session(ctx, job.SessionConfig{}))
	claimed := must(worker.Claim(ctx, 2, job.Filter{}))
	fmt.Println(claimed[1].ID() == small.ID())
	// Output: true
}

// Nobody is billed twice for one order, also when the bill was sent long ago.
func ExampleUnique() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	bills := owner.Client().With(job.Unique(job.Done), job.Keep(365*24*time.Hour))

	must(job.Enqueue(ctx, bills, Square, 7, job.Key("order 66")))
	worker := must(bills.Session(ctx, job.SessionConfig{}))
	must(worker.Claim(ctx, 1, job.Filter{}))[0].Complete(ctx, []byte("49"))

	again := must(job.Enqueue(ctx, bills, Square, 7, job.Key("order 66")))
	fmt.Println(again.Existing(), must(again.Status(ctx)).State)
	// Output: true done
}

// A program says what is to be whenever it starts.
func ExampleSchedule() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	rule := job.Cron("30 4 * * MON-FRI").In("Europe/Berlin").Missed(job.MissedSkip)
	for range 2 {
		if err := job.Schedule(ctx, jobs, "nightly", rule, Square, 7, job.Key("nightly")); err != nil {
			panic(err)
		}
	}
	for _, s := range must(jobs.Schedules(ctx)) {
		fmt.Println(s.Name, s.Task, s.Rule)
	}
	fmt.Println(job.Schedule(ctx, jobs, "wrong", job.Cron("0 0 31 6 *"), Square, 7))
	// Output:
	// nightly square skip Europe/Berlin 30 4 * * 1-5
	// job: schedule "wrong": calendar: "0 0 31 6 *": is never due: there is no such day
}

// Dead letters are found and tried again, once the reason is gone.
func ExampleClient_ReplayAll() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	for n := range 3 {
		must(job.Enqueue(ctx, jobs, Square, n, job.Tags("import")))
	}
	worker := must(jobs.Session(ctx, job.SessionConfig{}))
	for _, l := range must(worker.Claim(ctx, 3, job.Filter{})) {
		l.Fail(ctx, fault.Permanent(errors.New("the disk is full")))
	}
	dead := job.Query{Tag: "import", States: []job.State{job.Dead}}
	fmt.Println(must(jobs.Count(ctx, dead)).Dead)
	for s, err := range jobs.All(ctx, dead) {
		fmt.Println(s.ID, s.Error, err)
	}
	fmt.Println(jobs.ReplayAll(ctx, dead))
	// Output:
	// 3
	// 3 the disk is full <nil>
	// 2 the disk is full <nil>
	// 1 the disk is full <nil>
	// 3 <nil>
}

// Before a migration nothing of the queue runs any more.
func ExampleClient_Drain() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	if err := jobs.Drain(ctx, "mail"); err != nil {
		panic(err)
	}
	h := must(job.Enqueue(ctx, jobs, Square, 7, job.Queue("mail"))) // is accepted, and waits
	fmt.Println(must(jobs.Why(ctx, h.ID())))
	jobs.Resume(ctx, "mail")
	fmt.Println(must(jobs.Why(ctx, h.ID())))
	// Output:
	// queue "mail" is paused
	// no worker claims task "square" of queue "mail"
}

// Why says what a job waits for.
func ExampleClient_Why() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	jobs := owner.Client()
	h := must(job.Enqueue(ctx, jobs, Square, 7))
	why := must(jobs.Why(ctx, h.ID()))
	if why.Reason == job.ReasonNoWorker {
		fmt.Println(why)
	}
	// Output: no worker claims task "square" of queue "default"
}
