package job_test

import (
	"context"
	"errors"
	"slices"
	"sync"
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

// As when a service is down: they do not come back to it together.
func TestJobsThatFailTogetherAreTriedAgainAtDifferentTimes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 100
		var mu sync.Mutex
		times := make(map[time.Duration]int)
		began := time.Now()
		failing := does("failing", func(ctx context.Context, _ int) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			if job.Attempt(ctx) == 1 {
				return 0, errWhy
			}
			times[time.Since(began)]++
			return 0, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{failing}, Slots: n})
		j, err := job.New(failing, 1)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := c.EnqueueMany(t.Context(), slices.Repeat([]job.Job{j}, n))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if _, err := job.Find(c, failing, id).Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if len(times) < n/2 {
			t.Errorf("%d jobs were tried again at %d times", n, len(times))
		}
		for after := range times {
			if after < 750*time.Millisecond || after > time.Second+time.Millisecond {
				t.Errorf("one was tried again after %v", after)
			}
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

// A handler's error says nothing of what it has done, so a view repeats it only if it
// is told that it may, each time as a job of its own.
func TestARetryViewOverAClientRepeatsWhatItMayAndNothingElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		_, c := opened(t, log)
		var runs atomic.Int32
		failing := does("failing", func(context.Context, int) (int, error) {
			if runs.Add(1) < 3 {
				return 0, errWhy
			}
			return 7, nil
		})
		working(t, c, job.WorkerConfig{Tasks: []task.Task{failing}})
		if _, err := failing.Do(t.Context(), task.Retry(task.RetryPolicy{Attempts: 5}, c), 1); !errors.Is(err, errWhy) || runs.Load() != 1 {
			t.Errorf("without Repeat: %v after %d runs", err, runs.Load())
		}
		runs.Store(0)
		got, err := failing.Do(t.Context(), task.Retry(task.RetryPolicy{Attempts: 5, Repeat: true}, c), 1)
		if got != 7 || err != nil || runs.Load() != 3 {
			t.Errorf("with Repeat: %d, %v after %d runs", got, err, runs.Load())
		}
		if n, err := c.Counts(t.Context(), ""); err != nil || n.Dead+n.Done+n.Cancelled != 4 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// What was lost may have been done: it is called again with Repeat alone.
func TestARetryViewCallsWhatWasLostAgainIfItMay(t *testing.T) {
	for _, repeat := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			_, c := opened(t, jobtest.NewMemory())
			view := task.Retry(task.RetryPolicy{Attempts: 3, Repeat: repeat}, c)
			s := session(t, c)
			called := later(func() error {
				got, err := resize.Do(t.Context(), view, 4)
				if err == nil && got != 8 {
					t.Errorf("got %d", got)
				}
				return err
			})
			claim(t, s)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			working(t, c, job.WorkerConfig{Tasks: []task.Task{resize}})
			if err := called(); repeat && err != nil || !repeat && fault.KindOf(err) != fault.Lost {
				t.Errorf("Repeat %v: %v", repeat, err)
			}
		})
	}
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
