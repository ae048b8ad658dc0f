package jobtest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/task"
)

// Jobs is an owner of jobs for one test, which runs them when the test says so. It
// is made by [New].
type Jobs struct {
	t      testing.TB
	log    *Memory
	quiet  *slog.Logger
	owner  *job.Owner
	client *job.Client
	tasks  []task.Task
	turn   chan struct{} // has one element while somebody runs jobs
}

// New opens an owner of a new [Memory], and closes it when t ends. tasks are those
// whose jobs the test runs; jobs of others can be enqueued, and wait. In a bubble
// of testing/synctest, where New and everything else must be called then, time is
// virtual. If conf says no Log, t's output gets the warnings. New fails t at once
// if conf is wrong.
func New(t testing.TB, conf job.Config, tasks ...task.Task) *Jobs {
	t.Helper()
	j := &Jobs{t: t, log: NewMemory(), tasks: tasks, turn: make(chan struct{}, 1)}
	if conf.Log == nil {
		conf.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	j.quiet = conf.Log
	owner, err := job.Open(t.Context(), j.log, conf)
	if err != nil {
		t.Fatalf("jobtest: %v", err)
	}
	t.Cleanup(func() {
		if err := owner.Close(context.Background()); err != nil {
			t.Errorf("jobtest: %v", err)
		}
	})
	j.owner, j.client = owner, owner.Client()
	return j
}

// Client returns the client that the code under test enqueues with.
func (j *Jobs) Client() *job.Client { return j.client }

// Run runs the jobs that are ready, in the order in which a worker of one slot
// claims them, and those that become so meanwhile, until none is; and returns how
// many attempts that were. Time does not pass, unless a handler waits for it: what
// has a delay, or has failed and is to be tried later, is not run. See
// [Jobs.RunFor].
//
// Handlers run as with [job.Work], one at a time. While one waits for another job
// others are run, which may be what it waits for. What a handler returns is the
// job's matter, and no failure of the test.
//
// # Cancellation
//
// When ctx ends Run begins no more attempts, and returns when the one that it is
// at has ended: see job.Work. Handlers see ctx's values.
func (j *Jobs) Run(ctx context.Context) (attempts int) {
	j.t.Helper()
	s := j.begin(ctx, false)
	s.idle()
	return j.end(s)
}

// RunNext runs the job that would be claimed next, once, and returns what became
// of it: Done, Dead, or, if it is to be tried again, Delayed or Ready. ok is false
// if none is ready. If the handler waits for another job, others are run
// meanwhile. Of a job that is not kept when it has ended, only ID and Task are
// known.
//
// # Cancellation
//
// As with [Jobs.Run].
func (j *Jobs) RunNext(ctx context.Context) (status job.Status, ok bool) {
	j.t.Helper()
	s := j.begin(ctx, true)
	s.idle()
	if j.end(s) == 0 {
		return job.Status{}, false
	}
	status, err := j.client.Status(context.WithoutCancel(ctx), s.first.ID)
	if err != nil {
		return s.first, true
	}
	return status, true
}

// RunFor is [Jobs.Run], and goes on for d: what becomes ready meanwhile is run at
// its time, by its delay, its schedule or because it is to be tried again. In a
// bubble d passes as soon as there is nothing to do; what is due at the end of it
// is run as well. Elsewhere RunFor takes as long as d is. How long jobs that have
// ended are kept, by [job.Keep], is time that passes like other.
//
// # Cancellation
//
// As with Run.
func (j *Jobs) RunFor(ctx context.Context, d time.Duration) (attempts int) {
	j.t.Helper()
	s := j.begin(ctx, false)
	s.sleep(d)
	s.idle()
	return j.end(s)
}
