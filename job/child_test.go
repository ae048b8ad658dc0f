package job_test

import (
	"context"
	"errors"
	"fmt"
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

func TestAttachedChildrenEndWithTheAttemptOfTheirParent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		child := waits("child", begun)
		release := make(chan struct{})
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			s := job.Current(ctx)
			go func() { _, _ = child.Do(context.WithoutCancel(ctx), s, 1) }() // nobody waits for it
			<-release
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{child, parent}})
		h := entered(t, c, parent, 3)
		ctx := <-begun
		close(release)
		if got, err := h.Wait(t.Context()); got != 3 || err != nil {
			t.Fatalf("got %d, %v", got, err)
		}
		<-ctx.Done()
		if fault.KindOf(context.Cause(ctx)) != fault.Cancelled {
			t.Errorf("the child's cause is %v", context.Cause(ctx))
		}
	})
}

func TestParentThatIsRunAgainJoinsWhatItHadBegun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		child := does("child", func(ctx context.Context, n int) (int, error) {
			runs.Add(1)
			return n * n, scope.Sleep(ctx, time.Duration(n)*time.Second)
		}).Keyed(func(n int) string { return fmt.Sprint(n) })
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			return scope.Value(ctx, func(ctx context.Context, s *scope.Scope) (int, error) {
				var all []*scope.Future[int]
				for i := 1; i <= n; i++ {
					all = append(all, child.Go(s, job.Current(ctx), i))
				}
				if job.Attempt(ctx) == 1 {
					// Some are done, some running, when this attempt is lost.
					_ = scope.Sleep(ctx, 5*time.Second+time.Millisecond)
					return 0, fault.RetryAfter(errors.New("lost"), time.Second)
				}
				sum := 0
				for _, f := range all {
					v, err := f.Await(ctx)
					if err != nil {
						return 0, err
					}
					sum += v
				}
				return sum, nil
			})
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{child, parent}, Slots: 20})
		h := entered(t, c, parent, 10, job.Key("all"))
		if got, err := h.Wait(t.Context()); got != 385 || err != nil {
			t.Fatalf("got %d, %v", got, err)
		}
		// 1 to 5 were done, and are not done twice; 6 to 10 were running, and go on.
		if runs.Load() != 10 {
			t.Errorf("%d runs of 10 children", runs.Load())
		}
	})
}

func TestAChildThatIsDoneIsKeptUntilItsParentHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		child := does("child", func(_ context.Context, n int) (int, error) { runs.Add(1); return n * n, nil }).
			Keyed(func(n int) string { return fmt.Sprint(n) })
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			in := job.Current(ctx).With(job.Keep(0))
			got, err := child.Do(ctx, in, n)
			if err != nil || job.Attempt(ctx) == 1 {
				return 0, errors.Join(err, fault.RetryAfter(errWhy, 24*time.Hour))
			}
			return got, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{child, parent}})
		h := entered(t, c, parent, 7)
		if got, err := h.Wait(t.Context()); got != 49 || err != nil || runs.Load() != 1 {
			t.Errorf("got %d, %v, after %d runs of the child", got, err, runs.Load())
		}
		time.Sleep(time.Minute)
		if _, err := c.Status(t.Context(), h.ID()+1); !errors.Is(err, job.ErrNoJob) {
			t.Errorf("the child is still there: %v", err)
		}
	})
}

func TestAChildThatHasFailedIsBegunAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		child := does("child", func(_ context.Context, n int) (int, error) {
			if runs.Add(1) == 1 {
				return 0, fault.Permanent(errWhy)
			}
			return n, nil
		}).Keyed(func(n int) string { return fmt.Sprint(n) })
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			got, err := child.Do(ctx, job.Current(ctx), n)
			if err != nil {
				err = fault.RetryAfter(err, time.Second)
			}
			return got, err
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{child, parent}})
		if got, err := entered(t, c, parent, 7).Wait(t.Context()); got != 7 || err != nil || runs.Load() != 2 {
			t.Errorf("got %d, %v, after %d runs of the child", got, err, runs.Load())
		}
	})
}

func TestKeysOfChildrenAreTheirParentsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		child := does("child", func(_ context.Context, n int) (int, error) { return n, nil }).
			Keyed(func(int) string { return "the same" })
		parent := does("parent", func(ctx context.Context, n int) (int, error) { return child.Do(ctx, job.Current(ctx), n) })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{child, parent}})
		for n := range 3 {
			if got, err := parent.Do(t.Context(), c, n); got != n || err != nil {
				t.Errorf("got %d, %v, want %d", got, err, n)
			}
		}
	})
}

func TestWhatAHandlerEnqueuesIsNobodysChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			h, err := job.Enqueue(ctx, job.Current(ctx), resize, n)
			if err != nil {
				return 0, err
			}
			return int(h.ID()), nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{parent}})
		id, err := parent.Do(t.Context(), c, 7)
		if err != nil {
			t.Fatal(err)
		}
		if st := wantState(t, c, job.ID(id), job.Ready); st.Parent != 0 || st.Attached {
			t.Errorf("%+v", st)
		}
	})
}

func TestAnAttemptThatIsOverBeginsNothingMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var left *job.Client
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			left = job.Current(ctx)
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{parent, resize}})
		if _, err := parent.Do(t.Context(), c, 1); err != nil {
			t.Fatal(err)
		}
		for _, child := range []*task.Def[int, int]{resize, resize.Keyed(func(int) string { return "k" })} {
			_, err := child.Do(t.Context(), left, 1)
			wantFault(t, err, fault.Fenced, false, "has ended")
		}
	})
}

func TestChildrenInheritTheirGroupAndADeadlineAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		child := does("child", func(ctx context.Context, n int) (int, error) {
			at, ok := ctx.Deadline()
			if !ok || time.Until(at) > time.Minute+time.Millisecond {
				t.Errorf("the deadline is %v, %v", at, ok)
			}
			return n, nil
		})
		parent := does("parent", func(ctx context.Context, n int) (int, error) { return child.Do(ctx, job.Current(ctx), n) })
		_, c := opened(t, jobtest.NewMemory())
		working(t, c.With(job.Tags("of the worker's client")), job.WorkerConfig{Tasks: []task.Task{child, parent}})
		h := entered(t, c, parent, 1, job.Group("acme"), job.Queue("one"), job.Priority(5), job.Timeout(time.Minute))
		if _, err := h.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		st := wantState(t, c, h.ID()+1, job.Done)
		if st.Parent != h.ID() || st.Group != "acme" || st.Queue != "default" || st.Priority != 0 || fmt.Sprint(st.Tags) != "[of the worker's client]" {
			t.Errorf("%+v", st)
		}
	})
}

func TestOptionsOfTheClientInAHandlerAreThoseOfItsChildren(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var child, parent *task.Def[int, int]
		var mu sync.Mutex
		var found []job.Status
		child = does("child", func(ctx context.Context, n int) (int, error) {
			token, _ := job.Token(ctx)
			st, err := job.Current(ctx).Status(ctx, token.Job)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, st)
			return n, err
		})
		parent = does("parent", func(ctx context.Context, n int) (int, error) {
			c := job.Current(ctx)
			for _, opts := range [][]job.Option{
				{job.Queue("other"), job.Tags("a"), job.Group("mine")},
				{job.Key("k"), job.Attempts(3), job.Timeout(time.Hour)},
				nil,
			} {
				if _, err := child.Do(ctx, c.With(opts...), n); err != nil {
					return 0, err
				}
			}
			_, err := job.Enqueue(ctx, c.With(job.Delay(time.Hour)), child, n)
			return n, err
		})
		_, c := opened(t, jobtest.NewMemory())
		working(t, c.With(job.Queue("from-worker")), job.WorkerConfig{Tasks: []task.Task{child, parent}})
		h := entered(t, c, parent, 1, job.Group("tenant"))
		if _, err := h.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		mu.Lock()
		defer mu.Unlock()
		for i, want := range []struct {
			queue, group, key string
			attached          bool
			parent            job.ID
			attempts          int
		}{
			{"other", "mine", "", true, h.ID(), 1},
			{"from-worker", "tenant", "k", false, h.ID(), 3},
			{"from-worker", "tenant", "", true, h.ID(), 1},
			{"from-worker", "tenant", "", false, 0, 20},
		} {
			if i >= len(found) {
				t.Fatalf("%d children ran", len(found))
			}
			if st := found[i]; st.Queue != want.queue || st.Group != want.group || st.Key != want.key || st.Attached != want.attached || st.Parent != want.parent || st.Attempts != want.attempts {
				t.Errorf("%d: %+v", i, st)
			}
		}
	})
}
