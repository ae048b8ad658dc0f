package job_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

func TestAJobIsClaimedDoneAndKeptForAWhile(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		id := put(t, c, 21, job.Queue("img"), job.Keep(time.Hour))
		l := claim(t, s)
		if l.ID() != id || l.Task() != "resize" || l.Queue() != "img" || l.Attempt() != 1 || string(l.Input()) != "21" {
			t.Errorf("got %+v", l)
		}
		if st := wantState(t, c, id, job.Running); st.Attempt != 1 {
			t.Errorf("attempt %d", st.Attempt)
		}
		out, err := resize.Serve(t.Context(), task.Here, l.Input())
		if err != nil || !bytes.Equal(out, []byte("42")) {
			t.Fatalf("%s, %v", out, err)
		}
		if err := l.Complete(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		st := wantState(t, c, id, job.Done)
		if got := st.Due.Sub(st.Since); got != time.Hour {
			t.Errorf("it is kept for %v", got)
		}
		time.Sleep(time.Hour + 2*time.Second)
		_, err = c.Status(t.Context(), id)
		wantFault(t, err, fault.Invalid, false, "job: status", "there is no such job", "no longer kept")
		if !errors.Is(err, job.ErrNoJob) {
			t.Errorf("%v is not ErrNoJob", err)
		}
		_, err = c.Status(t.Context(), 999)
		wantFault(t, err, fault.Invalid, false, `job: status "999": job: there is no such job`)
	})
}

func TestClaimWaitsForAJob(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		o, c := d.owner, d.client
		s := session(t, c)
		var waits []func() *job.Lease
		for range 3 {
			waits = append(waits, later(func() *job.Lease { return claim(t, s) }))
			synctest.Wait()
		}
		if n := o.Stats().ForJobs; n != 3 {
			t.Errorf("%d wait for jobs", n)
		}
		for i, wait := range waits {
			id := put(t, c, i)
			if l := wait(); l.ID() != id {
				t.Errorf("claim %d got job %v, want %v", i, l.ID(), id)
			}
		}
	})
}

func TestClaimTakesAtMostWhatWasAskedForAndByFilter(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		for i := range 5 {
			put(t, c, i, job.Queue(fmt.Sprintf("q%d", i%2)))
		}
		if _, err := job.Enqueue(t.Context(), c, rotate, "x"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			most int
			f    job.Filter
			n    int
		}{
			{10, job.Filter{Queues: []string{"q1"}}, 2},
			{1, job.Filter{Queues: []string{"q0", "q1"}}, 1},
			{10, job.Filter{Tasks: []string{"rotate", "other"}}, 1},
			{10, job.Filter{Tasks: []string{"resize"}, Queues: []string{"q0"}}, 2},
		} {
			l, err := s.Claim(t.Context(), want.most, want.f)
			if err != nil || len(l) != want.n {
				t.Errorf("%+v: got %d, %v", want, len(l), err)
			}
		}
		none(t, s)
	})
}

func TestPriorityDecidesAndAgeingLetsTheLowestHaveItsTurn(t *testing.T) {
	desks(t, job.Config{Ageing: time.Minute}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		low := put(t, c, 1, job.Priority(-1))
		normal := put(t, c, 2)
		high := put(t, c, 3, job.Priority(5))
		for _, want := range []job.ID{high, normal} {
			if got := claim(t, s).ID(); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		time.Sleep(61 * time.Second)
		put(t, c, 4)
		if got := claim(t, s).ID(); got != low {
			t.Errorf("got %v, want %v, which has waited for more than a step", got, low)
		}
	})
}

func TestDelayedJobsAreReadyOnTimeAndNeverEarly(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		began := time.Now()
		at := put(t, c, 1, job.At(began.Add(2*time.Hour)))
		delayed := put(t, c, 2, job.Delay(time.Hour))
		wantState(t, c, at, job.Delayed)
		st := wantState(t, c, delayed, job.Delayed)
		if got := st.Due.Sub(began); got < time.Hour || got > time.Hour+time.Millisecond {
			t.Errorf("it is due after %v", got)
		}
		for i, want := range []job.ID{delayed, at} {
			l := claim(t, s)
			after, due := time.Since(began), time.Duration(i+1)*time.Hour
			if l.ID() != want || after < due || after > due+10*time.Millisecond {
				t.Errorf("got %v after %v, want %v after %v", l.ID(), after, want, due)
			}
		}
	})
}

func TestAClosedSessionGivesBackWhatItHadClaimed(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		id, last := put(t, c, 1), put(t, c, 2, job.Attempts(1))
		l := claim(t, s)
		claim(t, s)
		waiting := later(func() error { _, err := s.Claim(t.Context(), 1, job.Filter{}); return err })
		synctest.Wait()
		if err := errors.Join(s.Close(t.Context()), s.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
		wantFault(t, waiting(), fault.Fenced, false, `job: claim "tester": the session has ended`)
		_, err := s.Claim(t.Context(), 1, job.Filter{})
		wantFault(t, err, fault.Fenced, false, "the session has ended")
		wantFault(t, l.Complete(t.Context(), nil), fault.Fenced, false)
		wantState(t, c, last, job.Dead) // it may have been worked at
		again := claim(t, session(t, c))
		if again.ID() != id || again.Attempt() != 2 {
			t.Errorf("got %v, attempt %d", again.ID(), again.Attempt())
		}
	})
}

func TestAClaimThatNobodyHearsOfClaimsNothing(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		m, c := d.log, d.client
		s := session(t, c)
		id := put(t, c, 1, job.Attempts(1))
		claimFor := func(d time.Duration) ([]*job.Lease, error) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			return s.Claim(ctx, 1, job.Filter{})
		}

		m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lag: time.Second}))
		_, err := claimFor(time.Millisecond)
		wantFault(t, err, fault.Deadline, true, `job: claim "tester"`)
		l := claim(t, s)
		if l.ID() != id || l.Attempt() != 1 {
			t.Errorf("got %v, attempt %d", l.ID(), l.Attempt())
		}
		if err := l.Return(t.Context()); err != nil {
			t.Fatal(err)
		}

		m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lag: 50 * time.Millisecond}))
		got, err := claimFor(time.Millisecond)
		if err != nil || len(got) != 1 || got[0].ID() != id {
			t.Fatalf("the outcome was 49 ms away: %v", err)
		}
		if err := got[0].Return(t.Context()); err != nil {
			t.Fatal(err)
		}

		// One that waits is taken off at once.
		if err := claim(t, s).Complete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		_, err = claimFor(time.Hour)
		wantFault(t, err, fault.Deadline, false)
		id = put(t, c, 2)
		if l := claim(t, s); l.ID() != id || l.Token().Epoch != 1 {
			t.Errorf("got %v, %v", l.ID(), l.Token())
		}
	})
}

func TestCountsAreOfOneQueueOrOfAll(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		put(t, c, 1, job.Queue("a"))
		put(t, c, 2, job.Queue("b"), job.Delay(time.Hour))
		put(t, c, 3, job.Queue("b"))
		claim(t, s)
		for queue, want := range map[string]job.Counts{
			"":      {Delayed: 1, Ready: 1, Running: 1, Bytes: 3},
			"a":     {Running: 1, Bytes: 1},
			"b":     {Delayed: 1, Ready: 1, Bytes: 2},
			"other": {},
		} {
			if got, err := c.Counts(t.Context(), queue); got != want || err != nil {
				t.Errorf("%q: got %+v, %v, want %+v", queue, got, err, want)
			}
		}
	})
}
