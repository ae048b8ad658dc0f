package job_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
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
		why(t, c, line[1], job.ReasonBehind, "it is behind 1 other")
		w = why(t, c, line[0], job.ReasonBusy, "1 worker knows it, and has no free slot")
		if w.Workers != 1 {
			t.Errorf("%d workers", w.Workers)
		}
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

func TestWhyCountsOlderJobsOfOtherQueues(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		put(t, c, 1, job.Queue("a"))
		claim(t, s)
		for range 50 {
			put(t, c, 1, job.Queue("a"))
		}
		time.Sleep(time.Second)
		id := put(t, c, 1, job.Queue("b"))
		w := why(t, c, id, job.ReasonBehind, "it is behind 50 others in other queues")
		if w.Ahead != 50 || w.Others != 50 {
			t.Errorf("behind %d, of which %d are of other queues", w.Ahead, w.Others)
		}
		why(t, c, put(t, c, 1, job.Queue("b")), job.ReasonBehind, "it is behind 51 others, 50 of them in other queues")
		for i := range 51 {
			if got := claim(t, s).ID(); (got == id) != (i == 50) {
				t.Errorf("claim %d is of job %v", i, got)
			}
		}
	})
}

func TestWhySaysThatAllWhoCouldTakeAJobAreBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 3)
		long := waits("long", begun)
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{long}, Slots: 1})
		first := entered(t, c, long, 1)
		<-begun
		second := entered(t, c, long, 1)
		time.Sleep(time.Hour)
		why(t, c, second.ID(), job.ReasonBusy, "1 worker knows it, and has no free slot")
		working(t, c, job.WorkerConfig{Tasks: []task.Task{long}, Slots: 1})
		<-begun // the new one took the second
		third := entered(t, c, long, 1)
		synctest.Wait()
		w := why(t, c, third.ID(), job.ReasonBusy, "2 workers know it, and none has a free slot")
		if w.Workers != 2 {
			t.Errorf("%d workers", w.Workers)
		}
		for _, h := range []*job.Handle[int]{first, second, third} {
			if _, err := h.Cancel(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// A job is next for as long as it is given to who waits: who asks in the same record
// sees it, be he here or elsewhere.
func TestWhySaysNextOfAJobThatSomebodyWaitsFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o, _, r := reached(t, m, job.Config{})
		for i, c := range []*job.Client{o.Client(), r.Client()} {
			s := session(t, o.Client())
			taken := later(func() error { _, err := s.Claim(t.Context(), 1, job.Filter{}); return err })
			synctest.Wait()
			m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Wait: time.Second}))
			paused := later(func() error { return o.Client().Pause(t.Context(), "other") })
			synctest.Wait()
			id := job.ID(i + 1)
			entered := later(func() job.ID { return put(t, o.Client(), 1) })
			synctest.Wait()
			why(t, c, id, job.ReasonNext, "it is next")
			if got := entered(); got != id {
				t.Errorf("job %v was entered", got)
			}
			for _, err := range []error{paused(), taken()} {
				if err != nil {
					t.Error(err)
				}
			}
		}
	})
}
