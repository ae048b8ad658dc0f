package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
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

func TestWorkerGoesOnAfterHandlersThatExitTheirGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		exits := does("exits", func(ctx context.Context, n int) (int, error) {
			switch n {
			case 0:
				return n, nil
			case 1:
				runtime.Goexit()
			case 2:
				_ = scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					s.Go(func(ctx context.Context) error { return scope.Sleep(ctx, time.Hour) })
					runtime.Goexit()
					return nil
				})
			case 3:
				_ = scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					s.Go(func(context.Context) error { panic("in a child") })
					return nil
				})
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{exits}, Slots: 1})
		for _, n := range []int{1, 2, 3, 0} {
			_, err := exits.Do(t.Context(), c, n)
			if want := map[bool]fault.Kind{false: fault.None, true: fault.Panicked}[n > 0]; fault.KindOf(err) != want {
				t.Errorf("%d: %v", n, err)
			}
		}
	})
}

// A rude input does not want to be read.
type rude struct{ N int }

func (r *rude) UnmarshalJSON([]byte) error { panic("no") }

func (r rude) MarshalJSON() ([]byte, error) { return json.Marshal(r.N) }

// A faulty task panics before it comes to its function.
type faulty struct{ task.Task }

func (faulty) Serve(context.Context, task.Runner, []byte) ([]byte, error) { panic("not even begun") }

func TestTasksThatPanicBeforeTheirFunctionFailTheirJobsAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		reads := task.Define("reads", func(context.Context, rude) (int, error) { return 0, nil })
		some := does("some", func(_ context.Context, n int) (int, error) { return n, nil })
		fine := does("fine", func(_ context.Context, n int) (int, error) { return n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{reads, faulty{some}, fine}, Slots: 1})
		if _, err := reads.Do(t.Context(), c, rude{1}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "panicked: no") {
			t.Errorf("reading: %v", err)
		}
		if _, err := some.Do(t.Context(), c, 1); fault.KindOf(err) != fault.Panicked {
			t.Errorf("serving: %v", err)
		}
		if n, err := fine.Do(t.Context(), c, 1); n != 1 || err != nil {
			t.Errorf("what is fine: %d, %v", n, err)
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

func TestHandlerThatIgnoresItsContextIsAwaitedAndHeard(t *testing.T) {
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
		h, err := job.Enqueue(t.Context(), c, deaf, 3)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		if err := work(); err != nil || time.Since(start) != time.Minute {
			t.Errorf("Work: %v after %v", err, time.Since(start))
		}
		if n, err := h.Wait(t.Context()); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
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

func TestWideAndDeepTreeOfJobsEndsWithOneSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var tree *task.Def[int, int]
		tree = does("tree", func(ctx context.Context, depth int) (int, error) {
			if depth == 0 {
				return 1, nil
			}
			sums, err := scope.Map(ctx, 5, []int{depth - 1, depth - 1, depth - 1, depth - 1, depth - 1}, tree.On(job.Current(ctx)))
			sum := 1
			for _, n := range sums {
				sum += n
			}
			return sum, err
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{tree}, Slots: 1})
		if n, err := tree.Do(t.Context(), c, 3); n != 1+5+25+125 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func TestWhatIsTooLargeToBeKeptIsCutAndEndsItsJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		vast := task.Define("vast", func(_ context.Context, n int) ([]byte, error) {
			switch n {
			case 1:
				return make([]byte, 1<<20), nil
			case 2:
				return nil, fault.Permanent(fmt.Errorf("%w: %s", errWhy, strings.Repeat("long ", 1<<15)))
			case 3: // each byte of it takes six in JSON
				return nil, fault.Permanent(errors.New(strings.Repeat("\x00<\xff", 1<<15)))
			case 4:
				var all []error
				for range 500 {
					all = append(all, fmt.Errorf("%w: once more", errWhy))
				}
				return nil, fault.Permanent(errors.Join(all...))
			case 5:
				err := error(errWhy)
				for range 500 {
					err = fmt.Errorf("deeper: %w", err)
				}
				return nil, fault.Permanent(err)
			}
			return make([]byte, 255<<10), nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{vast}, Slots: 1})
		for n := range 6 {
			h, err := job.Enqueue(t.Context(), c, vast, n)
			if err != nil {
				t.Fatal(err)
			}
			switch _, err := h.Wait(t.Context()); {
			case n == 0 && err != nil, n > 0 && err == nil, n == 1 && fault.KindOf(err) != fault.Invalid:
				t.Errorf("%d: %.300v", n, err)
			case n > 1 && (len(err.Error()) > 256<<10 || fault.Retryable(err)):
				t.Errorf("%d: %d bytes, %.300v", n, len(err.Error()), err)
			}
			if st, err := h.Status(t.Context()); err != nil || st.State != job.Done && st.State != job.Dead || st.Attempt != 1 {
				t.Errorf("%d: %v after attempt %d, %v", n, st.State, st.Attempt, err)
			}
		}
	})
}

// Keyed callers leave in any order and at any moment, that in which their job ends
// among them. Those who stay have its result; it is cancelled only when all have left.
func TestOnlyTheLastCallerOfAKeyTakesItsJobAlong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const takes = 10 * time.Millisecond
		var begun atomic.Int32
		nap := does("nap", func(ctx context.Context, n int) (int, error) {
			begun.Add(1)
			return n, scope.Sleep(ctx, takes)
		}).Keyed(func(n int) string { return fmt.Sprint(n) })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{nap}})
		for seed := range 200 {
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			stay, latest := make([]time.Duration, 1+r.IntN(8)), time.Duration(0)
			for i := range stay {
				stay[i] = time.Duration(1+r.IntN(12)) * time.Millisecond
				latest = max(latest, stay[i])
			}
			errs := make([]error, len(stay))
			var all sync.WaitGroup
			begun.Store(0)
			for i := range stay {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), stay[i])
					defer cancel()
					_, errs[i] = nap.Do(ctx, c, seed)
				})
			}
			all.Wait()
			for i, err := range errs {
				switch stayed := stay[i] > takes; {
				case stayed && err != nil, stay[i] < takes && err == nil, err != nil && fault.KindOf(err) != fault.Deadline:
					t.Errorf("seed %d: %v of %v: %v", seed, stay[i], stay, err)
				}
			}
			if n := begun.Load(); n != 1 {
				t.Errorf("seed %d: it ran %d times", seed, n)
			}
			synctest.Wait()
			if n, _ := c.Counts(t.Context(), ""); n.Live() != 0 || latest > takes && n.Cancelled > 0 && n.Done == 0 {
				t.Errorf("seed %d: %+v", seed, n)
			}
		}
	})
}

// What was done is not lost on a caller whose context ends at the very moment (R3).
func TestCallWhoseContextEndsAsItsJobIsDoneHasTheResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		deaf := does("deaf", func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Second)
			return n, nil
		})
		keyed := deaf.Keyed(func(n int) string { return fmt.Sprint(n) })
		m := jobtest.NewMemory()
		_, c := opened(t, m)
		working(t, c, job.WorkerConfig{Tasks: []task.Task{deaf}, Slots: 300})
		m.Faults(func(op jobtest.Op) jobtest.Fault {
			return jobtest.Fault{Wait: time.Duration(op.N%3) * time.Millisecond}
		})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second+time.Duration(i%10)*time.Millisecond)
				defer cancel()
				if n, err := deaf.Do(ctx, c, i); n != i || err != nil {
					t.Errorf("%d: %d, %v", i, n, err)
				}
			})
			all.Go(func() { // with a key it is not awaited
				ctx, cancel := context.WithTimeout(t.Context(), time.Second+time.Duration(i%10)*time.Millisecond)
				defer cancel()
				if _, err := keyed.Do(ctx, c, i); err != nil && (fault.KindOf(err) != fault.Deadline || !fault.Started(err)) {
					t.Errorf("with a key, %d: %v", i, err)
				}
			})
		}
		all.Wait()
	})
}

func TestThousandWaitForOneJobAndAllHaveItsResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		held := does("held", func(ctx context.Context, n int) (int, error) {
			for i := range int64(5) {
				task.Report(ctx, task.Progress{Done: i})
				time.Sleep(time.Second)
			}
			<-release
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{held}})
		h, err := job.Enqueue(t.Context(), c, held, 7)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var heard atomic.Int32
		for i := range 1000 {
			all.Go(func() {
				ctx := t.Context()
				if i%2 == 0 {
					ctx = task.OnProgress(ctx, func(task.Progress) { heard.Add(1) })
				}
				if i%10 == 9 {
					within, cancel := context.WithTimeout(ctx, 3*time.Second)
					defer cancel()
					if _, err := h.Wait(within); fault.KindOf(err) != fault.Deadline {
						t.Errorf("one who had no time: %v", err)
					}
					return
				}
				if n, err := h.Wait(ctx); n != 7 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
			})
		}
		time.Sleep(time.Minute)
		close(release)
		all.Wait()
		if heard.Load() < 500*5 {
			t.Errorf("of 5 reports to 500 there came %d", heard.Load())
		}
	})
}

func TestJobThatIsNotKeptTellsThoseWhoWaitedAndNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nap := does("nap", func(ctx context.Context, n int) (int, error) { return n, scope.Sleep(ctx, time.Second) })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{nap}})
		h, err := job.Enqueue(t.Context(), c, nap, 3, job.Keep(0))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := h.Wait(t.Context()); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if _, err := h.Wait(t.Context()); !errors.Is(err, job.ErrNoJob) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("afterwards: %v", err)
		}
		if n, err := nap.Do(t.Context(), c.With(job.Keep(0)), 4); n != 4 || err != nil {
			t.Errorf("a call: %d, %v", n, err)
		}
	})
}

func TestOfTwoWhoCancelAJobTheFirstSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}, Slots: 1})
		second := fault.Sentinel("job_test: second")
		running, err := job.Enqueue(t.Context(), c, long, 1)
		if err != nil {
			t.Fatal(err)
		}
		<-begun
		pending, err := job.Enqueue(t.Context(), c, long, 2)
		if err != nil {
			t.Fatal(err)
		}
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
		h, err := job.Enqueue(t.Context(), c, parent, 1000)
		if err != nil {
			t.Fatal(err)
		}
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
		h, err := job.Enqueue(t.Context(), c, parent, 1, job.Group("tenant"))
		if err != nil {
			t.Fatal(err)
		}
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
		h, err := job.Enqueue(t.Context(), c, loud, 1)
		if err != nil {
			t.Fatal(err)
		}
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

// An absent error is a pointer that is nil where it should not be.
type absent struct{ text string }

func (a *absent) Error() string { return a.text }

func TestHandlerWhoseErrorPanicsFailsTheJobAndNotTheWorker(t *testing.T) {
	var none *absent
	broken := does("broken", func(context.Context, int) (int, error) { return 0, none })
	_, c := opened(t, jobtest.NewMemory())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{broken}}) }()
	h, err := job.Enqueue(t.Context(), c, broken, 1, job.Attempts(1))
	if err != nil {
		t.Fatal(err)
	}
	within, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = h.Wait(within)
	if err == nil || within.Err() != nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("got %v", err)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Second):
		t.Error("Work does not end")
	}
}

// Causes are an error that cannot be compared.
type causes []error

func (c causes) Error() string { return fmt.Sprint([]error(c)) }

func TestWorkerThatEndsForAnyCauseGivesItsJobsBack(t *testing.T) {
	begun := make(chan context.Context, 1)
	long := waits("long", begun)
	_, c := opened(t, jobtest.NewMemory())
	ctx, stop := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{long}, Grace: time.Millisecond}) }()
	h, err := job.Enqueue(t.Context(), c, long, 1)
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	stop(causes{errWhy})
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Second):
		t.Error("Work does not end")
	}
	wantState(t, c, h.ID(), job.Ready)
}

func TestHandlerThatWaitsForManyJobsLendsOneSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var running, most atomic.Int32
		leaf := does("leaf", func(ctx context.Context, n int) (int, error) {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			defer running.Add(-1)
			return n, scope.Sleep(ctx, time.Second)
		})
		wide := does("wide", func(ctx context.Context, n int) (int, error) {
			_, err := scope.Map(ctx, n, make([]int, n), leaf.On(job.Current(ctx)))
			return n, err
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{leaf, wide}, Slots: 2})
		if _, err := wide.Do(t.Context(), c, 20); err != nil || most.Load() > 2 {
			t.Errorf("%d ran at once with two slots: %v", most.Load(), err)
		}
	})
}

func TestWhatOutlivesItsHandlerLendsNoSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var running, most atomic.Int32
		block := make(chan struct{})
		never := does("never", func(context.Context, int) (int, error) { return 0, nil }) // nobody knows it
		leaf := does("leaf", func(ctx context.Context, n int) (int, error) {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			defer running.Add(-1)
			<-block
			return n, nil
		})
		_, c := opened(t, jobtest.NewMemory())
		h, err := job.Enqueue(t.Context(), c, never, 1)
		if err != nil {
			t.Fatal(err)
		}
		careless := does("careless", func(ctx context.Context, n int) (int, error) {
			for range 5 {
				go func() { _, _ = h.Wait(context.WithoutCancel(ctx)) }()
			}
			if n == 1 {
				time.Sleep(time.Second)
			}
			return n, nil
		})
		working(t, c, job.WorkerConfig{Tasks: []task.Task{leaf, careless}, Slots: 1})
		for n := range 2 {
			if _, err := careless.Do(t.Context(), c, n); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 20 {
			if _, err := job.Enqueue(t.Context(), c, leaf, n); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if most.Load() > 1 {
			t.Errorf("%d ran at once with one slot", most.Load())
		}
		close(block)
		_, _ = h.Cancel(t.Context())
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
		h, err := job.Enqueue(t.Context(), c, twice, 1)
		if err != nil {
			t.Fatal(err)
		}
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

func TestFirstCallSaysWhyItCouldNotBegin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		some := does("some", func(_ context.Context, n int) (int, error) { return n, nil })
		log := jobtest.NewMemory()
		_, c := opened(t, log)
		opened(t, log)
		_, err := some.Do(t.Context(), c, 1)
		if fault.KindOf(err) != fault.Lost {
			t.Errorf("the owner was deposed: %v (%v)", err, fault.KindOf(err))
		}
		slow := jobtest.NewMemory()
		_, c = opened(t, slow)
		slow.Faults(func(jobtest.Op) jobtest.Fault { return jobtest.Fault{Wait: time.Second} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = some.Do(ctx, c, 1)
		if fault.KindOf(err) != fault.Deadline || fault.Started(err) {
			t.Errorf("the context has ended: %v (%v)", err, fault.KindOf(err))
		}
	})
}

// A job is there by its Enqueue, whoever began it.
func TestJobThatSomebodyHasEnqueuedOutlivesItsCallers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 1)
		long := waits("long", begun).Keyed(func(n int) string { return fmt.Sprint(n) })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		ctx, leave := context.WithCancel(t.Context())
		call := later(func() error { _, err := long.Do(ctx, c, 1); return err })
		<-begun
		h, err := job.Enqueue(t.Context(), c, long, 1)
		if err != nil || !h.Existing() {
			t.Fatal(err)
		}
		leave()
		if err := call(); fault.KindOf(err) != fault.Cancelled {
			t.Errorf("who left: %v", err)
		}
		synctest.Wait()
		wantState(t, c, h.ID(), job.Running)
		_, _ = h.Cancel(t.Context())
	})
}

func TestWorkerWithoutANameIsNamedAfterItsCallerHoweverLongThatIs(t *testing.T) {
	some := does("some", func(_ context.Context, n int) (int, error) { return n, nil })
	_, c := opened(t, jobtest.NewMemory())
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if err := aFunctionWithANameThatIsAsLongAsSomePeopleLikeThemToBeBecauseTheyWriteDownInItAllThatItDoesAndWhyItDoesSoAndForWhom(ctx, c, some); err != nil {
		t.Error(err)
	}
}

//go:noinline
func aFunctionWithANameThatIsAsLongAsSomePeopleLikeThemToBeBecauseTheyWriteDownInItAllThatItDoesAndWhyItDoesSoAndForWhom(ctx context.Context, c *job.Client, t task.Task) error {
	err := job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{t}})
	return err
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

func TestCallWhoseJobIsNotKeptSaysThatItsContextHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		for _, c := range []*job.Client{c.With(job.Keep(0)), c.With(job.Keep(0), job.Key("k")), c.With(job.Keep(0), job.Delay(time.Hour))} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := long.Do(ctx, c, 1); fault.KindOf(err) != fault.Deadline || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			cancel()
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
			h, err := job.Enqueue(t.Context(), c, parent, n)
			if err != nil {
				t.Fatal(err)
			}
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
