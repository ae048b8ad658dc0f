package job_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// A caller whose process dies while he looks at a report does not wait any more.
func TestACallerWhoDiesWhileHeLooksDoesNotCount(t *testing.T) {
	for _, looking := range []bool{false, true} {
		t.Run(fmt.Sprint("looking ", looking), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o, h, r := reached(t, jobtest.NewMemory(), job.Config{})
				begun := make(chan context.Context, 1)
				long := does("long", func(ctx context.Context, n int) (int, error) {
					begun <- ctx
					time.Sleep(time.Second)
					if looking {
						task.Report(ctx, task.Progress{Done: 1})
					}
					return lasts(ctx, time.Minute, n)
				}).Keyed(func(n int) string { return fmt.Sprint(n) })
				working(t, o.Client(), job.WorkerConfig{Tasks: []task.Task{long}})
				dead := make(chan bool)
				looks := task.OnProgress(t.Context(), func(task.Progress) { <-dead })
				dies := later(func() error { _, err := long.Do(looks, r.Client(), 1); return err })
				handler := <-begun
				ctx, leave := context.WithCancel(t.Context())
				other := later(func() error { _, err := long.Do(ctx, o.Client(), 1); return err })
				time.Sleep(2 * time.Second)
				h.move(nil) // his process is not there any more
				h.cut()
				time.Sleep(time.Second)
				leave()
				_ = other()
				time.Sleep(5 * time.Second)
				if handler.Err() == nil {
					t.Error("the last one who lives has left, and the job was not cancelled")
				}
				h.move(o)
				close(dead)
				_ = dies()
				synctest.Wait()
			})
		})
	}
}

// over a connection that breaks: who waits for the key of a job that is ending
// gets one of his own, once.
func TestWhoWaitsForAKeyOverAConnectionThatBreaksGetsOneJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, h, r := reached(t, jobtest.NewMemory(), job.Config{})
		begun := make(chan context.Context, 9)
		long := does("long", func(ctx context.Context, n int) (int, error) {
			begun <- ctx
			if n == 0 {
				return 7, nil
			}
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return 0, context.Cause(ctx)
		}).Keyed(func(int) string { return "k" })
		working(t, o.Client(), job.WorkerConfig{Tasks: []task.Task{long}})
		ctx, leave := context.WithCancel(t.Context())
		first := later(func() error { _, err := long.Do(ctx, o.Client(), 1); return err })
		<-begun
		leave()
		_ = first()
		second := later(func() string { n, err := long.Do(t.Context(), r.Client(), 0); return fmt.Sprint(n, err) })
		for range 3 {
			time.Sleep(time.Second)
			h.cut()
		}
		if got := second(); got != "7<nil>" && got != "7 <nil>" {
			t.Error(got)
		}
		synctest.Wait()
		if n, err := o.Client().Counts(t.Context(), ""); err != nil || n.Done != 1 || n.Cancelled != 1 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// To cancel and enqueue again under the same key is to restart.
func TestEnqueueAfterCancelUnderTheSameKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		id := put(t, c, 1, job.Key("k"))
		s := session(t, c)
		l := claim(t, s)
		if _, err := c.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		type entry struct {
			h   *job.Handle[int]
			err error
		}
		enters := later(func() entry {
			h, err := job.Enqueue(t.Context(), c, resize, 1, job.Key("k"))
			return entry{h, err}
		})
		synctest.Wait()
		if err := l.Fail(t.Context(), context.Canceled); err != nil {
			t.Fatal(err)
		}
		e := enters()
		again, err := e.h, e.err
		if err != nil {
			t.Fatal(err)
		}
		st, err := again.Status(t.Context())
		t.Logf("existing %v, %v, %v", again.Existing(), st.State, err)
		if st.State == job.Cancelled {
			t.Error("what was enqueued after the Cancel is acknowledged, and cancelled by it")
		}
	})
}
