package job_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

func TestWorkerThatEndsLetsHandlersFinishWithinItsGrace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := does("slow", func(ctx context.Context, n int) (int, error) {
			return n, scope.Sleep(ctx, time.Duration(n)*time.Second)
		})
		_, c := opened(t, jobtest.NewMemory())
		ctx, stop := context.WithCancelCause(t.Context())
		done := later(func() error {
			return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{slow}, Grace: 10 * time.Second})
		})
		hs := []*job.Handle[int]{entered(t, c, slow, 5), entered(t, c, slow, 60)}
		synctest.Wait()
		stop(errWhy)
		after := entered(t, c, slow, 1)
		start := time.Now()
		if err := done(); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("Work: %v after %v", err, time.Since(start))
		}
		for i, want := range []job.State{job.Done, job.Ready} {
			// The second was given back: that its worker ended is not its fault.
			if st, err := hs[i].Status(t.Context()); err != nil || st.State != want || want == job.Ready && st.Attempt != 0 {
				t.Errorf("%d: %+v, %v", i, st, err)
			}
		}
		if st, _ := after.Status(t.Context()); st.State != job.Ready {
			t.Errorf("what came later: %+v", st)
		}
	})
}

func TestHandlerThatIgnoresItsContextIsAwaitedAndHeard(t *testing.T) {
	heard := findings(t, "job.ignored-cancel")
	bubble(t, func(t *testing.T) {
		deaf := does("deaf", func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Minute)
			return n, nil
		})
		_, c := opened(t, jobtest.NewMemory())
		ctx, stop := context.WithCancel(t.Context())
		start := time.Now()
		work := later(func() error {
			return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{deaf}, Grace: time.Second})
		})
		h := entered(t, c, deaf, 3)
		synctest.Wait()
		stop()
		if err := work(); err != nil || time.Since(start) != time.Minute {
			t.Errorf("Work: %v after %v", err, time.Since(start))
		}
		if n, err := h.Wait(t.Context()); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if fs := heard(); len(fs) != 1 || !strings.Contains(fs[0].Detail, "the worker ends") {
			t.Errorf("%+v", fs)
		}
	})
}

// findings hears of those of a code from now on, by whom they concern.
func findings(t *testing.T, code string) func() (of []inspect.Finding) {
	var mu sync.Mutex
	var all []inspect.Finding
	t.Cleanup(inspect.OnFinding(func(f inspect.Finding) {
		mu.Lock()
		defer mu.Unlock()
		if f.Code == code {
			all = append(all, f)
		}
	}))
	return func() []inspect.Finding {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func TestHandlerThatIgnoresItsContextIsAFinding(t *testing.T) {
	heard := findings(t, "job.ignored-cancel")
	bubble(t, func(t *testing.T) {
		deaf := does("deaf", func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Duration(n) * time.Second)
			return n, nil
		})
		heeds := waits("heeds", make(chan context.Context, 1))
		_, c := opened(t, jobtest.NewMemory())
		var told strings.Builder
		working(t, c, job.WorkerConfig{Tasks: []task.Task{deaf, heeds}, Log: slog.New(slog.NewTextHandler(&told, nil))})
		entered(t, c, deaf, 9)
		slow, timed := entered(t, c, deaf, 60), entered(t, c, deaf, 60, job.Timeout(5*time.Second), job.Attempts(1))
		entered(t, c, deaf, 3600) // nobody has told it to end
		fine := entered(t, c, heeds, 1)
		synctest.Wait()
		for _, h := range []*job.Handle[int]{slow, fine} {
			if _, err := h.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, x := range []struct {
			after time.Duration
			want  *job.Handle[int]
			cause string
		}{{9900 * time.Millisecond, nil, ""}, {time.Second, slow, "cancelled"}, {4 * time.Second, nil, ""}, {time.Second, timed, "deadline exceeded"}, {time.Hour, nil, ""}} {
			before := len(heard())
			time.Sleep(x.after)
			fs := heard()[before:]
			if x.want == nil && len(fs) > 0 || x.want != nil && len(fs) != 1 {
				t.Fatalf("after %v more: %+v", x.after, fs)
			}
			if x.want == nil {
				continue
			}
			f, who := fs[0], "job "+x.want.ID().String()+", deaf#"
			if !strings.Contains(f.Detail, who) || !strings.Contains(f.Detail, "still runs 10s after") || !strings.Contains(f.Detail, x.cause) ||
				f.Hint == "" || len(f.Stack) < 2 || !strings.Contains(f.Stack[1].Func, "TestHandlerThatIgnores") {
				t.Errorf("got %+v", f)
			}
		}
		synctest.Wait()
		if n := strings.Count(told.String(), "ignores that its context has ended"); n != 2 {
			t.Errorf("%d warnings:\n%s", n, &told)
		}
	})
}

func TestAWorkerThatEndsGivesBackWhatReturnsItsContextsError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, end := range []func(context.Context) error{context.Context.Err, context.Cause} {
			begun := make(chan struct{}, 1)
			long := does("long", func(ctx context.Context, n int) (int, error) {
				begun <- struct{}{}
				<-ctx.Done()
				return 0, fmt.Errorf("read: %w", end(ctx))
			})
			_, c := opened(t, jobtest.NewMemory())
			ctx, stop := context.WithCancel(t.Context())
			done := later(func() error { return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{long}}) })
			h := entered(t, c, long, 1, job.Attempts(1))
			<-begun
			stop()
			if err := done(); err != nil {
				t.Error(err)
			}
			if st := wantState(t, c, h.ID(), job.Ready); st.Attempt != 0 || len(st.Failures) != 0 {
				t.Errorf("%+v", st)
			}
		}
	})
}

// Causes are an error that cannot be compared.
type causes []error

func (c causes) Error() string { return fmt.Sprint([]error(c)) }

func TestWorkerThatEndsForAnyCauseGivesItsJobsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		long := waits("long", begun)
		_, c := opened(t, jobtest.NewMemory())
		ctx, stop := context.WithCancelCause(t.Context())
		done := later(func() error {
			return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{long}, Grace: time.Millisecond})
		})
		h := entered(t, c, long, 1)
		<-begun
		stop(causes{errWhy})
		if err := done(); err != nil {
			t.Error(err)
		}
		wantState(t, c, h.ID(), job.Ready)
	})
}

func TestWorkEndsWhenItsOwnerIsClosedAndItsHandlersAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		long := waits("long", begun)
		o, c := opened(t, jobtest.NewMemory())
		work := later(func() error {
			return job.Work(t.Context(), c, job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet})
		})
		if _, err := job.Enqueue(t.Context(), c, long, 1); err != nil {
			t.Fatal(err)
		}
		ctx := <-begun
		shut(t, o)
		if err := work(); fault.KindOf(err) != fault.Cancelled && fault.KindOf(err) != fault.Invalid {
			t.Errorf("Work: %v", err)
		}
		if fault.KindOf(context.Cause(ctx)) != fault.Fenced {
			t.Errorf("the handler was told %v", context.Cause(ctx))
		}
	})
}

func TestOwnerThatIsDeposedFencesItsHandlers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		log := jobtest.NewMemory()
		o, c := opened(t, log)
		done := later(func() error { return job.Work(t.Context(), c, job.WorkerConfig{Tasks: []task.Task{long}}) })
		h := entered(t, c, long, 1)
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
		if err := done(); fault.KindOf(err) != fault.Lost {
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
			h := entered(t, c, long, n)
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
