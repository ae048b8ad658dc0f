package job_test

import (
	"context"
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
		h := entered(t, c, never, 1)
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
			done := later(func() error { return job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{nested}}) })
			_, err := nested.Do(t.Context(), c.With(job.Queue("narrow"), job.Limit("narrow", "k")), 5)
			if err != nil || len(kinds) != 3 || kinds[0] != fault.Deadlocked || kinds[1] != fault.None {
				t.Errorf("%v, %v", kinds, err)
			}
			stop()
			done()
		}
	})
}
