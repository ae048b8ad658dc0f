package job_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// The last caller of a keyed call leaves while a report is on its way to him.
func TestTheLastCallerWhoLeavesWhileAReportIsOnItsWayCancels(t *testing.T) {
	for _, leaves := range []time.Duration{-100 * time.Millisecond, 100 * time.Millisecond} {
		t.Run(fmt.Sprint(leaves, " after the report"), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o := open(t, jobtest.NewMemory(), job.Config{})
				h := &host{owner: o}
				t.Cleanup(h.busy.Wait)
				s := newStrait(h, rand.New(rand.NewPCG(1, 1)))
				begun := make(chan context.Context, 1)
				say := make(chan bool)
				long := does("long", func(ctx context.Context, n int) (int, error) {
					begun <- ctx
					<-say
					task.Report(ctx, task.Progress{Done: 1})
					return lasts(ctx, time.Minute, n)
				}).Keyed(func(n int) string { return fmt.Sprint(n) })
				working(t, o.Client(), job.WorkerConfig{Tasks: []task.Task{long}})
				c := across(t, s).Client()
				s.turn(weather{least: 200 * time.Millisecond, most: 200 * time.Millisecond})
				ctx, leave := context.WithCancel(task.OnProgress(t.Context(), func(task.Progress) {}))
				call := later(func() error { _, err := long.Do(ctx, c, 1); return err })
				handler := <-begun
				time.Sleep(time.Second)
				if leaves > 0 {
					say <- true
					time.Sleep(leaves)
					leave()
				} else {
					leave()
					time.Sleep(-leaves)
					say <- true
				}
				_ = call()
				time.Sleep(5 * time.Second)
				if handler.Err() == nil {
					t.Error("nobody waits for the job, and 5 s later it has not been cancelled")
				}
				synctest.Wait()
			})
		})
	}
}

// A caller elsewhere who has looked at a report, and whose connection breaks
// while he waits, is counted as back twice: so another who looks is not counted.
func TestAConnectionThatBreaksDoesNotUncountAnotherWhoLooks(t *testing.T) {
	for _, breaks := range []bool{false, true} {
		t.Run(fmt.Sprint("breaks ", breaks), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o, h, r := reached(t, jobtest.NewMemory(), job.Config{})
				begun := make(chan context.Context, 1)
				long := does("long", func(ctx context.Context, n int) (int, error) {
					begun <- ctx
					time.Sleep(time.Second)
					task.Report(ctx, task.Progress{Done: 1})
					return lasts(ctx, time.Minute, n)
				}).Keyed(func(n int) string { return fmt.Sprint(n) })
				working(t, o.Client(), job.WorkerConfig{Tasks: []task.Task{long}})
				looks := task.OnProgress(t.Context(), func(task.Progress) { time.Sleep(10 * time.Second) })
				looker := later(func() error { _, err := long.Do(looks, o.Client(), 1); return err })
				handler := <-begun
				glances := task.OnProgress(t.Context(), func(task.Progress) {})
				ctx, leave := context.WithCancel(glances)
				other := later(func() error { _, err := long.Do(ctx, r.Client(), 1); return err })
				time.Sleep(3 * time.Second)
				if breaks {
					h.cut()
					time.Sleep(2 * time.Second)
				}
				leave()
				_ = other()
				synctest.Wait()
				if handler.Err() != nil {
					t.Errorf("the job was cancelled under the one who looks: %v", context.Cause(handler))
				}
				if err := looker(); err != nil {
					t.Errorf("who looked: %v", err)
				}
			})
		})
	}
}
