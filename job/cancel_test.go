package job_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

func TestCancelReachesARunningHandlerWithItsCause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		h := entered(t, c, long, 1)
		ctx := <-begun
		before := time.Now()
		if st, err := c.CancelCause(t.Context(), h.ID(), errWhy); st != job.Running || err != nil {
			t.Fatalf("%v, %v", st, err)
		}
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), errWhy) || ctx.Err() != context.Canceled || time.Since(before) > 0 {
			t.Errorf("cause %v after %v", context.Cause(ctx), time.Since(before))
		}
		if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
			t.Errorf("got %v", err)
		}
		if st, _ := h.Status(t.Context()); st.State != job.Cancelled {
			t.Errorf("%+v", st)
		}
	})
}

// Lost cancel: what is cancelled while it is being claimed is told as well.
func TestCancelThatComesWithTheClaimIsNotLost(t *testing.T) {
	begun := make(chan context.Context, 1000)
	long := waits("long", begun)
	c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}, Slots: 50})
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		for range 20 {
			s.Go(func(ctx context.Context) error {
				for range 20 {
					h, err := job.Enqueue(ctx, c, long, 1)
					if err != nil {
						return err
					}
					runtime.Gosched()
					if _, err := h.Cancel(ctx); err != nil {
						return err
					}
					if _, err := h.Wait(ctx); fault.KindOf(err) != fault.Cancelled {
						return fmt.Errorf("job %v: %w", h.ID(), err)
					}
				}
				return nil
			})
		}
		return nil
	}, scope.Timeout(10*time.Second))
	if err != nil {
		t.Error(err)
	}
}

// Elsewhere a cancel is lost on a worker that is not connected when it comes (asynq).
func TestCancelReachesAWorkerThatWasCutOffWhenItIsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, way, r := reached(t, jobtest.NewMemory(), job.Config{})
		begun := make(chan context.Context, 1)
		long := waits("long", begun)
		working(t, r.Client(), job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet})
		h := entered(t, o.Client(), long, 1)
		ctx := <-begun
		way.move(nil)
		way.cut()
		synctest.Wait()
		if st, err := o.Client().CancelCause(t.Context(), h.ID(), errWhy); st != job.Running || err != nil {
			t.Fatalf("%v, %v", st, err)
		}
		time.Sleep(3 * time.Second)
		if ctx.Err() != nil {
			t.Fatalf("there is no connection, and it was told %v", context.Cause(ctx))
		}
		way.move(o)
		back := time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			t.Fatal("it was never told")
		}
		if took := time.Since(back); took > 2*time.Second || !errors.Is(context.Cause(ctx), errWhy) {
			t.Errorf("it was told %v, %v after it could be reached", context.Cause(ctx), took)
		}
		if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
			t.Errorf("got %v", err)
		}
		wantState(t, o.Client(), h.ID(), job.Cancelled)
	})
}

func TestOfTwoWhoCancelAJobTheFirstSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}, Slots: 1})
		second := fault.Sentinel("job_test: second")
		running := entered(t, c, long, 1)
		<-begun
		pending := entered(t, c, long, 2)
		for _, h := range []*job.Handle[int]{pending, running} {
			for _, why := range []error{errWhy, second, nil} {
				if _, err := c.CancelCause(t.Context(), h.ID(), why); err != nil {
					t.Errorf("job %v: %v", h.ID(), err)
				}
			}
		}
		for _, h := range []*job.Handle[int]{running, pending} {
			if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) || errors.Is(err, second) {
				t.Errorf("job %v: %v", h.ID(), err)
			}
			wantState(t, c, h.ID(), job.Cancelled)
		}
		if len(begun) > 0 {
			t.Error("the other began")
		}
	})
}

func TestCancellingAParentCancelsTheWholeTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 99)
		leaf := waits("leaf", begun)
		var node *task.Def[int, int]
		node = does("node", func(ctx context.Context, depth int) (int, error) {
			below := node.Keyed(func(n int) string { return fmt.Sprint(n) })
			if depth == 0 {
				below = leaf
			}
			return scope.Value(ctx, func(ctx context.Context, s *scope.Scope) (int, error) {
				below.Go(s, job.Current(ctx), depth-1)
				leaf.Go(s, job.Current(ctx), depth-1)
				return 0, nil
			})
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{node, leaf}, Slots: 99})
		h := entered(t, c, node, 3)
		synctest.Wait()
		if len(begun) != 5 {
			t.Fatalf("%d leaves are running", len(begun))
		}
		if _, err := c.CancelCause(t.Context(), h.ID(), errWhy); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // and no time
		for range 5 {
			if ctx := <-begun; ctx.Err() == nil {
				t.Error("a leaf goes on")
			}
		}
		if n, err := c.Counts(t.Context(), ""); err != nil || n.Live() != 0 || n.Cancelled != 9 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestCancelOfAParentReachesAThousandChildren(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var active, told atomic.Int32
		long := does("long", func(ctx context.Context, n int) (int, error) {
			active.Add(1)
			defer active.Add(-1)
			<-ctx.Done()
			told.Add(1)
			return 0, context.Cause(ctx)
		})
		keyed := long.Keyed(func(n int) string { return fmt.Sprint(n) })
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			return scope.Value(ctx, func(ctx context.Context, s *scope.Scope) (int, error) {
				for i := range n / 2 {
					long.Go(s, job.Current(ctx), i)
					keyed.Go(s, job.Current(ctx), i)
				}
				return n, nil
			})
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long, parent}, Slots: 600}) // the others wait
		h := entered(t, c, parent, 1000)
		synctest.Wait()
		if n, _ := c.Counts(t.Context(), ""); n.Running != 601 || n.Ready != 400 || active.Load() != 600 {
			t.Fatalf("%+v, %d active", n, active.Load())
		}
		if _, err := c.CancelCause(t.Context(), h.ID(), errWhy); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if n, _ := c.Counts(t.Context(), ""); n.Live() != 0 || n.Cancelled != 1001 || active.Load() != 0 || told.Load() != 600 {
			t.Errorf("%+v, %d active, %d told", n, active.Load(), told.Load())
		}
	})
}

// Who is cancelled just as it calls a child says so, and not that it has no more
// children.
func TestParentThatIsCancelledAsItCallsSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		child := does("child", func(_ context.Context, n int) (int, error) { return n, nil })
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			time.Sleep(5 * time.Millisecond)
			return child.Do(ctx, job.Current(ctx), n)
		})
		m := jobtest.NewMemory()
		_, c := opened(t, m)
		working(t, c, job.WorkerConfig{Tasks: []task.Task{child, parent}})
		for n := range 20 {
			h := entered(t, c, parent, n)
			synctest.Wait()
			m.Faults(func(jobtest.Op) jobtest.Fault { return jobtest.Fault{Lag: 10 * time.Millisecond} })
			if _, err := c.CancelCause(t.Context(), h.ID(), errWhy); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
				t.Errorf("%d: %v (%v)", n, err, fault.KindOf(err))
			}
			m.Faults(nil)
		}
	})
}
