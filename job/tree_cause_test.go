package job_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/task"
)

// tower is a task top, which calls mid, which calls leaf, each as a job; leaf lasts.
func tower(t *testing.T, begun chan context.Context) (top *task.Def[int, int], c *job.Client) {
	leaf := waits("leaf", begun)
	mid := does("mid", func(ctx context.Context, n int) (int, error) { return leaf.Do(ctx, job.Current(ctx), n) })
	top = does("top", func(ctx context.Context, n int) (int, error) { return mid.Do(ctx, job.Current(ctx), n) })
	return top, worked(t, job.WorkerConfig{Tasks: []task.Task{leaf, mid, top}})
}

func TestTheCauseOfACancelReachesTheLeavesAndComesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		top, c := tower(t, begun)
		h, err := job.Enqueue(t.Context(), c, top, 1)
		if err != nil {
			t.Fatal(err)
		}
		leaf := <-begun
		synctest.Wait()
		if _, err := c.CancelCause(t.Context(), h.ID(), errWhy); err != nil {
			t.Fatal(err)
		}
		<-leaf.Done()
		if cause := context.Cause(leaf); !errors.Is(cause, errWhy) || fault.KindOf(cause) != fault.Cancelled || leaf.Err() != context.Canceled {
			t.Errorf("the leaf's context ends with %v, %v", cause, leaf.Err())
		}
		if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) || fault.KindOf(err) != fault.Cancelled {
			t.Errorf("Wait says %v", err)
		}
	})
}

func TestACallerWhoLeavesHasHisOwnCauseBackFromATree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		top, c := tower(t, begun)
		ctx, cancel := context.WithCancelCause(t.Context())
		called := later(func() error { _, err := top.Do(ctx, c, 1); return err })
		leaf := <-begun
		synctest.Wait()
		cancel(errWhy)
		if err := called(); !errors.Is(err, errWhy) || fault.KindOf(err) != fault.Cancelled {
			t.Errorf("the caller has %v", err)
		}
		if cause := context.Cause(leaf); !errors.Is(cause, errWhy) {
			t.Errorf("the leaf's context ends with %v", cause)
		}
	})
}

func TestATimeoutIsADeadlineToTheWholeTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		top, c := tower(t, begun)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		called := later(func() error { _, err := top.Do(ctx, c, 1); return err })
		leaf := <-begun
		if err := called(); !errors.Is(err, context.DeadlineExceeded) || fault.KindOf(err) != fault.Deadline {
			t.Errorf("the caller has %v", err)
		}
		if cause := context.Cause(leaf); fault.KindOf(cause) != fault.Deadline {
			t.Errorf("the leaf's context ends with %v", cause)
		}
	})
}

// A tree that ends because an attempt of its root does has no cause but that.
func TestChildrenOfAnAttemptThatIsOverAreToldThat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		leaf := waits("leaf", begun)
		failed := make(chan bool)
		top := does("top", func(ctx context.Context, n int) (int, error) {
			go leaf.Do(context.WithoutCancel(ctx), job.Current(ctx), n)
			<-failed
			return 0, fault.Permanent(errWhy)
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{leaf, top}})
		h, err := job.Enqueue(t.Context(), c, top, 1)
		if err != nil {
			t.Fatal(err)
		}
		ctx := <-begun
		close(failed)
		if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
			t.Errorf("got %v", err)
		}
		<-ctx.Done()
		if cause := context.Cause(ctx); fault.KindOf(cause) != fault.Cancelled || errors.Is(cause, errWhy) {
			t.Errorf("the leaf's context ends with %v", cause)
		}
	})
}
