package job_test

import (
	"context"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// opened opens an owner until t ends.
func opened(t *testing.T, log job.Log) (*job.Owner, *job.Client) {
	t.Helper()
	o := open(t, log, job.Config{})
	return o, o.Client()
}

// working lets a worker work until t ends.
func working(t *testing.T, c *job.Client, conf job.WorkerConfig) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := later(func() error { return job.Work(ctx, c, conf) })
	t.Cleanup(func() {
		cancel()
		if err := done(); err != nil {
			t.Errorf("Work: %v", err)
		}
	})
}

// worked opens an owner and a worker that knows tasks, both until t ends.
func worked(t *testing.T, conf job.WorkerConfig) *job.Client {
	t.Helper()
	_, c := opened(t, jobtest.NewMemory())
	working(t, c, conf)
	return c
}

// does is a task that runs f.
func does(name string, f func(ctx context.Context, n int) (int, error)) *task.Def[int, int] {
	return task.Define(name, f)
}

var errWhy = fault.Sentinel("job_test: why")

// waits is a task whose handler waits for its context's end, and returns its cause.
func waits(name string, begun chan<- context.Context) *task.Def[int, int] {
	return does(name, func(ctx context.Context, n int) (int, error) {
		begun <- ctx
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})
}

// lasts is what a handler does that has begun: it goes on for so long, unless it is told
// to end.
func lasts(ctx context.Context, d time.Duration, n int) (int, error) {
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-time.After(d):
		return n, nil
	}
}

// entered enqueues a call, which must be accepted.
func entered[In, Out any](t *testing.T, c *job.Client, of *task.Def[In, Out], in In, opts ...job.Option) *job.Handle[Out] {
	t.Helper()
	h, err := job.Enqueue(t.Context(), c, of, in, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
