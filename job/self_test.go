package job_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// selfish is a world in which handlers wait for what they should not. Each answers
// within an hour, by giving up.
type selfish struct {
	jobs *job.Client // the owner's
	err  error       // of the innermost
	took time.Duration
	asks func(ctx context.Context, top job.ID) error
}

// task asks in a handler that has n others above it.
func (s *selfish) task() *task.Def[int, int] {
	var nested *task.Def[int, int]
	top := func(ctx context.Context) job.ID {
		st, err := s.jobs.Status(ctx, tokenOf(ctx))
		for err == nil && st.Parent != 0 {
			st, err = s.jobs.Status(ctx, st.Parent)
		}
		return st.ID
	}
	nested = does("nested", func(ctx context.Context, n int) (int, error) {
		if n > 0 {
			return nested.Do(ctx, job.Current(ctx).With(job.Queue("inner")), n-1)
		}
		id := top(ctx)
		within, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		began := time.Now()
		s.err = s.asks(within, id)
		s.took = time.Since(began)
		return 0, nil
	})
	return nested
}

func tokenOf(ctx context.Context) job.ID {
	token, _ := job.Token(ctx)
	return token.Job
}

// want checks that nobody has waited, and why.
func (s *selfish) want(t *testing.T, text, hint string) {
	t.Helper()
	wantFault(t, s.err, fault.Deadlocked, false, text)
	if got := fault.HintOf(s.err); got != hint {
		t.Errorf("the hint is %q", got)
	}
	if fault.Retryable(s.err) {
		t.Error("it is to be tried again")
	}
	if s.took > time.Second {
		t.Errorf("it took %v", s.took)
	}
}

// each runs f with the owner's own client, and with one that is far away.
func each(t *testing.T, conf job.Config, f func(t *testing.T, c *job.Client)) {
	t.Run("Here", func(t *testing.T) {
		bubble(t, func(t *testing.T) { f(t, open(t, jobtest.NewMemory(), conf).Client()) })
	})
	t.Run("Remote", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			_, _, r := reached(t, jobtest.NewMemory(), conf)
			f(t, r.Client())
		})
	})
}

func TestHandlerThatWaitsForItsOwnJobIsRefused(t *testing.T) {
	each(t, job.Config{}, func(t *testing.T, c *job.Client) {
		s := &selfish{jobs: c}
		nested := s.task()
		s.asks = func(ctx context.Context, top job.ID) error {
			_, err := job.Find(c, nested, top).Wait(ctx)
			return err
		}
		working(t, c, job.WorkerConfig{Tasks: []task.Task{nested}, Log: quiet})
		for n, text := range []string{"waits for its own end", "which is above it", "which is above it"} {
			if _, err := entered(t, c, nested, n).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.want(t, text, "return, and let others wait for it")
		}
	})
}

func TestHandlerThatCallsItsOwnKeyIsRefused(t *testing.T) {
	each(t, job.Config{}, func(t *testing.T, c *job.Client) {
		s := &selfish{jobs: c}
		nested := s.task()
		s.asks = func(ctx context.Context, _ job.ID) error {
			_, err := nested.Keyed(func(int) string { return "k" }).Do(ctx, c, 0)
			return err
		}
		working(t, c, job.WorkerConfig{Tasks: []task.Task{nested}, Log: quiet})
		for n, text := range []string{"waits for its own end", "which is above it"} {
			if _, err := entered(t, c, nested, n, job.Key("k")).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.want(t, text, "call through job.Current, where keys are the job's own, or give another key")
		}
	})
}

func TestHandlerThatDrainsItsOwnQueueIsRefused(t *testing.T) {
	each(t, job.Config{}, func(t *testing.T, c *job.Client) {
		s := &selfish{jobs: c}
		nested := s.task()
		s.asks = func(ctx context.Context, _ job.ID) error { return c.Drain(ctx, "default") }
		working(t, c, job.WorkerConfig{Tasks: []task.Task{nested, resize}, Log: quiet})
		for n, text := range []string{", which asks, is running in queue", "which is above job"} {
			if _, err := entered(t, c, nested, n).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.want(t, text, "drain from elsewhere, or use Pause, which waits for nothing; the queue was not paused")
		}
		// So it goes on.
		if _, err := resize.Do(t.Context(), c, 1); err != nil {
			t.Error(err)
		}
		s.asks = func(ctx context.Context, _ job.ID) error { return c.Drain(ctx, "other") }
		if _, err := entered(t, c, nested, 1).Wait(t.Context()); err != nil || s.err != nil {
			t.Errorf("%v, %v", err, s.err)
		}
	})
}

func TestHandlerThatWaitsForAJobWhichNeedsItsPlaceIsRefused(t *testing.T) {
	ways := map[string]func(ctx context.Context, c *job.Client) error{
		"Wait": func(ctx context.Context, c *job.Client) error {
			h, err := job.Enqueue(ctx, c, resize, 1)
			if err != nil {
				return err
			}
			_, err = h.Wait(ctx)
			return err
		},
		"Do": func(ctx context.Context, c *job.Client) error {
			_, err := resize.Do(ctx, c, 1)
			return err
		},
	}
	conf := job.Config{
		Queues: map[string]job.QueueConfig{"one": {Running: 1}},
		Limits: map[string]job.LimitConfig{"only": {Running: 1}},
	}
	options := map[string][]job.Option{
		`queue "one"`:                 {job.Queue("one")},
		`limit "only" of key "k"`:     {job.Limit("only", "k")},
		`of key "other" is not taken`: {job.Limit("only", "other")},
	}
	each(t, conf, func(t *testing.T, c *job.Client) {
		s := &selfish{jobs: c}
		nested := s.task()
		working(t, c, job.WorkerConfig{Tasks: []task.Task{nested, resize}, Log: quiet})
		for way, ask := range ways {
			for what, opts := range options {
				s.asks = func(ctx context.Context, _ job.ID) error { return ask(ctx, c.With(opts...)) }
				for n := range 2 {
					h := entered(t, c, nested, n, job.Queue("one"), job.Limit("only", "k"), job.Attempts(1))
					if _, err := h.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
					if what == `of key "other" is not taken` {
						if s.err != nil {
							t.Errorf("%s: %v", way, s.err)
						}
						continue
					}
					s.want(t, what, "give it another queue or limit, or let more run")
				}
			}
		}
	})
}

// Who is not waited for may wait.
func TestWhatOutlivesAHandlerMayWaitForItsJob(t *testing.T) {
	each(t, job.Config{}, func(t *testing.T, c *job.Client) {
		var outcome func() error
		left := make(chan struct{})
		var leaves *task.Def[int, int]
		leaves = does("leaves", func(ctx context.Context, n int) (int, error) {
			if job.Attempt(ctx) > 1 {
				close(left)
				return n, scope.Sleep(ctx, time.Minute)
			}
			h := job.Find(c, leaves, tokenOf(ctx))
			ctx = context.WithoutCancel(ctx)
			outcome = later(func() error {
				<-left
				_, err := h.Wait(ctx)
				return err
			})
			return 0, fault.RetryAfter(errWhy, time.Minute)
		})
		working(t, c, job.WorkerConfig{Tasks: []task.Task{leaves}, Log: quiet})
		if _, err := entered(t, c, leaves, 1).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := outcome(); err != nil {
			t.Error(err)
		}
	})
}

// Numbers of jobs are a log's own.
func TestHandlerMayWaitForAJobOfAnotherLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, there := opened(t, jobtest.NewMemory())
		slow := does("slow", func(ctx context.Context, n int) (int, error) { return 2 * n, scope.Sleep(ctx, time.Hour) })
		working(t, there, job.WorkerConfig{Tasks: []task.Task{slow}})
		other := entered(t, there, slow, 21)
		synctest.Wait()
		var asked job.ID
		asks := does("asks", func(ctx context.Context, _ int) (int, error) {
			asked = tokenOf(ctx)
			return other.Wait(ctx)
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{asks}})
		got, err := asks.Do(t.Context(), c, 1)
		if got != 42 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if asked != other.ID() {
			t.Fatalf("the jobs are %v and %v, so this has tested nothing", asked, other.ID())
		}
	})
}
