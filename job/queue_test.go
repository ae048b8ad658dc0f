package job_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestAPausedQueueGivesNoJobs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		o := open(t, log, job.Config{})
		c := o.Client()
		if err := c.Pause(t.Context(), "mail"); err != nil { // it is not there yet
			t.Fatal(err)
		}
		put(t, c, 1, job.Queue("mail"))
		other := put(t, c, 1)
		s := session(t, c)
		if l := claim(t, s); l.ID() != other {
			t.Errorf("job %v was claimed", l.ID())
		}
		none(t, s)
		shut(t, o)

		c = open(t, log, job.Config{}).Client()
		s = session(t, c)
		if l := claim(t, s); l.ID() != other {
			t.Errorf("the next owner gives job %v", l.ID())
		}
		waiting := later(func() *job.Lease { return claim(t, s) })
		synctest.Wait()
		if err := c.Resume(t.Context(), "mail"); err != nil {
			t.Fatal(err)
		}
		if l := waiting(); l.Queue() != "mail" {
			t.Errorf("job %v was claimed", l.ID())
		}
		if err := c.Resume(t.Context(), "mail"); err != nil {
			t.Error(err)
		}
	})
}

func TestDrainWaitsUntilNothingOfTheQueueRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		for range 3 {
			put(t, c, 1, job.Queue("mail"))
		}
		a, b := claim(t, s), claim(t, s)
		began := time.Now()
		drained := later(func() error { return c.Drain(t.Context(), "mail") })
		time.Sleep(time.Minute)
		none(t, s)
		if err := a.Complete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := b.Fail(t.Context(), errEnough); err != nil {
			t.Fatal(err)
		}
		if err := drained(); err != nil || time.Since(began) < 2*time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		none(t, s)
		if err := c.Drain(t.Context(), "mail"); err != nil { // nothing runs
			t.Error(err)
		}
	})
}

func TestADrainThatIsGivenUpLeavesTheQueuePaused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		put(t, c, 1, job.Queue("mail"))
		put(t, c, 1, job.Queue("mail"))
		claim(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wantFault(t, c.Drain(ctx, "mail"), fault.Deadline, true, `job: drain "mail"`, "the queue stays paused: Resume takes that back")
		none(t, s)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		wantFault(t, c.Drain(ended, "other"), fault.Cancelled, false, `job: drain "other"`)
		all, err := c.Queues(t.Context())
		if err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestWrongNamesOfQueuesAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for verb, f := range map[string]func(context.Context, string) error{"pause": c.Pause, "resume": c.Resume, "drain": c.Drain} {
			wantFault(t, f(t.Context(), "a b"), fault.Invalid, false, `job: `+verb+` "a b": the name of the queue has ' ' at byte 1`)
		}
	})
}

func TestQueuesAreListedWithWhatTheyAllow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		rate := job.Rate{Every: time.Minute, Burst: 1}
		c := open(t, jobtest.NewMemory(), job.Config{
			Queues: map[string]job.QueueConfig{"mail": {Depth: 100, Running: 3, Rate: rate}, "unused": {Running: 1}},
			Groups: map[string]int{"acme": 5},
		}).Client()
		put(t, c, 1, job.Queue("mail"), job.Group("acme"))
		put(t, c, 1, job.Queue("mail"))
		put(t, c, 1, job.Queue("mail"))
		put(t, c, 1)
		now := time.Now()
		if _, err := session(t, c).Claim(t.Context(), 1, job.Filter{Queues: []string{"mail"}}); err != nil {
			t.Fatal(err)
		}
		if err := c.Pause(t.Context(), "paused"); err != nil {
			t.Fatal(err)
		}
		all, err := c.Queues(t.Context())
		if err != nil || len(all) != 4 {
			t.Fatalf("%+v, %v", all, err)
		}
		bytes := all[1].Counts.Bytes
		for i, want := range []job.QueueStatus{
			{Name: "default", Counts: job.Counts{Ready: 1, Bytes: 1}, Groups: 1},
			{Name: "mail", Counts: job.Counts{Ready: 2, Running: 1, Bytes: bytes}, Groups: 2, Depth: 100, Running: 3, Rate: rate, Open: now.Add(time.Minute)},
			{Name: "paused", Paused: true},
			{Name: "unused", Running: 1},
		} {
			got := all[i]
			if !got.Open.Equal(want.Open) {
				t.Errorf("%s opens at %v, want %v", got.Name, got.Open, want.Open)
			}
			if got.Open = want.Open; got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		groups, err := c.Groups(t.Context(), "mail")
		if err != nil || len(groups) != 2 || groups[0].Name != "" || groups[0].Counts.Live() != 2 || groups[1].Name != "acme" || groups[1].Weight != 5 {
			t.Errorf("%+v, %v", groups, err)
		}
		if groups, err := c.Groups(t.Context(), "none"); err != nil || len(groups) != 0 {
			t.Errorf("%+v, %v", groups, err)
		}
	})
}

func TestManyQueuesAndSessionsAreListedPageByPage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for i := range 600 {
			put(t, c, i, job.Queue(fmt.Sprintf("q%03d", i)))
			session(t, c)
		}
		queues, err := c.Queues(t.Context())
		if err != nil || len(queues) != 600 || queues[599].Name != "q599" {
			t.Errorf("%d queues, %v", len(queues), err)
		}
		sessions, err := c.Sessions(t.Context())
		if err != nil || len(sessions) != 600 || sessions[599].Number != 600 {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
	})
}

func TestSessionsAreListedWithWhatTheyDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		opened := time.Now()
		idle := session(t, c)
		busy, err := c.Session(t.Context(), job.SessionConfig{Name: "busy"})
		if err != nil {
			t.Fatal(err)
		}
		put(t, c, 1)
		put(t, c, 1)
		f := job.Filter{Tasks: []string{"resize", "rotate"}, Queues: []string{"default"}}
		if l, err := busy.Claim(t.Context(), 10, f); err != nil || len(l) != 2 {
			t.Fatal(len(l), err)
		}
		all, err := c.Sessions(t.Context())
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		if s := all[0]; s.Name != "tester" || s.Running != 0 || s.Claims != nil || s.Remote || s.Silent != 0 || !s.Opened.Equal(opened) {
			t.Errorf("%+v", s)
		}
		if s := all[1]; s.Name != "busy" || s.Running != 2 || s.Claims == nil || !slices.Equal(s.Claims.Tasks, f.Tasks) || !slices.Equal(s.Claims.Queues, f.Queues) {
			t.Errorf("%+v", s)
		}
		if err := idle.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all, err := c.Sessions(t.Context()); err != nil || len(all) != 1 || all[0].Name != "busy" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
