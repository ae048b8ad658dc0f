package job_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/task"
)

// tidies is a task that runs once its first attempt, which lasts, was told to end and
// has taken a second for that.
func tidies(name string, begun chan<- context.Context) *task.Def[int, int] {
	return does(name, func(ctx context.Context, n int) (int, error) {
		begun <- ctx
		if n == 0 {
			return 7, nil
		}
		<-ctx.Done()
		time.Sleep(time.Second)
		return 0, context.Cause(ctx)
	}).Keyed(func(int) string { return "k" })
}

// A browser that loads a page again leaves the first request, and joins its job.
func TestWhoJoinsACallThatItsLastCallerHasLeftGetsAJobOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := tidies("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		one, leave := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { _, err := long.Do(one, c, 1); done <- err }()
		first := <-begun
		synctest.Wait()
		leave(errWhy)
		if err := <-done; !errors.Is(err, errWhy) {
			t.Errorf("who left: %v", err)
		}
		<-first.Done()
		if cause := context.Cause(first); !errors.Is(cause, errWhy) || fault.KindOf(cause) != fault.Cancelled {
			t.Errorf("the handler's cause is %v", cause)
		}
		began := time.Now()
		got, err := long.Do(t.Context(), c, 0)
		if got != 7 || err != nil {
			t.Errorf("who came then has %d, %v", got, err)
		}
		if took := time.Since(began); took < time.Second {
			t.Errorf("two ran at once: the second was done after %v", took)
		}
	})
}

// That the second is cancelled as well is a decision about it.
func TestWhoJoinsACallThatSomebodyCancelsIsCancelledToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := tidies("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}})
		done := make(chan error, 2)
		for range 2 {
			go func() { _, err := long.Do(t.Context(), c, 1); done <- err }()
		}
		ctx := <-begun
		synctest.Wait()
		token, _ := job.Token(ctx)
		if _, err := c.CancelCause(t.Context(), token.Job, errWhy); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-done; !errors.Is(err, errWhy) {
				t.Errorf("got %v", err)
			}
		}
		if len(begun) != 0 {
			t.Error("it was begun again")
		}
	})
}

// With a key that a cancelled job holds there is no other one.
func TestWhoJoinsAJobThatIsUniqueWhenCancelledIsToldSo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		long := tidies("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}}).With(job.Unique(job.Cancelled))
		one, leave := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { _, err := long.Do(one, c, 1); done <- err }()
		<-begun
		synctest.Wait()
		leave(errWhy)
		<-done
		if _, err := long.Do(t.Context(), c, 0); !errors.Is(err, errWhy) {
			t.Errorf("got %v", err)
		}
	})
}
