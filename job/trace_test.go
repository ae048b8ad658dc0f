package job_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

func TestFirstAttemptContinuesTheTraceAndLaterOnesLinkToIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		of := task.Trace{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", State: "a=b"}
		traced := does("traced", func(ctx context.Context, n int) (int, error) {
			if job.Link(ctx) != of {
				t.Errorf("attempt %d has link %v", job.Attempt(ctx), job.Link(ctx))
			}
			if job.Attempt(ctx) == 1 {
				if task.TraceOf(ctx) != of {
					t.Errorf("the first has trace %v", task.TraceOf(ctx))
				}
				return 0, errWhy
			}
			if task.TraceOf(ctx) != (task.Trace{}) {
				t.Errorf("the second has trace %v", task.TraceOf(ctx))
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{traced}})
		h, err := job.Enqueue(task.WithTrace(t.Context(), of), c, traced, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFirstAttemptThatWasGivenBackContinuesTheTrace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		of := task.Trace{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
		var saw task.Trace
		traced := does("traced", func(ctx context.Context, n int) (int, error) {
			saw = task.TraceOf(ctx)
			return job.Attempt(ctx), nil
		})
		_, c := opened(t, jobtest.NewMemory())
		h, err := job.Enqueue(task.WithTrace(t.Context(), of), c, traced, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := claim(t, session(t, c)).Return(t.Context()); err != nil {
			t.Fatal(err)
		}
		working(t, c, job.WorkerConfig{Tasks: []task.Task{traced}})
		if n, err := h.Wait(t.Context()); n != 1 || err != nil || saw != of {
			t.Errorf("attempt %d, %v: trace %v", n, err, saw)
		}
	})
}
