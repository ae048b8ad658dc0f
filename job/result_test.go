package job_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

func TestThousandWaitForOneJobAndAllHaveItsResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		held := does("held", func(ctx context.Context, n int) (int, error) {
			for i := range int64(5) {
				task.Report(ctx, task.Progress{Done: i})
				time.Sleep(time.Second)
			}
			<-release
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{held}})
		h := entered(t, c, held, 7)
		var all sync.WaitGroup
		var heard atomic.Int32
		for i := range 1000 {
			all.Go(func() {
				ctx := t.Context()
				if i%2 == 0 {
					ctx = task.OnProgress(ctx, func(task.Progress) { heard.Add(1) })
				}
				if i%10 == 9 {
					within, cancel := context.WithTimeout(ctx, 3*time.Second)
					defer cancel()
					if _, err := h.Wait(within); fault.KindOf(err) != fault.Deadline {
						t.Errorf("one who had no time: %v", err)
					}
					return
				}
				if n, err := h.Wait(ctx); n != 7 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
			})
		}
		time.Sleep(time.Minute)
		close(release)
		all.Wait()
		if heard.Load() < 500*5 {
			t.Errorf("of 5 reports to 500 there came %d", heard.Load())
		}
	})
}

func TestAResultCanBeAskedForAsLongAsKeepSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{resize}})
		for _, keep := range []time.Duration{0, time.Minute, 10 * time.Minute} {
			opts := []job.Option{job.Keep(keep)}
			if keep == 10*time.Minute {
				opts = nil // the default
			}
			h := entered(t, c, resize, 1, append(opts, job.Delay(time.Second))...)
			if got, err := h.Wait(t.Context()); got != 2 || err != nil { // who waits already is told in any case
				t.Fatalf("%v: got %d, %v", keep, got, err)
			}
			if keep > 0 {
				time.Sleep(keep - time.Second)
				if got, err := h.Wait(t.Context()); got != 2 || err != nil {
					t.Errorf("%v: got %d, %v", keep, got, err)
				}
			}
			time.Sleep(3 * time.Second)
			_, err := h.Wait(t.Context())
			wantFault(t, err, fault.Invalid, false, "it has ended, and is no longer kept")
			if !errors.Is(err, job.ErrNoJob) {
				t.Errorf("%v: got %v", keep, err)
			}
		}
	})
}

func TestJobThatIsNotKeptTellsThoseWhoWaitedAndNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nap := does("nap", func(ctx context.Context, n int) (int, error) { return n, scope.Sleep(ctx, time.Second) })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{nap}})
		h := entered(t, c, nap, 3, job.Keep(0))
		if n, err := h.Wait(t.Context()); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if _, err := h.Wait(t.Context()); !errors.Is(err, job.ErrNoJob) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("afterwards: %v", err)
		}
		if n, err := nap.Do(t.Context(), c.With(job.Keep(0)), 4); n != 4 || err != nil {
			t.Errorf("a call: %d, %v", n, err)
		}
	})
}

func TestDeadLettersAndResultsHaveRoomOfTheirOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		failing := does("failing", func(context.Context, int) (int, error) { return 0, fault.Permanent(errWhy) })
		o := open(t, jobtest.NewMemory(), job.Config{Kept: 2, Buried: 3})
		c := o.Client()
		working(t, c, job.WorkerConfig{Tasks: []task.Task{failing, resize}})
		for range 5 {
			_, _ = entered(t, c, failing, 1).Wait(t.Context())
			if _, err := entered(t, c, resize, 1).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := c.Counts(t.Context(), ""); err != nil || n.Dead != 3 || n.Done != 2 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// The relay of an outbox dies between Enqueue and its note of it, and comes again.
func TestAKeyThatIsUniqueWhenDoneMakesARelaySafeToRepeat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		mail := does("mail", func(_ context.Context, n int) (int, error) { runs.Add(1); return n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{mail}})
		for round := range 3 {
			h := entered(t, c, mail, 7, job.Key("outbox/4711"), job.Unique(job.Done, job.Dead, job.Cancelled), job.Keep(24*time.Hour))
			if _, err := h.Wait(t.Context()); err != nil || h.Existing() != (round > 0) || runs.Load() != 1 {
				t.Errorf("round %d: existing %v, %d runs, %v", round, h.Existing(), runs.Load(), err)
			}
			time.Sleep(time.Hour)
		}
	})
}
