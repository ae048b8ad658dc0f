package job_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// What comments say that a number is if nobody says another, or that it is at most.
func TestDefaultsAndBoundsAreAsTheCommentsSay(t *testing.T) {
	for _, x := range []struct {
		of   string
		want any
		is   func(t *testing.T) any
	}{
		{"WorkerConfig.Slots", 10, slotsTaken},
		{"WorkerConfig.Grace", 10 * time.Second, graceGiven},
		{"Config.Ageing", time.Minute, stepOfPriority},
		{"Config.Name", true, func(t *testing.T) any { open(t, jobtest.NewMemory(), job.Config{}); return len(shown("jobs")) > 0 }},
		{"Rate.Burst", 1, claimedAtOnce},
		{"Queue", "default", func(t *testing.T) any { return entering(t).Queue }},
		{"Priority", 0, func(t *testing.T) any { return entering(t).Priority }},
		{"Group", "", func(t *testing.T) any { return entering(t).Group }},
		{"Keep", 10 * time.Minute, timeKept},
		{"what Claim takes", 1024, mostTaken},
		{"what Why counts", 10_000, mostCounted},
		{"a line of Logf", 1 << 10, longestLine},
	} {
		t.Run(strings.ReplaceAll(x.of, " ", "-"), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				if got := x.is(t); got != x.want {
					t.Errorf("%s is %v, want %v", x.of, got, x.want)
				}
			})
		})
	}
}

// slotsTaken is how many handlers of a worker run at a time.
func slotsTaken(t *testing.T) any {
	begun := make(chan context.Context, 99)
	long := waits("long", begun)
	c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet})
	for n := range 50 {
		entered(t, c, long, n)
	}
	synctest.Wait()
	running := len(begun)
	if _, err := c.CancelAll(t.Context(), job.Query{}); err != nil {
		t.Error(err)
	}
	return running
}

// graceGiven is when the context of a handler ends after that of its worker.
func graceGiven(t *testing.T) any {
	begun := make(chan context.Context, 1)
	long := waits("long", begun)
	_, c := opened(t, jobtest.NewMemory())
	ctx, stop := context.WithCancel(t.Context())
	done := later(func() error { return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet}) })
	entered(t, c, long, 1)
	running := <-begun
	stop()
	stopped := time.Now()
	<-running.Done()
	took := time.Since(stopped)
	if err := done(); err != nil {
		t.Error(err)
	}
	return took
}

// stepOfPriority is how much later a job of the next priority can come and still be
// claimed first, to the second.
func stepOfPriority(t *testing.T) any {
	c := open(t, jobtest.NewMemory(), job.Config{}).Client()
	s := session(t, c)
	for later := time.Second; later < 2*time.Hour; later += time.Second {
		low := put(t, c, 1)
		time.Sleep(later)
		put(t, c, 2, job.Priority(1))
		first := claim(t, s)
		for _, l := range []*job.Lease{first, claim(t, s)} {
			if err := l.Complete(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if first.ID() == low {
			return later
		}
	}
	return nil
}

// claimedAtOnce is how many jobs of a queue with a rate can be claimed at one time.
func claimedAtOnce(t *testing.T) any {
	c := open(t, jobtest.NewMemory(), job.Config{Queues: map[string]job.QueueConfig{"slow": {Rate: job.Rate{Every: time.Hour}}}}).Client()
	for n := range 5 {
		put(t, c, n, job.Queue("slow"))
	}
	time.Sleep(24 * time.Hour)
	leases, err := session(t, c).Claim(t.Context(), 5, job.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return len(leases)
}

// entering is what is said of a job of which nothing was said.
func entering(t *testing.T) job.Status {
	c := open(t, jobtest.NewMemory(), job.Config{}).Client()
	return wantState(t, c, put(t, c, 1), job.Ready)
}

// timeKept is how long a job that is done can be asked for, to the second.
func timeKept(t *testing.T) any {
	c := open(t, jobtest.NewMemory(), job.Config{}).Client()
	id := put(t, c, 1)
	if err := claim(t, session(t, c)).Complete(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	done := time.Now()
	for {
		time.Sleep(time.Second)
		if _, err := c.Status(t.Context(), id); err != nil {
			return time.Since(done).Truncate(time.Second)
		}
	}
}

// many enqueues so many jobs, and returns the newest.
func many(t *testing.T, c *job.Client, n int) job.ID {
	j, err := job.New(resize, 1)
	if err != nil {
		t.Fatal(err)
	}
	var last job.ID
	for batch := range slices.Chunk(slices.Repeat([]job.Job{j}, n), 1000) {
		all, err := c.EnqueueMany(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		last = all[len(all)-1]
	}
	return last
}

// mostTaken is how many jobs one Claim takes that wants more.
func mostTaken(t *testing.T) any {
	c := open(t, jobtest.NewMemory(), job.Config{}).Client()
	many(t, c, 3000)
	leases, err := session(t, c).Claim(t.Context(), 3000, job.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return len(leases)
}

// mostCounted is how many others Why sees before a job, of more.
func mostCounted(t *testing.T) any {
	c := open(t, jobtest.NewMemory(), job.Config{}).Client()
	s := session(t, c)
	put(t, c, 1)
	claim(t, s) // somebody works
	w, err := c.Why(t.Context(), many(t, c, 12_000))
	if err != nil || w.Reason != job.ReasonBehind {
		t.Fatalf("%+v, %v", w, err)
	}
	return w.Ahead
}

// longestLine is how many bytes there are of a line that had more.
func longestLine(t *testing.T) any {
	says := does("says", func(ctx context.Context, n int) (int, error) {
		job.Logf(ctx, "%s", strings.Repeat("x", 100_000))
		<-ctx.Done()
		return n, nil
	})
	c := worked(t, job.WorkerConfig{Tasks: []task.Task{says}, Log: quiet})
	h := entered(t, c, says, 1)
	time.Sleep(time.Second)
	p, err := h.Progress(t.Context())
	if err != nil || len(p.Lines) != 1 {
		t.Fatalf("%d lines, %v", len(p.Lines), err)
	}
	if _, err := h.Cancel(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(p.Lines[0], "…") { // else the owner has cut what the worker was to cut
		t.Errorf("it ends with %q", p.Lines[0][len(p.Lines[0])-8:])
	}
	return len(p.Lines[0])
}
