package job_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
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

// does is a task that runs f.
func does(name string, f func(ctx context.Context, n int) (int, error)) *task.Def[int, int] {
	return task.Define(name, f)
}

var errWhy = fault.Sentinel("job_test: why")

func TestWorkerDoesWhatIsEnqueuedAndWaitGivesItsResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		double := does("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{double}})
		for n := range 20 {
			h, err := job.Enqueue(t.Context(), c, double, n)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := h.Wait(t.Context()); got != 2*n || err != nil {
				t.Fatalf("got %d, %v", got, err)
			}
			again := job.Find(c, double, h.ID())
			if got, err := again.Wait(t.Context()); got != 2*n || err != nil {
				t.Fatalf("again %d, %v", got, err)
			}
		}
	})
}

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
		h, err := job.Enqueue(t.Context(), c, flaky, 7, job.Backoff(10*time.Second, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
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

func TestPanicAndGoexitFailTheJobAndNotTheWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		broken := does("broken", func(_ context.Context, n int) (int, error) {
			if n == 0 {
				panic("out of cheese")
			}
			runtime.Goexit()
			return 0, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{broken}})
		for n := range 2 {
			h, err := job.Enqueue(t.Context(), c, broken, n)
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.Wait(t.Context())
			var p *fault.Panic
			if !errors.As(err, &p) || p.Goexit != (n == 1) || !strings.Contains(p.Stack, "work_test.go") && n == 0 {
				t.Errorf("%d: got %v", n, err)
			}
			if st, _ := h.Status(t.Context()); st.State != job.Dead || st.Attempt != 1 {
				t.Errorf("%d: %+v", n, st)
			}
		}
	})
}

// waits is a task whose handler waits for its context's end, and returns its cause.
func waits(name string, begun chan<- context.Context) *task.Def[int, int] {
	return does(name, func(ctx context.Context, n int) (int, error) {
		begun <- ctx
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})
}

func TestCancelReachesARunningHandlerWithItsCause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		h, err := job.Enqueue(t.Context(), c, long, 1)
		if err != nil {
			t.Fatal(err)
		}
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
	}, scope.Timeout(time.Minute))
	if err != nil {
		t.Error(err)
	}
}

func TestTimeoutEndsTheAttemptAndTheJobIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		o, c := opened(t, jobtest.NewMemory())
		_ = o
		working(t, c, job.WorkerConfig{Tasks: []task.Task{long}})
		h, err := job.Enqueue(t.Context(), c, long, 1, job.Attempts(2), job.Timeout(5*time.Second), job.Backoff(time.Second, time.Second))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = h.Wait(t.Context())
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

func TestHandlerThatWaitsForAJobLendsItsSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var deep *task.Def[int, int]
		deep = does("deep", func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 1, nil
			}
			got, err := deep.Do(ctx, job.Current(ctx), n-1)
			return got + 1, err
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{deep}, Slots: 1})
		if got, err := deep.Do(t.Context(), c, 20); got != 21 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

func TestWorkerThatEndsLetsHandlersFinishWithinItsGrace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := does("slow", func(ctx context.Context, n int) (int, error) {
			return n, scope.Sleep(ctx, time.Duration(n)*time.Second)
		})
		_, c := opened(t, jobtest.NewMemory())
		ctx, stop := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{slow}, Grace: 10 * time.Second})
		}()
		var hs []*job.Handle[int]
		for _, n := range []int{5, 60} {
			h, err := job.Enqueue(t.Context(), c, slow, n)
			if err != nil {
				t.Fatal(err)
			}
			hs = append(hs, h)
		}
		synctest.Wait()
		stop(errWhy)
		later, err := job.Enqueue(t.Context(), c, slow, 1)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := <-done; err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("Work: %v after %v", err, time.Since(start))
		}
		for i, want := range []job.State{job.Done, job.Ready} {
			// The second was given back: that its worker ended is not its fault.
			if st, err := hs[i].Status(t.Context()); err != nil || st.State != want || want == job.Ready && st.Attempt != 0 {
				t.Errorf("%d: %+v, %v", i, st, err)
			}
		}
		if st, _ := later.Status(t.Context()); st.State != job.Ready {
			t.Errorf("what came later: %+v", st)
		}
	})
}

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
		h, err := job.Enqueue(t.Context(), c, parent, 3)
		if err != nil {
			t.Fatal(err)
		}
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
		h, err := job.Enqueue(t.Context(), c, parent, 10, job.Key("all"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Wait(t.Context()); got != 385 || err != nil {
			t.Fatalf("got %d, %v", got, err)
		}
		// 1 to 5 were done, and are not done twice.
		t.Logf("%d runs", runs.Load())
		if runs.Load() > 15 {
			t.Errorf("%d runs of children", runs.Load())
		}
	})
}

func TestCallersOfOneKeyShareAJobAndTheLastToLeaveCancelsIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun).Keyed(func(n int) string { return fmt.Sprint(n) })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		one, leaveOne := context.WithCancelCause(t.Context())
		two, leaveTwo := context.WithCancelCause(t.Context())
		done := make(chan error, 2)
		for _, ctx := range []context.Context{one, two} {
			go func() { _, err := long.Do(ctx, c, 1); done <- err }()
		}
		ctx := <-begun
		synctest.Wait()
		leaveOne(errors.New("one"))
		if err := <-done; fault.KindOf(err) != fault.Cancelled || !fault.Started(err) {
			t.Errorf("one: %v", err)
		}
		synctest.Wait()
		if ctx.Err() != nil {
			t.Fatal("the job ended with the first who left")
		}
		leaveTwo(errWhy)
		<-done
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), errWhy) {
			t.Errorf("cause %v", context.Cause(ctx))
		}
		if len(begun) != 0 {
			t.Error("it ran twice")
		}
	})
}

func TestOwnerThatIsDeposedFencesItsHandlers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		log := jobtest.NewMemory()
		o, c := opened(t, log)
		done := make(chan error, 1)
		go func() { done <- job.Work(t.Context(), c, job.WorkerConfig{Tasks: []task.Task{long}}) }()
		h, err := job.Enqueue(t.Context(), c, long, 1)
		if err != nil {
			t.Fatal(err)
		}
		ctx := <-begun
		if token, ok := job.Token(ctx); !ok || token.Epoch != 1 || token.Job != h.ID() {
			t.Errorf("%v, %v", token, ok)
		}
		_, after := opened(t, log)
		_, _ = job.Enqueue(t.Context(), c, long, 2) // with its next record the old one finds out
		<-ctx.Done()
		if fault.KindOf(context.Cause(ctx)) != fault.Fenced {
			t.Errorf("cause %v", context.Cause(ctx))
		}
		if err := <-done; fault.KindOf(err) != fault.Lost {
			t.Errorf("Work: %v", err)
		}
		if o.Err() == nil {
			t.Error("the old owner is well")
		}
		if st, err := after.Status(t.Context(), h.ID()); err != nil || st.State != job.Ready {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

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
		h, err := job.Enqueue(t.Context(), c, chatty, 100)
		if err != nil {
			t.Fatal(err)
		}
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

func TestJobsOfTasksThatNobodyKnowsWaitAndAnAliasKnowsThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := does("resize-image", func(_ context.Context, n int) (int, error) { return n, nil })
		before := does("resize", func(context.Context, int) (int, error) { return 0, errWhy })
		_, c := opened(t, jobtest.NewMemory())
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{now}}) }()
		h, err := job.Enqueue(t.Context(), c, before, 4)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if st, _ := h.Status(t.Context()); st.State != job.Ready || st.Attempt != 0 {
			t.Errorf("%+v", st)
		}
		stop()
		<-done
		working(t, c, job.WorkerConfig{Tasks: []task.Task{now, task.Alias(now, "resize")}})
		if got, err := h.Wait(t.Context()); got != 4 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

func TestWrongWorkerConfigIsRefusedByName(t *testing.T) {
	_, c := opened(t, jobtest.NewMemory())
	some := does("some", func(context.Context, int) (int, error) { return 0, nil })
	for want, conf := range map[string]job.WorkerConfig{
		"WorkerConfig.Tasks is empty":   {},
		"is nil":                        {Tasks: []task.Task{nil}},
		`two tasks of the name "some"`:  {Tasks: []task.Task{some, some}},
		"WorkerConfig.Slots is -1":      {Tasks: []task.Task{some}, Slots: -1},
		"WorkerConfig.Grace is -1ns":    {Tasks: []task.Task{some}, Grace: -1},
		"a name in WorkerConfig.Queues": {Tasks: []task.Task{some}, Queues: []string{""}},
	} {
		err := job.Work(t.Context(), c, conf)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestChildThatWouldWaitForItsOwnParentsIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var kinds []fault.Kind
		var nested *task.Def[int, int]
		nested = does("nested", func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, nil
			}
			_, err := nested.Do(ctx, job.Current(ctx).With(job.Queue("narrow"), job.Limit("narrow", "k")), n-1)
			kinds = append(kinds, fault.KindOf(err))
			return n, nil
		})
		for _, conf := range []job.Config{
			{Queues: map[string]job.QueueConfig{"narrow": {Running: 3}}, Limits: map[string]job.LimitConfig{"narrow": {Running: 9}}},
			{Limits: map[string]job.LimitConfig{"narrow": {Running: 3}}},
		} {
			kinds = nil
			conf.Log = quiet
			o := open(t, jobtest.NewMemory(), conf)
			c := o.Client()
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{nested}}) }()
			_, err := nested.Do(t.Context(), c.With(job.Queue("narrow"), job.Limit("narrow", "k")), 5)
			if err != nil || len(kinds) != 3 || kinds[0] != fault.Deadlocked || kinds[1] != fault.None {
				t.Errorf("%v, %v", kinds, err)
			}
			stop()
			<-done
		}
	})
}

// Double runs by timers: no time is too long for a job whose worker is there.
func TestJobThatTakesDaysRunsOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		long := does("long", func(ctx context.Context, n int) (int, error) {
			runs.Add(1)
			return n, scope.Sleep(ctx, 100*time.Hour)
		})
		_, c := opened(t, jobtest.NewMemory())
		for range 3 {
			working(t, c, job.WorkerConfig{Tasks: []task.Task{long}})
		}
		h, err := job.Enqueue(t.Context(), c, long, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Wait(t.Context()); got != 1 || err != nil || runs.Load() != 1 {
			t.Errorf("got %d, %v after %d runs", got, err, runs.Load())
		}
	})
}

// Stuck "running" for ever: whatever was claimed when everything went down is
// claimable when there is an owner again.
func TestJobsOfAnOwnerThatIsGoneAreNotRunningAnyMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		_, c := opened(t, log)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{long}}) }()
		var ids []job.ID
		for n := range 5 {
			h, err := job.Enqueue(t.Context(), c, long, n)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, h.ID())
			<-begun
		}
		_, next := opened(t, log)
		for _, id := range ids {
			wantState(t, next, id, job.Ready)
		}
		_, _ = c.Counts(t.Context(), "")
		_, _ = job.Enqueue(t.Context(), c, long, 9) // the old one finds out
	})
}
