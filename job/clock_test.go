package job_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// apart lets f have an owner whose clock is wrong by so much, ahead and behind, and the
// way to it from where clocks are right.
func apart(t *testing.T, by time.Duration, f func(t *testing.T, o *job.Owner, h *host, wrong time.Duration)) {
	for name, wrong := range map[string]time.Duration{"ahead": by, "behind": -by} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o, _ := misled(t, jobtest.NewMemory(), job.Config{}, wrong)
				f(t, o, &host{owner: o}, wrong)
			})
		})
	}
}

// left is a task that answers how long its handler's context has left.
var left = does("left", func(ctx context.Context, _ int) (int, error) {
	at, _ := ctx.Deadline()
	return int(time.Until(at)), nil
})

// within calls left with so much time.
func within(t *testing.T, c *job.Client, d time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ns, err := left.Do(ctx, c, 1)
	return time.Duration(ns), err
}

// all reports whether got is the time of a call that was given d: its job's deadline is
// a microsecond after its caller's.
func all(got, d time.Duration) bool { return got == d+time.Microsecond }

func TestACallHasItsWholeTimeWhateverTheOwnersClockSays(t *testing.T) {
	apart(t, 10*time.Second, func(t *testing.T, o *job.Owner, h *host, _ time.Duration) {
		r := remote(t, h)
		conf := job.WorkerConfig{Tasks: []task.Task{left}, Log: quiet}
		for name, c := range map[string]*job.Client{"the owner's process": o.Client(), "another": r.Client()} {
			ctx, stop := context.WithCancel(t.Context())
			done := later(func() error { return job.Work(ctx, c, conf) })
			if got, err := within(t, r.Client(), 5*time.Second); err != nil || !all(got, 5*time.Second) {
				t.Errorf("by a worker in %s: %v left of 5s, %v", name, got, err)
			}
			stop()
			if err := done(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAWorkerElsewhereEndsAnAttemptAtTheDeadlineByTheOwnersClock(t *testing.T) {
	apart(t, time.Minute, func(t *testing.T, o *job.Owner, h *host, wrong time.Duration) {
		began := time.Now()
		long := waits("long", make(chan context.Context, 9))
		working(t, remote(t, h).Client(), job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet})
		_, err := entered(t, o.Client(), long, 1, job.Deadline(time.Now().Add(wrong+5*time.Minute))).Wait(t.Context())
		if took := time.Since(began); fault.KindOf(err) != fault.Deadline || took != 5*time.Minute {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestADeadlineThatCrossesASlowConnectionIsNotEarly(t *testing.T) {
	apart(t, 10*time.Second, func(t *testing.T, o *job.Owner, h *host, wrong time.Duration) {
		const takes = 400 * time.Millisecond
		s := newStrait(h, rand.New(rand.NewPCG(1, 2)))
		s.turn(weather{least: takes, most: takes})
		r, err := job.Connect(t.Context(), s.dial, job.ConnectConfig{Name: "far", Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = r.Close(context.Background())
			h.busy.Wait()
		}()
		ctx, stop := context.WithCancel(t.Context())
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		done := later(func() error {
			return job.Work(ctx, r.Client(), job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet})
		})
		time.Sleep(5 * time.Second)
		at := time.Now().Add(20 * time.Second)
		entered(t, o.Client(), long, 1, job.Deadline(at.Add(wrong)))
		handler := <-begun
		<-handler.Done()
		if late := time.Since(at); late < 0 || late > 2*takes {
			t.Errorf("the handler was told %v after the deadline", late)
		}

		within, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		go func() { _, _ = long.Do(within, r.Client(), 1) }()
		<-begun
		until := wantState(t, o.Client(), 2, job.Running).Deadline.Add(-wrong)
		if asked, _ := within.Deadline(); until.Before(asked) || until.Sub(asked) > 2*takes {
			t.Errorf("the job of a call with 20s is due %v after its caller", until.Sub(asked))
		}
		cancel()
		stop()
		if err := done(); err != nil {
			t.Error(err)
		}
	})
}

// TestABusyConnectionLearnsThatTheOwnersClockWasSet has so much said over it that nobody
// needs to ask whether somebody is there.
func TestABusyConnectionLearnsThatTheOwnersClockWasSet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, says := misled(t, jobtest.NewMemory(), job.Config{}, 0)
		r := remote(t, &host{owner: o})
		working(t, r.Client(), job.WorkerConfig{Tasks: []task.Task{left}, Log: quiet})
		for _, wrong := range []time.Duration{time.Minute, time.Hour} {
			says.Store(int64(wrong))
			for began := time.Now(); time.Since(began) < 12*time.Second; time.Sleep(300 * time.Millisecond) {
				if _, err := r.Client().Counts(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := within(t, r.Client(), 5*time.Second); err != nil || !all(got, 5*time.Second) {
				t.Errorf("%v after the clock was set forward: %v left of 5s, %v", wrong, got, err)
			}
		}
	})
}

func TestACallHasItsWholeTimeWhileTheOwnersClockWaitsForTheCalendar(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o, _ := misled(t, m, job.Config{}, time.Hour)
		put(t, o.Client(), 1)
		shut(t, o)
		_, h, r := reached(t, m, job.Config{})
		working(t, h.owner.Client(), job.WorkerConfig{Tasks: []task.Task{left}, Log: quiet})
		for name, c := range map[string]*job.Client{"the owner's process": h.owner.Client(), "another": r.Client()} {
			if got, err := within(t, c, 5*time.Second); err != nil || !all(got, 5*time.Second) {
				t.Errorf("from %s: %v left of 5s, %v", name, got, err)
			}
		}
	})
}

func TestAnAttemptEndsAtItsDeadlineThoughTheOwnersClockIsSet(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			for where, elsewhere := range map[string]bool{"here": false, "elsewhere": true} {
				t.Run(where, func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						o, says := misled(t, jobtest.NewMemory(), job.Config{}, 0)
						c := o.Client()
						if elsewhere {
							c = remote(t, &host{owner: o}).Client()
						}
						n := make(chan context.Context, 9)
						long := waits("long", n)
						working(t, c, job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet})
						began := time.Now()
						h := entered(t, o.Client(), long, 1, job.Deadline(began.Add(2*time.Hour)))
						time.Sleep(30 * time.Minute)
						says.Store(int64(wrong))
						_, err := h.Wait(t.Context())
						// Back: from when the owner last looked its time goes on at half
						// the pace, until the calendar has caught up. Forward: it is
						// noticed within a minute.
						want := 2*time.Hour - wrong
						if took := time.Since(began); fault.KindOf(err) != fault.Deadline || took < want-time.Second || took > want+2*time.Minute {
							t.Errorf("%v after %v, want %v", err, took, want)
						}
						if len(n) != 1 {
							t.Errorf("%d attempts", len(n))
						}
					})
				})
			}
		})
	}
}

func TestARateIsByTheOwnersClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		mail := job.QueueConfig{Rate: job.Rate{Every: time.Hour}}
		o, says := misled(t, jobtest.NewMemory(), job.Config{Queues: map[string]job.QueueConfig{"mail": mail}}, 0)
		s := session(t, o.Client())
		for range 3 {
			put(t, o.Client(), 1, job.Queue("mail"))
		}
		claim(t, s)
		none(t, s)
		says.Store(int64(10 * time.Hour))
		began := time.Now()
		claim(t, s)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the second came %v after ten hours of the clock", took)
		}
		claim(t, s)
		if took := time.Since(began); took < time.Hour || took > time.Hour+time.Minute {
			t.Errorf("the third came after %v", took)
		}
	})
}
