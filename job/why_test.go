package job_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// why asks, and checks the reason and what people read.
func why(t testing.TB, c *job.Client, id job.ID, reason job.Reason, text string) job.Why {
	t.Helper()
	w, err := c.Why(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if w.Reason != reason || w.String() != text || w.Job.ID != id {
		t.Errorf("job %v: %v, %q, want %v, %q", id, w.Reason, w, reason, text)
	}
	return w
}

func TestWhyNobodyWorksOnAJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{
			Queues: map[string]job.QueueConfig{"narrow": {Running: 1}, "slow": {Rate: job.Rate{Every: time.Hour}}},
			Limits: map[string]job.LimitConfig{"api": {Running: 2}, "sms": {Rate: job.Rate{Every: time.Hour}}, "one": {Running: 1}},
		}).Client()
		in := func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339) }
		s := session(t, c)
		take := func(queue string) *job.Lease {
			t.Helper()
			l, err := s.Claim(t.Context(), 1, job.Filter{Queues: []string{queue}})
			if err != nil {
				t.Fatal(err)
			}
			return l[0]
		}
		lonely := put(t, c, 1, job.Queue("lonely"))
		why(t, c, lonely, job.ReasonNoWorker, `no worker claims task "resize" of queue "lonely"`)

		id := put(t, c, 1, job.Delay(time.Hour))
		w := why(t, c, id, job.ReasonDelayed, "it is not due until "+in(time.Hour))
		if !w.Until.Equal(time.Now().Add(time.Hour)) {
			t.Errorf("until %v", w.Until)
		}

		id = put(t, c, 1, job.Queue("failing"), job.Attempts(3))
		if err := take("failing").Fail(t.Context(), fault.RetryAfter(errEnough, time.Minute)); err != nil {
			t.Fatal(err)
		}
		why(t, c, id, job.ReasonDelayed, "it waits until "+in(time.Minute)+" for attempt 2 of 3")

		for range 2 {
			put(t, c, 1, job.Queue("narrow"))
		}
		first := take("narrow").ID()
		w = why(t, c, first+1, job.ReasonQueueFull, `queue "narrow" runs as many jobs as it may: job `+first.String())
		if len(w.By) != 1 || w.By[0] != first {
			t.Errorf("by %v", w.By)
		}

		for range 2 {
			put(t, c, 1, job.Queue("slow"))
		}
		first = take("slow").ID()
		why(t, c, first+1, job.ReasonQueueRate, `the rate of queue "slow" allows the next job at `+in(time.Hour))

		for range 3 {
			put(t, c, 1, job.Queue("calls"), job.Limit("api", "acme"))
		}
		first = take("calls").ID()
		second := take("calls").ID()
		w = why(t, c, second+1, job.ReasonLimitFull, `limit "api" of key "acme" is reached by jobs `+first.String()+", "+second.String())
		if len(w.By) != 2 {
			t.Errorf("by %v", w.By)
		}

		for range 2 {
			put(t, c, 1, job.Queue("texts"), job.Limit("sms", ""))
		}
		first = take("texts").ID()
		why(t, c, first+1, job.ReasonLimitRate, `the rate of limit "sms" allows the next job at `+in(time.Hour))

		waits := later(func() error {
			_, err := s.Claim(t.Context(), 1, job.Filter{Queues: []string{"line"}, Tasks: []string{"rotate"}})
			return err
		})
		synctest.Wait()
		var line []job.ID
		for range 13 {
			line = append(line, put(t, c, 1, job.Queue("line")))
		}
		why(t, c, line[12], job.ReasonNoWorker, `no worker claims task "resize" of queue "line"`)
		other := session(t, c)
		l, err := other.Claim(t.Context(), 1, job.Filter{Queues: []string{"line"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := l[0].Return(t.Context()); err != nil {
			t.Fatal(err)
		}
		w = why(t, c, line[12], job.ReasonBehind, "it is behind 12 others")
		if w.Ahead != 12 {
			t.Errorf("behind %d", w.Ahead)
		}
		why(t, c, line[0], job.ReasonNext, "it is next")
		if err := c.Pause(t.Context(), "line"); err != nil {
			t.Fatal(err)
		}
		why(t, c, line[5], job.ReasonPaused, `queue "line" is paused`)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantFault(t, waits(), fault.Fenced, false)
	})
}

func TestWhyTellsWhoWorksOnAJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		id := put(t, c, 1)
		l := claim(t, session(t, c))
		since := time.Now().Format(time.RFC3339)
		time.Sleep(time.Minute)
		w := why(t, c, id, job.ReasonRunning, `session "tester" works on it since `+since+": attempt 1 of 20, token "+l.Token().String())
		if w.Token != l.Token() || w.Job.Session != "tester" {
			t.Errorf("%+v", w)
		}
		if err := l.Complete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		why(t, c, id, job.ReasonEnded, "it has ended: done")
		_, err := c.Why(t.Context(), 99)
		wantFault(t, err, fault.Invalid, false, `job: why "99": `)
		if !errors.Is(err, job.ErrNoJob) {
			t.Errorf("%v is not ErrNoJob", err)
		}
	})
}
