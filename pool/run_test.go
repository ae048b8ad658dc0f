package pool_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

func TestThePoolIsARunner(t *testing.T) {
	for _, size := range []int{1, 4} {
		tasktest.Exercise(t, tasktest.Traits{SharedMemory: true}, func(t *testing.T, _ ...task.Task) task.Runner {
			return newPool(t, pool.Config{Size: size})
		})
	}
}

var double = task.Define("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })

func TestANilPoolIsNoRunner(t *testing.T) {
	var p *pool.Pool
	if _, err := double.Do(t.Context(), p, 1); fault.KindOf(err) != fault.Invalid || fault.Started(err) {
		t.Errorf("got %v, want Invalid and not started", err)
	}
}

func TestATaskRunsTasksOnItsOwnPoolAtAnyDepth(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	var down *task.Def[int, int]
	down = task.Define("down", func(ctx context.Context, n int) (int, error) {
		if n == 0 {
			return 0, nil
		}
		m, err := down.Do(ctx, p, n-1)
		return m + 1, err
	})
	if n, err := down.Do(t.Context(), p, 100); n != 100 || err != nil {
		t.Errorf("got %d, %v, want 100", n, err)
	}
}

func TestARunRefusedByThePoolHasNotStarted(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1, Queue: 1, Overflow: pool.Reject})
	b := block(t, p)
	done := queueOne(t, p)
	_, err := double.Do(t.Context(), p, 1)
	if fault.KindOf(err) != fault.Overloaded || fault.Started(err) || fault.HintOf(err) == "" {
		t.Errorf("got %v, want Overloaded, not started, with a hint", err)
	}
	b.release()
	done()
}

func TestARunWhoseContextEndsInTheQueueHasNotStarted(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	b := block(t, p)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancelWhenQueued(t, p, 1, func() { cancel(errEnough) })
	_, err := double.Do(ctx, p, 1)
	wantEnded(t, err, fault.Cancelled, errEnough)
	b.release()
}
