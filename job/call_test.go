package job_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

func TestWhatWasEnqueuedAsWellIsNotCancelledWithItsCallers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, c := opened(t, jobtest.NewMemory())
		keyed := resize.Keyed(func(n int) string { return fmt.Sprint(n) })
		for n, enqueued := range []bool{false, true} {
			ctx, leave := context.WithCancel(t.Context())
			call := later(func() error { _, err := keyed.Do(ctx, c, n); return err })
			synctest.Wait()
			if enqueued && !entered(t, c, keyed, n).Existing() {
				t.Error("there are two jobs of one key")
			}
			leave()
			if err := call(); fault.KindOf(err) != fault.Cancelled {
				t.Errorf("got %v", err)
			}
			wantState(t, c, job.ID(n+1), map[bool]job.State{false: job.Cancelled, true: job.Ready}[enqueued])
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

func TestACallWhoseWorkerDiesIsLostAndMayHaveBegun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, c := opened(t, jobtest.NewMemory())
		wait := later(func() error { _, err := resize.Do(t.Context(), c, 1); return err })
		s := session(t, c)
		claim(t, s)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantFault(t, wait(), fault.Lost, true, "the session that had claimed the job ended")
	})
}

// The process of a caller and of the owner dies, and another takes over.
func TestOfACallerThatHasDiedWhatHasNoKeyIsCancelledAndTheRestGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		_, c := opened(t, log)
		keyed := resize.Keyed(func(n int) string { return fmt.Sprint(n) })
		for _, call := range []func(context.Context, *job.Client) error{
			func(ctx context.Context, c *job.Client) error { _, err := resize.Do(ctx, c, 1); return err },
			func(ctx context.Context, c *job.Client) error { _, err := keyed.Do(ctx, c, 2); return err },
			func(ctx context.Context, c *job.Client) error { _, err := job.Enqueue(ctx, c, resize, 3); return err },
		} {
			go func() { _ = call(context.Background(), c) }()
			synctest.Wait()
		}
		_, after := opened(t, log)
		for id, want := range map[job.ID]job.State{1: job.Cancelled, 2: job.Ready, 3: job.Ready} {
			wantState(t, after, id, want)
		}
		working(t, after, job.WorkerConfig{Tasks: []task.Task{resize}})
		if got, err := keyed.Do(t.Context(), after, 2); got != 4 || err != nil { // it joins, or finds the key free
			t.Errorf("got %d, %v", got, err)
		}
		_, _ = job.Enqueue(t.Context(), c, resize, 4) // the owner before finds out, and its callers with it
	})
}
