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
	"github.com/hemgo/hem/scope/scopetest"
)

func TestCloseLeavesNobodyWaitingAndNothingRunning(t *testing.T) {
	scopetest.Run(t, func(ctx context.Context, s *scope.Scope) error {
		m := jobtest.NewMemory()
		o, err := job.Open(ctx, m, job.Config{Depth: 1, SnapshotAfter: 1, Log: quiet})
		if err != nil {
			return err
		}
		c := o.Client()
		put(t, c, 1)
		sess := session(t, c)
		claim(t, sess)
		var refused atomic.Int32
		for i := range 10 {
			s.Go(func(ctx context.Context) error {
				var err error
				if i%2 == 0 {
					_, err = job.Enqueue(ctx, c, resize, 2)
				} else {
					_, err = sess.Claim(ctx, 1, job.Filter{})
				}
				wantFault(t, err, fault.Cancelled, false, "the owner was closed meanwhile")
				refused.Add(1)
				return nil
			})
		}
		for st := o.Stats(); st.ForRoom != 5 || st.ForJobs != 5; st = o.Stats() {
			time.Sleep(time.Millisecond)
		}
		if err := o.Close(ctx); err != nil {
			return err
		}
		if err := o.Close(ctx); err != nil {
			return err
		}
		<-o.Done()
		if o.Err() != nil {
			t.Error(o.Err())
		}
		_, err = job.Enqueue(ctx, c, resize, 3)
		wantFault(t, err, fault.Invalid, false, `job: enqueue "resize": the owner is closed`)
		return m.Append(ctx, uint64(len(m.Records())), []byte("the log is still open"))
	})
}

func TestCloseAnswersWhatIsBeingAppended(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{})
		put(t, o.Client(), 0)
		m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lag: time.Minute}))
		wait := later(func() job.ID { return put(t, o.Client(), 1) })
		synctest.Wait()
		late := later(func() error { _, err := job.Enqueue(t.Context(), o.Client(), resize, 2); return err })
		synctest.Wait()
		shut(t, o)
		wait()
		wantFault(t, late(), fault.Cancelled, false, "the owner was closed meanwhile")
	})
}

func TestCloseGivesUpWhenItsContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{})
		put(t, o.Client(), 0)
		m.Faults(func(jobtest.Op) jobtest.Fault { return jobtest.Fault{Wait: time.Hour} })
		wait := later(func() error { _, err := job.Enqueue(t.Context(), o.Client(), resize, 1); return err })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		wantFault(t, o.Close(ctx), fault.Deadline, true, `job: close "jobs": context deadline exceeded`)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		wantFault(t, wait(), fault.Lost, true, "the owner was closed meanwhile")
		<-o.Done()
	})
}
