package job_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

func TestProgressAndLinesOfARunningJobCanBeSeen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		chatty := does("chatty", func(ctx context.Context, n int) (int, error) {
			for i := range n {
				task.Report(ctx, task.Progress{Done: int64(i + 1), Total: int64(n), Note: "on"})
				job.Logf(ctx, "line %d\nand more", i)
			}
			<-release
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{chatty}})
		h := entered(t, c, chatty, 100)
		time.Sleep(time.Second)
		p, err := h.Progress(t.Context())
		if err != nil || p.Done != 100 || p.Total != 100 || p.Note != "on" || len(p.Lines) != 100 || p.Lines[99] != "and more" || p.Lines[98] != "line 99" {
			t.Errorf("%+v, %v", p, err)
		}
		close(release)
		if _, err := h.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p, err := h.Progress(t.Context()); err != nil || p.Done != 0 || p.Lines != nil {
			t.Errorf("when it is done: %+v, %v", p, err)
		}
	})
}

func TestWaitHearsOfProgressAndLeavesTheJobAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		steps := does("steps", func(ctx context.Context, n int) (int, error) {
			for i := range n {
				task.Report(ctx, task.Progress{Done: int64(i + 1), Total: int64(n)})
				if err := scope.Sleep(ctx, time.Second); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{steps}})
		h := entered(t, c, steps, 5)
		soon, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := h.Wait(soon)
		wantFault(t, err, fault.Deadline, false)
		var heard []int64
		ctx := task.OnProgress(t.Context(), func(p task.Progress) { heard = append(heard, p.Done) })
		if got, err := h.Wait(ctx); got != 5 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if fmt.Sprint(heard) != "[2 3 4 5]" {
			t.Errorf("heard %v", heard)
		}
	})
}

func TestProgressOfALaterAttemptIsHeard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		twice := does("twice", func(ctx context.Context, n int) (int, error) {
			for i := range 5 / job.Attempt(ctx) {
				task.Report(ctx, task.Progress{Done: int64(i + 1), Note: fmt.Sprint("attempt ", job.Attempt(ctx))})
				time.Sleep(time.Second)
			}
			if job.Attempt(ctx) == 1 {
				return 0, fault.RetryAfter(errWhy, 0)
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{twice}})
		h := entered(t, c, twice, 1)
		var notes []string
		ctx := task.OnProgress(t.Context(), func(p task.Progress) { notes = append(notes, fmt.Sprint(p.Note, ": ", p.Done)) })
		if _, err := h.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		if len(notes) != 7 || notes[6] != "attempt 2: 2" {
			t.Errorf("%q", notes)
		}
	})
}

func TestCallerWhoLooksAtProgressIsStillThere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		keyed := does("keyed", func(ctx context.Context, n int) (int, error) {
			task.Report(ctx, task.Progress{Done: 1})
			select {
			case <-release:
				return n, nil
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		}).Keyed(func(n int) string { return fmt.Sprint(n) })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{keyed}})
		ctx := task.OnProgress(t.Context(), func(task.Progress) { time.Sleep(time.Second) })
		stays := later(func() error { _, err := keyed.Do(ctx, c, 1); return err })
		other, leave := context.WithCancel(t.Context())
		goes := later(func() error { _, err := keyed.Do(other, c, 1); return err })
		time.Sleep(500 * time.Millisecond)
		leave()
		if err := goes(); fault.KindOf(err) != fault.Cancelled {
			t.Errorf("who left: %v", err)
		}
		synctest.Wait()
		close(release)
		if err := stays(); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestStormOfProgressIsThinnedAndItsEndIsHeard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const storm = 4_000
		release := make(chan struct{})
		loud := does("loud", func(ctx context.Context, n int) (int, error) {
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					for k := range storm / 4 {
						task.Report(ctx, task.Progress{Done: int64(k), Note: strings.Repeat("x", 5000)})
						job.Logf(ctx, "%d of %d", k, i)
					}
				})
			}
			all.Wait()
			time.Sleep(time.Second)
			task.Report(ctx, task.Progress{Done: storm})
			<-release
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{loud}})
		h := entered(t, c, loud, 1)
		var heard []task.Progress
		done := later(func() error {
			_, err := h.Wait(task.OnProgress(t.Context(), func(p task.Progress) { heard = append(heard, p) }))
			return err
		})
		time.Sleep(time.Minute)
		close(release)
		if err := done(); err != nil {
			t.Fatal(err)
		}
		if n := len(heard); n == 0 || n > 20 || heard[n-1].Done != storm {
			t.Errorf("%d were heard: %.200v", n, heard)
		}
	})
}
