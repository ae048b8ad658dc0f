package job_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

func TestHandlerFailsAndIsTriedAgainAfterItsBackoff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		flaky := does("flaky", func(ctx context.Context, n int) (int, error) {
			at = append(at, time.Since(start))
			switch job.Attempt(ctx) {
			case 1:
				return 0, errors.New("the first time")
			case 2:
				return 0, fault.RetryAfter(errWhy, time.Minute)
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{flaky}})
		h := entered(t, c, flaky, 7, job.Backoff(10*time.Second, time.Hour))
		if got, err := h.Wait(t.Context()); got != 7 || err != nil {
			t.Fatalf("got %d, %v", got, err)
		}
		if len(at) != 3 || at[1] < 7500*time.Millisecond || at[1] > 10*time.Second || at[2]-at[1] < time.Minute || at[2]-at[1] > 61*time.Second {
			t.Errorf("attempts after %v", at)
		}
		st, err := h.Status(t.Context())
		if err != nil || len(st.Failures) != 2 || st.Failures[0].Error != "the first time" {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

func TestTimeoutEndsTheAttemptAndTheJobIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		h := entered(t, c, long, 1, job.Attempts(2), job.Timeout(5*time.Second), job.Backoff(time.Second, time.Second))
		start := time.Now()
		_, err := h.Wait(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || fault.KindOf(err) != fault.Deadline {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d < 10*time.Second || d > 12*time.Second || len(begun) != 2 {
			t.Errorf("%v, %d attempts", d, len(begun))
		}
		if ctx := <-begun; ctx.Err() != context.DeadlineExceeded {
			t.Errorf("the handler saw %v", ctx.Err())
		}
	})
}

func TestAttemptsLastAsLongAsTheGuideSays(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		5: 15 * time.Second, 10: 511 * time.Second, 15: 11295 * time.Second, 20: 29295 * time.Second, 30: 65295 * time.Second,
		60: 173295 * time.Second, 100: 317295 * time.Second,
	} {
		bubble(t, func(t *testing.T) {
			failing := does("failing", func(context.Context, int) (int, error) { return 0, errWhy })
			c := worked(t, job.WorkerConfig{Tasks: []task.Task{failing}})
			opts := []job.Option{job.Attempts(attempts), job.Backoff(time.Second, time.Hour)}
			if attempts == 20 {
				opts = nil // the default
			}
			began := time.Now()
			h := entered(t, c, failing, 1, opts...)
			if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took < want*3/4 || took > want+time.Second {
				t.Errorf("%d attempts took %v, want %v", attempts, took, want)
			}
			if st := wantState(t, c, h.ID(), job.Dead); st.Attempt != attempts || len(st.Failures) != min(attempts, 8) {
				t.Errorf("%d attempts, of which %d are kept", st.Attempt, len(st.Failures))
			}
		})
	}
}

func TestAResultThatComesAfterTheTimeoutCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		late := does("late", func(ctx context.Context, n int) (int, error) {
			<-ctx.Done()
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{late}})
		h := entered(t, c, late, 7, job.Timeout(time.Second), job.Attempts(1))
		if got, err := h.Wait(t.Context()); got != 7 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

func TestADeadlineEndsTheHandlersContextAndLetsNoAttemptFollow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		h := entered(t, c, long, 1, job.Deadline(time.Now().Add(time.Minute)))
		began := time.Now()
		_, err := h.Wait(t.Context())
		if fault.KindOf(err) != fault.Deadline || time.Since(began) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		if st := wantState(t, c, h.ID(), job.Dead); st.Attempt != 1 {
			t.Errorf("%d attempts", st.Attempt)
		}
	})
}

func TestACallWithoutAKeyIsTriedOnceUnlessItsClientSaysMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		failing := does("failing", func(ctx context.Context, n int) (int, error) {
			runs.Add(1)
			return 0, errWhy
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{failing}})
		for client, want := range map[*job.Client]int32{c: 1, c.With(job.Attempts(3)): 3} {
			runs.Store(0)
			if _, err := failing.Do(t.Context(), client, 1); !errors.Is(err, errWhy) || runs.Load() != want {
				t.Errorf("got %v after %d runs, want %d", err, runs.Load(), want)
			}
		}
		runs.Store(0)
		keyed := failing.Keyed(func(int) string { return "k" })
		if _, err := keyed.Do(t.Context(), c, 1); !errors.Is(err, errWhy) || runs.Load() != 20 {
			t.Errorf("with a key: got %v after %d runs", err, runs.Load())
		}
	})
}

// Elsewhere an item that kills its worker comes back for ever, and healthy ones wait
// behind it (inngest#4060).
func TestAPoisonJobIsBuriedWhileTheOthersAreDone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		o := open(t, log, job.Config{})
		poison := put(t, o.Client(), 0, job.Attempts(3), job.Priority(100))
		for n := 1; n <= 30; n++ {
			put(t, o.Client(), n)
		}
		for round := 1; round <= 3; round++ { // each ends as a process does that is killed
			s := session(t, o.Client())
			for range 11 {
				if l := claim(t, s); l.ID() != poison {
					if err := l.Complete(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
				if n, err := o.Client().Counts(t.Context(), ""); err != nil || n.Live() == 0 {
					break
				}
			}
			shut(t, o)
			o = open(t, log, job.Config{})
		}
		n, err := o.Client().Counts(t.Context(), "")
		if err != nil || n.Done != 30 || n.Dead != 1 || n.Live() != 0 {
			t.Errorf("%+v, %v", n, err)
		}
		st := wantState(t, o.Client(), poison, job.Dead)
		if len(st.Failures) != 3 || st.Failures[2].Error != "lost: the session that had claimed the job ended" {
			t.Errorf("%+v", st.Failures)
		}
	})
}
