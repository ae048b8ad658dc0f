package job_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// Enqueue waits for room as long as its context does, whatever breaks.
func TestAnEnqueueThatWaitsForRoomForHoursIsNotLostWhenTheConnectionBreaks(t *testing.T) {
	for _, breaks := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(breaks), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o, h, r := reached(t, jobtest.NewMemory(), job.Config{Depth: 1})
				id := put(t, o.Client(), 1)
				waits := later(func() error { _, err := job.Enqueue(t.Context(), r.Client(), resize, 2); return err })
				for range breaks {
					time.Sleep(10 * time.Minute)
					h.cut()
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if _, err := o.Client().Cancel(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if err := waits(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A deadline that is far away is one.
func TestACallWithADeadlineInTheYear9999IsMade(t *testing.T) {
	bubble(t, func(t *testing.T) {
		double := does("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{double}})
		ctx, cancel := context.WithDeadline(t.Context(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
		defer cancel()
		if n, err := double.Do(ctx, c, 2); n != 4 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// A caller who panics while he looks at progress is one who has gone.
func TestACallerWhoPanicsLeavesNoAttachedJobBehind(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		begun := make(chan context.Context, 1)
		long := does("long", func(ctx context.Context, n int) (int, error) {
			task.Report(ctx, task.Progress{Done: 1})
			begun <- ctx
			return lasts(ctx, time.Hour, n)
		})
		working(t, d.owner.Client(), job.WorkerConfig{Tasks: []task.Task{long}, Grace: time.Second})
		ctx := task.OnProgress(t.Context(), func(task.Progress) { panic("in a caller") })
		call := later(func() (v any) {
			defer func() { v = recover() }()
			_, err := long.Do(ctx, d.client, 1)
			return err
		})
		handler := <-begun
		t.Logf("the call: %v", call())
		time.Sleep(time.Minute)
		if handler.Err() == nil {
			t.Error("its caller has gone for a minute, and the job goes on")
		}
	})
}
