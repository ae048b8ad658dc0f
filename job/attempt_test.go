package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestAFailedJobIsTriedAgainAfterItsBackoffAndIsADeadLetterThen(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		id := put(t, c, 1, job.Attempts(4), job.Backoff(time.Minute, 2*time.Minute))
		for i, bounds := range [][2]time.Duration{{0, 0}, {45 * time.Second, time.Minute}, {90 * time.Second, 2 * time.Minute}, {90 * time.Second, 2 * time.Minute}} {
			began := time.Now()
			l := claim(t, s)
			if took := time.Since(began); took < bounds[0] || took > bounds[1]+10*time.Millisecond {
				t.Errorf("attempt %d came after %v, want %v", i+1, took, bounds)
			}
			if l.Attempt() != i+1 {
				t.Errorf("attempt %d, want %d", l.Attempt(), i+1)
			}
			if err := l.Fail(t.Context(), fmt.Errorf("failure %d", i+1)); err != nil {
				t.Fatal(err)
			}
		}
		st := wantState(t, c, id, job.Dead)
		if len(st.Failures) != 4 || st.Failures[3].Error != "failure 4" || st.Failures[3].Epoch != 4 {
			t.Errorf("got %+v", st.Failures)
		}
		if got := st.Due.Sub(st.Since); got != 30*24*time.Hour {
			t.Errorf("it is kept for %v", got)
		}

		if err := c.Replay(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		l := claim(t, s)
		if l.ID() != id || l.Attempt() != 1 || l.Token().Epoch != 5 {
			t.Errorf("got %v, attempt %d, %v", l.ID(), l.Attempt(), l.Token())
		}
		wantFault(t, c.Replay(t.Context(), id), fault.Invalid, false, "job: replay", "the job is not a dead letter")
		wantFault(t, c.Replay(t.Context(), 999), fault.Invalid, false, "there is no such job")
	})
}

func TestWhatAnErrorSaysOfTryingAgainIsHeard(t *testing.T) {
	for _, c := range []struct {
		err   error
		state job.State
		after time.Duration // less a quarter at most
	}{
		{errEnough, job.Delayed, time.Minute},
		{fault.Permanent(errEnough), job.Dead, 0},
		{fault.RetryAfter(errEnough, 7*time.Second), job.Delayed, 7 * time.Second},
		{fault.RetryAfter(errEnough, 0), job.Ready, 0},
		{&fault.Error{Op: "x", Kind: fault.Invalid}, job.Dead, 0},
		{&fault.Panic{Value: "oops"}, job.Dead, 0},
		{context.Canceled, job.Delayed, time.Minute},
		{&fault.Error{Op: "x", Kind: fault.Fenced}, job.Delayed, time.Minute},
		{errors.New(strings.Repeat("ö", 1000)), job.Delayed, time.Minute},
	} {
		bubble(t, func(t *testing.T) {
			cl := open(t, jobtest.NewMemory(), job.Config{}).Client()
			s := session(t, cl)
			id := put(t, cl, 1, job.Backoff(time.Minute, time.Hour))
			if err := claim(t, s).Fail(t.Context(), c.err); err != nil {
				t.Fatal(err)
			}
			st := wantState(t, cl, id, c.state)
			if after := st.Due.Sub(st.Since); c.state == job.Delayed && (after > c.after || after < c.after*3/4) {
				t.Errorf("%v: after %v, want %v", c.err, after, c.after)
			}
			if text := st.Failures[0].Error; len(text) > 1<<10 || !strings.HasPrefix(c.err.Error(), strings.TrimSuffix(text, "…")) {
				t.Errorf("%v: is kept as %q", c.err, text)
			}
		})
	}
}

func TestAReturnedJobIsReadyAsThoughItHadNotBeenClaimed(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		put(t, c, 1, job.Attempts(1))
		for i := range 5 {
			l := claim(t, s)
			if l.Attempt() != 1 || l.Token().Epoch != uint32(i+1) {
				t.Errorf("attempt %d, %v", l.Attempt(), l.Token())
			}
			if err := l.Return(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestALeaseThatIsOverIsFenced(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		put(t, c, 1, job.Keep(0))
		old := claim(t, s)
		if err := old.Return(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := claim(t, s)
		fenced := func(l *job.Lease) {
			t.Helper()
			for op, err := range map[string]error{
				"complete": l.Complete(t.Context(), nil), "fail": l.Fail(t.Context(), errEnough), "return": l.Return(t.Context()),
			} {
				wantFault(t, err, fault.Fenced, false, `job: `+op+` "resize": the job is not this session's any more`)
			}
		}
		fenced(old)
		if o, n := old.Token(), now.Token(); o.Epoch >= n.Epoch || o.Job != n.Job || o.Log != n.Log || o.Log == [16]byte{} {
			t.Errorf("tokens %v and %v", o, n)
		}
		if err := now.Complete(t.Context(), make([]byte, 256<<10+1)); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "262145") {
			t.Errorf("got %v", err)
		}
		if err := now.Complete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		fenced(now)
		time.Sleep(time.Minute) // it is forgotten
		fenced(now)
	})
}

func TestCancelEndsWhatNobodyHasAndMarksWhatIsRunning(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		c := d.client
		s := session(t, c)
		cancel := func(id job.ID, want job.State) {
			t.Helper()
			if got, err := c.Cancel(t.Context(), id); got != want || err != nil {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
		}
		ready, scheduled := put(t, c, 1), put(t, c, 2, job.Delay(time.Hour))
		cancel(ready, job.Cancelled)
		cancel(scheduled, job.Cancelled)
		cancel(ready, job.Cancelled) // again
		none(t, s)

		failing, completing := put(t, c, 3), put(t, c, 4)
		l3, l4 := claim(t, s), claim(t, s)
		cancel(failing, job.Running)
		cancel(completing, job.Running)
		if st := wantState(t, c, failing, job.Running); !st.Cancelling {
			t.Error("it is not said to be cancelling")
		}
		if err := errors.Join(l3.Fail(t.Context(), errEnough), l4.Complete(t.Context(), nil)); err != nil {
			t.Fatal(err)
		}
		wantState(t, c, failing, job.Cancelled)
		wantState(t, c, completing, job.Done)
		cancel(completing, job.Done)
		none(t, s)
		_, err := c.Cancel(t.Context(), 999)
		wantFault(t, err, fault.Invalid, false, `job: cancel "999": `, "there is no such job")
	})
}
