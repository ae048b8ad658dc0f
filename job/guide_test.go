package job_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
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

// What docs/jobs.md, docs/attached-or-keyed.md and docs/from-river-and-asynq.md say
// and no other test shows. Their code is compiled in examples/guides.

func TestAttemptsLastAsLongAsTheGuideSays(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		5: 15 * time.Second, 10: 511 * time.Second, 15: 11295 * time.Second, 20: 29295 * time.Second, 30: 65295 * time.Second,
		60: 173295 * time.Second, 100: 317295 * time.Second,
	} {
		bubble(t, func(t *testing.T) {
			failing := does("failing", func(context.Context, int) (int, error) { return 0, errWhy })
			c := worked(t, job.WorkerConfig{Tasks: []task.Task{failing}})
			opts := []job.Option{job.Attempts(attempts), job.Backoff(time.Second, time.Hour)}
			if attempts == 20 {
				opts = nil // the default
			}
			began := time.Now()
			h := entered(t, c, failing, 1, opts...)
			if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took < want*3/4 || took > want+time.Second {
				t.Errorf("%d attempts took %v, want %v", attempts, took, want)
			}
			if st := wantState(t, c, h.ID(), job.Dead); st.Attempt != attempts || len(st.Failures) != min(attempts, 8) {
				t.Errorf("%d attempts, of which %d are kept", st.Attempt, len(st.Failures))
			}
		})
	}
}

// entered enqueues a call, which must be accepted.
func entered[In, Out any](t *testing.T, c *job.Client, of *task.Def[In, Out], in In, opts ...job.Option) *job.Handle[Out] {
	t.Helper()
	h, err := job.Enqueue(t.Context(), c, of, in, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAResultThatComesAfterTheTimeoutCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		late := does("late", func(ctx context.Context, n int) (int, error) {
			<-ctx.Done()
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{late}})
		h := entered(t, c, late, 7, job.Timeout(time.Second), job.Attempts(1))
		if got, err := h.Wait(t.Context()); got != 7 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

func TestADeadlineEndsTheHandlersContextAndLetsNoAttemptFollow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		h := entered(t, c, long, 1, job.Deadline(time.Now().Add(time.Minute)))
		began := time.Now()
		_, err := h.Wait(t.Context())
		if fault.KindOf(err) != fault.Deadline || time.Since(began) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		if st := wantState(t, c, h.ID(), job.Dead); st.Attempt != 1 {
			t.Errorf("%d attempts", st.Attempt)
		}
	})
}

func TestPriorityCountsWithinItsGroupAndNotBetweenGroups(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for range 4 {
			put(t, c, 1, job.Group("loud"), job.Priority(100))
			put(t, c, 1, job.Group("quiet"), job.Priority(-100))
		}
		first := put(t, c, 1, job.Group("quiet"))
		s := session(t, c)
		groups := make(map[string]int)
		for i := range 8 {
			st := wantState(t, c, claim(t, s).ID(), job.Running)
			if groups[st.Group]++; st.Group == "quiet" && groups["quiet"] == 1 && st.ID != first {
				t.Errorf("claim %d is job %v, want %v", i, st.ID, first)
			}
		}
		if groups["loud"] != 4 || groups["quiet"] != 4 {
			t.Errorf("of eight claims the groups had %v", groups)
		}
	})
}

func TestBetweenQueuesTheJobThatHasWaitedLongestIsNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		var want []job.ID
		for _, queue := range []string{"a", "b", "a", "a", "b"} {
			want = append(want, put(t, c, 1, job.Queue(queue)))
			time.Sleep(time.Second)
		}
		s := session(t, c)
		for i, id := range want {
			if got := claim(t, s).ID(); got != id {
				t.Errorf("claim %d is job %v, want %v", i, got, id)
			}
		}
	})
}

func TestAJobThatWaitsForItsLimitHoldsNobodyUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := limited(t, jobtest.NewMemory()).Client()
		s := session(t, c)
		for range 3 {
			put(t, c, 1, job.Limit("api", "slow.example"), job.Priority(100))
		}
		claim(t, s)
		for _, opt := range []job.Option{job.Limit("api", "quick.example"), job.Priority(-100)} {
			if id := put(t, c, 1, opt); claim(t, s).ID() != id {
				t.Errorf("job %v was held up", id)
			}
		}
		none(t, s)
	})
}

func TestALimitThatTheConfigHasNoLongerHoldsNobodyBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		first := limited(t, log)
		for range 3 {
			put(t, first.Client(), 1, job.Limit("api", "acme"))
		}
		claim(t, session(t, first.Client()))
		none(t, session(t, first.Client()))
		shut(t, first)
		s := session(t, open(t, log, job.Config{}).Client())
		for range 3 {
			claim(t, s)
		}
	})
}

// Elsewhere an item that kills its worker comes back for ever, and healthy ones wait
// behind it (inngest#4060).
func TestAPoisonJobIsBuriedWhileTheOthersAreDone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		o := open(t, log, job.Config{})
		poison := put(t, o.Client(), 0, job.Attempts(3), job.Priority(100))
		for n := 1; n <= 30; n++ {
			put(t, o.Client(), n)
		}
		for round := 1; round <= 3; round++ { // each ends as a process does that is killed
			s := session(t, o.Client())
			for range 11 {
				if l := claim(t, s); l.ID() != poison {
					if err := l.Complete(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
				if n, err := o.Client().Counts(t.Context(), ""); err != nil || n.Live() == 0 {
					break
				}
			}
			shut(t, o)
			o = open(t, log, job.Config{})
		}
		n, err := o.Client().Counts(t.Context(), "")
		if err != nil || n.Done != 30 || n.Dead != 1 || n.Live() != 0 {
			t.Errorf("%+v, %v", n, err)
		}
		st := wantState(t, o.Client(), poison, job.Dead)
		if len(st.Failures) != 3 || st.Failures[2].Error != "lost: the session that had claimed the job ended" {
			t.Errorf("%+v", st.Failures)
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

func TestAResultCanBeAskedForAsLongAsKeepSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{resize}})
		for _, keep := range []time.Duration{0, time.Minute, 10 * time.Minute} {
			opts := []job.Option{job.Keep(keep)}
			if keep == 10*time.Minute {
				opts = nil // the default
			}
			h := entered(t, c, resize, 1, append(opts, job.Delay(time.Second))...)
			if got, err := h.Wait(t.Context()); got != 2 || err != nil { // who waits already is told in any case
				t.Fatalf("%v: got %d, %v", keep, got, err)
			}
			if keep > 0 {
				time.Sleep(keep - time.Second)
				if got, err := h.Wait(t.Context()); got != 2 || err != nil {
					t.Errorf("%v: got %d, %v", keep, got, err)
				}
			}
			time.Sleep(3 * time.Second)
			_, err := h.Wait(t.Context())
			wantFault(t, err, fault.Invalid, false, "it has ended, and is no longer kept")
			if !errors.Is(err, job.ErrNoJob) {
				t.Errorf("%v: got %v", keep, err)
			}
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

func TestDeadLettersAndResultsHaveRoomOfTheirOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		failing := does("failing", func(context.Context, int) (int, error) { return 0, fault.Permanent(errWhy) })
		o := open(t, jobtest.NewMemory(), job.Config{Kept: 2, Buried: 3})
		c := o.Client()
		working(t, c, job.WorkerConfig{Tasks: []task.Task{failing, resize}})
		for range 5 {
			_, _ = entered(t, c, failing, 1).Wait(t.Context())
			if _, err := entered(t, c, resize, 1).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := c.Counts(t.Context(), ""); err != nil || n.Dead != 3 || n.Done != 2 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestWaitHearsOfProgressAndLeavesTheJobAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		steps := does("steps", func(ctx context.Context, n int) (int, error) {
			for i := range n {
				task.Report(ctx, task.Progress{Done: int64(i + 1), Total: int64(n)})
				if err := scope.Sleep(ctx, time.Second); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{steps}})
		h := entered(t, c, steps, 5)
		soon, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := h.Wait(soon)
		wantFault(t, err, fault.Deadline, false)
		var heard []int64
		ctx := task.OnProgress(t.Context(), func(p task.Progress) { heard = append(heard, p.Done) })
		if got, err := h.Wait(ctx); got != 5 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if fmt.Sprint(heard) != "[2 3 4 5]" {
			t.Errorf("heard %v", heard)
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

func TestACallWithoutAKeyIsTriedOnceUnlessItsClientSaysMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		failing := does("failing", func(ctx context.Context, n int) (int, error) {
			runs.Add(1)
			return 0, errWhy
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{failing}})
		for client, want := range map[*job.Client]int32{c: 1, c.With(job.Attempts(3)): 3} {
			runs.Store(0)
			if _, err := failing.Do(t.Context(), client, 1); !errors.Is(err, errWhy) || runs.Load() != want {
				t.Errorf("got %v after %d runs, want %d", err, runs.Load(), want)
			}
		}
		runs.Store(0)
		keyed := failing.Keyed(func(int) string { return "k" })
		if _, err := keyed.Do(t.Context(), c, 1); !errors.Is(err, errWhy) || runs.Load() != 20 {
			t.Errorf("with a key: got %v after %d runs", err, runs.Load())
		}
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

// It is claimed, though it lends its slot. That a child would wait for its own parents
// is seen; that the parents of others stand in its way may yet change.
func TestAParentThatWaitsCountsForItsQueue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		parent := does("parent", func(ctx context.Context, n int) (int, error) {
			if err := scope.Sleep(ctx, time.Second); err != nil {
				return 0, err
			}
			return resize.Do(ctx, job.Current(ctx).With(job.Queue("narrow")), n)
		})
		o := open(t, jobtest.NewMemory(), job.Config{Queues: map[string]job.QueueConfig{"narrow": {Running: 2}, "one": {Running: 1}}})
		c := o.Client()
		working(t, c, job.WorkerConfig{Tasks: []task.Task{parent, resize}})
		for _, queue := range []string{"default", "narrow"} {
			if got, err := parent.Do(t.Context(), c.With(job.Queue(queue)), 1); got != 2 || err != nil {
				t.Errorf("in queue %s: %d, %v", queue, got, err)
			}
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		other := later(func() error { _, err := parent.Do(soon, c.With(job.Queue("narrow")), 1); return err })
		_, err := parent.Do(soon, c.With(job.Queue("narrow")), 1)
		// When one has given up, the other may be done in the same instant.
		if also := other(); err == nil && also == nil || time.Since(began) != time.Hour {
			t.Errorf("two parents in a queue that lets two run: %v, %v after %v", err, also, time.Since(began))
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

// The relay of an outbox dies between Enqueue and its note of it, and comes again.
func TestAKeyThatIsUniqueWhenDoneMakesARelaySafeToRepeat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var runs atomic.Int32
		mail := does("mail", func(_ context.Context, n int) (int, error) { runs.Add(1); return n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{mail}})
		for round := range 3 {
			h := entered(t, c, mail, 7, job.Key("outbox/4711"), job.Unique(job.Done, job.Dead, job.Cancelled), job.Keep(24*time.Hour))
			if _, err := h.Wait(t.Context()); err != nil || h.Existing() != (round > 0) || runs.Load() != 1 {
				t.Errorf("round %d: existing %v, %d runs, %v", round, h.Existing(), runs.Load(), err)
			}
			time.Sleep(time.Hour)
		}
	})
}

// A worker does what is enqueued, until its context ends.
func ExampleWork() {
	ctx, stop := context.WithCancel(context.Background())
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(context.Background())
	jobs := owner.Client()

	done := make(chan error)
	go func() { done <- job.Work(ctx, jobs, job.WorkerConfig{Tasks: []task.Task{Square}, Log: quiet}) }()

	h := must(job.Enqueue(ctx, jobs, Square, 7))
	fmt.Println(h.Wait(ctx))

	stop() // takes no more, and lets handlers finish
	fmt.Println(<-done)
	// Output:
	// 49 <nil>
	// <nil>
}

// A client is a rung: the same call, done by whichever worker has room.
func ExampleClient_Run() {
	ctx, stop := context.WithCancel(context.Background())
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(context.Background())
	done := make(chan error)
	go func() {
		done <- job.Work(ctx, owner.Client(), job.WorkerConfig{Tasks: []task.Task{Square}, Log: quiet})
	}()

	square := Square.On(owner.Client()) // or task.Here
	fmt.Println(square(ctx, 7))
	stop()
	<-done
	// Output: 49 <nil>
}

// A parent that is run again finds what of its children is done.
func ExampleCurrent() {
	ctx, stop := context.WithCancel(context.Background())
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(context.Background())

	charge := task.Define("charge", func(_ context.Context, order string) (string, error) {
		fmt.Println("charged", order)
		return "receipt of " + order, nil
	}).Keyed(func(order string) string { return order })
	checkout := task.Define("checkout", func(ctx context.Context, order string) (string, error) {
		receipt, err := charge.Do(ctx, job.Current(ctx), order)
		if err == nil && job.Attempt(ctx) == 1 {
			err = fault.RetryAfter(errors.New("the mail server is down"), time.Millisecond)
		}
		return receipt, err
	})
	done := make(chan error)
	go func() {
		done <- job.Work(ctx, owner.Client(), job.WorkerConfig{Tasks: []task.Task{charge, checkout}, Log: quiet})
	}()

	h := must(job.Enqueue(ctx, owner.Client(), checkout, "order 66"))
	fmt.Println(h.Wait(ctx))
	stop()
	<-done
	// Output:
	// charged order 66
	// receipt of order 66 <nil>
}

func TestTheDumpInTheGuideOfJobsIsWhatIsPrinted(t *testing.T) {
	page, err := os.ReadFile("../docs/jobs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- dump -->")
	guide, _, ok := strings.Cut(rest, "<!-- /dump -->")
	if !ok || len(shape(guide)) < 7 {
		t.Fatalf("the guide shows %q", guide)
	}
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		resize, send := waits("photo.resize", begun), waits("mail.send", begun)
		o := open(t, jobtest.NewMemory(), job.Config{Name: "shop", Queues: map[string]job.QueueConfig{
			"mail": {Running: 2, Rate: job.Rate{Every: 100 * time.Millisecond, Burst: 10}},
		}})
		c := o.Client()
		working(t, c, job.WorkerConfig{Name: "thumbs", Tasks: []task.Task{resize}})
		working(t, c, job.WorkerConfig{Name: "mailer", Tasks: []task.Task{send}})
		entered(t, c, resize, 1)
		for range 3 {
			entered(t, c, send, 1, job.Queue("mail"))
		}
		synctest.Wait()
		if err := c.Pause(t.Context(), "mail"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1300 * time.Millisecond)
		var dump strings.Builder
		if err := inspect.Dump(&dump); err != nil {
			t.Fatal(err)
		}
		printed := shape(dump.String())
		for _, line := range shape(guide) {
			if !slices.Contains(printed, line) {
				t.Errorf("%q is not in\n%s", line, &dump)
			}
		}
		if _, err := c.CancelAll(t.Context(), job.Query{}); err != nil {
			t.Fatal(err)
		}
	})
}

var (
	hexadecimal = regexp.MustCompile(`[0-9a-f]{32}`)
	digits      = regexp.MustCompile(`\d[\d.]*`)
)

// shape returns the lines of a dump without what differs from one to the next.
func shape(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = digits.ReplaceAllString(hexadecimal.ReplaceAllString(strings.TrimSpace(line), "T"), "N")
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
