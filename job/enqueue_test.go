package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestEnqueueReturnsWhenTheLogHasTheJob(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		m, c := d.log, d.client
		m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lag: time.Minute}))
		began := time.Now()
		h, err := job.Enqueue(t.Context(), c, resize, 7)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		again := open(t, m.Crash(nil), job.Config{}).Client()
		s := wantState(t, again, h.ID(), job.Ready)
		if s.Task != "resize" || s.Queue != "default" || s.Attempts != 20 || s.ID != h.ID() {
			t.Errorf("got %+v", s)
		}
	})
}

func TestJobsThatArriveDuringAnAppendShareTheNextRecord(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		m, c := d.log, d.client
		put(t, c, 0) // and the limits
		before := len(m.Records())
		m.Faults(func(op jobtest.Op) jobtest.Fault { return jobtest.Fault{Lag: time.Second} })
		first := later(func() job.ID { return put(t, c, 1) })
		synctest.Wait()
		var all []func() job.ID
		for i := range 100 {
			all = append(all, later(func() job.ID { return put(t, c, i) }))
		}
		first()
		for _, wait := range all {
			wait()
		}
		if got := len(m.Records()) - before; got != 2 {
			t.Errorf("101 jobs took %d records, want 2", got)
		}
	})
}

func TestALiveJobWithTheSameKeyIsTheAnswer(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		keyed := resize.Keyed(func(in int) string { return fmt.Sprint(in % 10) })
		enqueue := func(in int, opts ...job.Option) *job.Handle[int] {
			h, err := job.Enqueue(t.Context(), c, keyed, in, opts...)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		first := enqueue(7)
		if first.Existing() {
			t.Error("the first was there already")
		}
		for _, h := range []*job.Handle[int]{enqueue(17), enqueue(3, job.Key("7"))} {
			if !h.Existing() || h.ID() != first.ID() {
				t.Errorf("got job %v, existing %v", h.ID(), h.Existing())
			}
		}
		for _, h := range []*job.Handle[int]{enqueue(8), enqueue(7, job.Key("")), enqueue(7, job.Key("x"))} {
			if h.Existing() {
				t.Errorf("job %v was there already", h.ID())
			}
		}
		if _, err := first.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h := enqueue(7); h.Existing() {
			t.Error("a cancelled job still has its key")
		}
	})
}

func TestManyAreEnqueuedInOneRecordOrNotAtAll(t *testing.T) {
	desks(t, job.Config{Queues: map[string]job.QueueConfig{"narrow": {Depth: 2}}}, func(t *testing.T, d desk) {
		m, c := d.log, d.client
		put(t, c, 0)
		batch := func(queue string, n int) (jobs []job.Job) {
			for i := range n {
				j, err := job.New(resize, i, job.Queue(queue))
				if err != nil {
					t.Fatal(err)
				}
				jobs = append(jobs, j)
			}
			return jobs
		}
		before := len(m.Records())
		ids, err := c.EnqueueMany(t.Context(), batch("wide", 1000))
		if err != nil || len(ids) != 1000 || !slices.IsSorted(ids) {
			t.Fatalf("%d ids, %v", len(ids), err)
		}
		if got := len(m.Records()) - before; got != 1 {
			t.Errorf("they took %d records", got)
		}
		put(t, c, 1, job.Queue("narrow"))
		mixed := append(batch("wide", 1), batch("narrow", 2)...)
		_, err = c.With(job.NoWait()).EnqueueMany(t.Context(), mixed)
		wantFault(t, err, fault.Overloaded, false, `queue "narrow" has`)
		if n, err := c.Counts(t.Context(), "wide"); err != nil || n.Ready != 1000 {
			t.Errorf("the batch that was refused left something: %+v, %v", n, err)
		}
	})
}

func TestWhoFindsNoRoomWaitsForIt(t *testing.T) {
	for name, conf := range map[string]job.Config{
		"in all queues": {Depth: 2},
		"in one queue":  {Queues: map[string]job.QueueConfig{"default": {Depth: 2}}},
		"in bytes":      {Bytes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := open(t, jobtest.NewMemory(), conf).Client()
				first := put(t, c, 1)
				put(t, c, 2)
				third := later(func() job.ID { return put(t, c, 3) })
				synctest.Wait()
				_, err := job.Enqueue(t.Context(), c, resize, 4, job.NoWait())
				wantFault(t, err, fault.Overloaded, false, `job: enqueue "resize": `, " of at most ", "leave out NoWait", "raise Config.")
				if !fault.Retryable(err) {
					t.Error("trying again is said to be no use")
				}
				if n, _ := c.Counts(t.Context(), ""); n.Live() != 2 {
					t.Errorf("%d are live", n.Live())
				}
				if _, err := c.Cancel(t.Context(), first); err != nil {
					t.Fatal(err)
				}
				wantState(t, c, third(), job.Ready)
			})
		})
	}
}

func TestWhoWaitsForRoomIsServedInOrderAndNotOvertaken(t *testing.T) {
	desks(t, job.Config{Depth: 1}, func(t *testing.T, d desk) {
		o, c := d.owner, d.client
		s := session(t, c)
		put(t, c, 0)
		var waits []func() job.ID
		for i := range 5 {
			waits = append(waits, later(func() job.ID { return put(t, c, i) }))
			synctest.Wait()
		}
		if n := o.Stats().ForRoom; n != 5 {
			t.Errorf("%d wait for room", n)
		}
		last := job.ID(0)
		for _, wait := range waits {
			if err := claim(t, s).Complete(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			id := wait()
			if id <= last {
				t.Errorf("job %v came after %v", id, last)
			}
			last = id
		}
	})
}

func TestWhoWaitsForRoomLeavesWhenItsContextEnds(t *testing.T) {
	desks(t, job.Config{Depth: 1}, func(t *testing.T, d desk) {
		o, c := d.owner, d.client
		put(t, c, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		_, err := job.Enqueue(ctx, c, resize, 2)
		wantFault(t, err, fault.Deadline, false, `job: enqueue "resize": context deadline exceeded`)
		if took := time.Since(began); took != time.Minute || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
		causal, end := context.WithCancelCause(t.Context())
		left := later(func() error { _, err := job.Enqueue(causal, c, resize, 2); return err })
		synctest.Wait()
		end(errEnough)
		err = left()
		wantFault(t, err, fault.Cancelled, false, "enough")
		if !errors.Is(err, errEnough) {
			t.Errorf("%v is not its cause", err)
		}
		if n := o.Stats().ForRoom; n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}

func TestAContextThatHasEndedEnqueuesNothing(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := job.Enqueue(ctx, c, resize, 1)
		wantFault(t, err, fault.Cancelled, false)
		if n, _ := c.Counts(t.Context(), ""); n.Live() != 0 {
			t.Errorf("%d are live", n.Live())
		}
	})
}

// What becomes of an Enqueue whose context ends: before the loop has taken it, it
// is withdrawn; while its append is short, the outcome is awaited; while it is
// long, nobody knows.
func TestAContextThatEndsDuringAnAppendTellsWhatIsKnown(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		m, c := d.log, d.client
		put(t, c, 0)
		slow := func(d time.Duration) {
			m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lag: d}))
		}
		enqueue := func(in int, bound time.Duration) (*job.Handle[int], error) {
			ctx, cancel := context.WithTimeout(t.Context(), bound)
			defer cancel()
			return job.Enqueue(ctx, c, resize, in)
		}

		slow(50 * time.Millisecond)
		if h, err := enqueue(1, time.Millisecond); err != nil || h == nil {
			t.Errorf("the outcome was 49 ms away: %v", err)
		}

		slow(time.Second)
		began := time.Now()
		_, err := enqueue(2, time.Millisecond)
		wantFault(t, err, fault.Deadline, true, "it may be carried out all the same")
		if took := time.Since(began); took != 101*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		_, err = enqueue(3, time.Millisecond) // the append of the one before is still under way
		wantFault(t, err, fault.Deadline, false)

		time.Sleep(time.Second)
		if n, _ := c.Counts(t.Context(), ""); n.Live() != 3 {
			t.Errorf("%d are live, want 0, 1 and 2", n.Live())
		}
	})
}

func TestLowRoomRefusesNewJobsAndLetsOthersComplete(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		m, c := d.log, d.client
		s := session(t, c)
		put(t, c, 1)
		m.SetCapacity(1<<20, 1)
		_, err := job.Enqueue(t.Context(), c, resize, 2)
		wantFault(t, err, fault.Overloaded, false, `job: enqueue "resize": `, "the log is nearly full")
		if d, ok := fault.RetryDelay(err); !ok || d <= 0 {
			t.Errorf("it says %v, %v of when to try again", d, ok)
		}
		if err := claim(t, s).Complete(t.Context(), nil); err != nil {
			t.Error(err)
		}
		m.SetCapacity(0, 0)
		put(t, c, 2)
	})
}
