package job_test

import (
	"context"
	"errors"
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

func TestWorkerDoesWhatIsEnqueuedAndWaitGivesItsResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		double := does("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{double}})
		for n := range 20 {
			h := entered(t, c, double, n)
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

func TestWorkersOfOneClientShareItsJobs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nap := does("nap", func(ctx context.Context, n int) (int, error) { return n, scope.Sleep(ctx, time.Second) })
		_, c := opened(t, jobtest.NewMemory())
		for range 10 {
			working(t, c, job.WorkerConfig{Tasks: []task.Task{nap}, Slots: 2})
		}
		start := time.Now()
		if _, err := scope.Map(t.Context(), 100, make([]int, 100), nap.On(c)); err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAWorkerTakesFromItsQueuesAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{resize}, Queues: []string{"a", "b"}})
		other := entered(t, c, resize, 1)
		if got, err := entered(t, c, resize, 2, job.Queue("b")).Wait(t.Context()); got != 4 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		wantState(t, c, other.ID(), job.Ready)
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
		h := entered(t, c, long, 1)
		if got, err := h.Wait(t.Context()); got != 1 || err != nil || runs.Load() != 1 {
			t.Errorf("got %d, %v after %d runs", got, err, runs.Load())
		}
	})
}

func TestJobsOfTasksThatNobodyKnowsWaitAndAnAliasKnowsThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := does("resize-image", func(_ context.Context, n int) (int, error) { return n, nil })
		before := does("resize", func(context.Context, int) (int, error) { return 0, errWhy })
		_, c := opened(t, jobtest.NewMemory())
		ctx, stop := context.WithCancel(t.Context())
		done := later(func() error { return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{now}}) })
		h := entered(t, c, before, 4)
		time.Sleep(time.Hour)
		if st, _ := h.Status(t.Context()); st.State != job.Ready || st.Attempt != 0 {
			t.Errorf("%+v", st)
		}
		stop()
		done()
		working(t, c, job.WorkerConfig{Tasks: []task.Task{now, task.Alias(now, "resize")}})
		if got, err := h.Wait(t.Context()); got != 4 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

// A profile is what an older and a newer version of one task take.
type (
	profile1 struct{ Name string }
	profile2 struct{ Name, Pronouns string }
)

func TestAFieldThatAnOlderWorkerDoesNotKnowWaitsForOneThatDoes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		older := task.Define("greet", func(context.Context, profile1) (string, error) { return "", fault.RetryAfter(errWhy, time.Hour) })
		newer := task.Define("greet", func(_ context.Context, p profile2) (string, error) { return p.Name + "/" + p.Pronouns, nil })
		_, c := opened(t, jobtest.NewMemory())
		h := entered(t, c, newer, profile2{"Sam", "they"})
		before := entered(t, c, older, profile1{"Kim"})
		ctx, stop := context.WithCancel(t.Context())
		done := later(func() error { return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{older}}) })
		synctest.Wait()
		stop()
		if err := done(); err != nil {
			t.Fatal(err)
		}
		working(t, c, job.WorkerConfig{Tasks: []task.Task{newer}})
		if got, err := h.Wait(t.Context()); got != "Sam/they" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if got, err := job.Find(c, newer, before.ID()).Wait(t.Context()); got != "Kim/" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestHandlersRunOnAnyRung(t *testing.T) {
	bubble(t, func(t *testing.T) {
		panics := does("panics", func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				panic("here")
			}
			if _, ok := job.Token(ctx); !ok {
				return 0, errors.New("there is no token")
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{panics}, Runner: task.Here})
		if n, err := panics.Do(t.Context(), c, 5); n != 5 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if _, err := panics.Do(t.Context(), c, 0); fault.KindOf(err) != fault.Panicked {
			t.Errorf("got %v", err)
		}
	})
}

func TestWorkThatCannotBeginSaysWhyAndLeavesNoSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o, c := opened(t, m)
		conf := job.WorkerConfig{Name: "late", Tasks: []task.Task{resize}, Log: quiet}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := job.Work(ended, c, conf); err != nil {
			t.Errorf("with a context that has ended: %v", err)
		}
		for _, wait := range []time.Duration{50 * time.Millisecond, 150 * time.Millisecond, time.Second} {
			m.Faults(func(op jobtest.Op) jobtest.Fault { return jobtest.Fault{Wait: wait} })
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if err := job.Work(ctx, c, conf); err != nil {
				t.Errorf("with one that ends while its session is opened: %v", err)
			}
			cancel()
		}
		m.Faults(nil)
		time.Sleep(time.Minute)
		if all, err := c.Sessions(t.Context()); len(all) != 0 || err != nil {
			t.Errorf("there is still %+v, %v", all, err)
		}
		shut(t, o)
		if err := job.Work(t.Context(), c, conf); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "closed") {
			t.Errorf("with an owner that is closed: %v", err)
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

func TestWorkerWithoutANameIsNamedAfterItsCallerHoweverLongThatIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		some := does("some", func(_ context.Context, n int) (int, error) { return n, nil })
		_, c := opened(t, jobtest.NewMemory())
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := aFunctionWithANameThatIsAsLongAsSomePeopleLikeThemToBeBecauseTheyWriteDownInItAllThatItDoesAndWhyItDoesSoAndForWhom(ctx, c, some); err != nil {
			t.Error(err)
		}
	})
}

//go:noinline
func aFunctionWithANameThatIsAsLongAsSomePeopleLikeThemToBeBecauseTheyWriteDownInItAllThatItDoesAndWhyItDoesSoAndForWhom(ctx context.Context, c *job.Client, t task.Task) error {
	err := job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{t}})
	return err
}
