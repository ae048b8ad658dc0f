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
	"github.com/hemgo/hem/task"
)

// schedule makes a schedule of resize, which must be accepted.
func schedule(t testing.TB, c *job.Client, name string, r job.Rule, opts ...job.Option) {
	t.Helper()
	if err := job.Schedule(t.Context(), c, name, r, resize, 1, opts...); err != nil {
		t.Fatal(err)
	}
}

// onlySchedule returns the one that there is.
func onlySchedule(t testing.TB, c *job.Client) job.ScheduleStatus {
	t.Helper()
	all, err := c.Schedules(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("there are %d schedules, %v", len(all), err)
	}
	return all[0]
}

// live is how many jobs have yet to end.
func live(t testing.TB, c *job.Client) int64 {
	t.Helper()
	n, err := c.Counts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return n.Live()
}

// untilNext sleeps until a moment before the next multiple of d.
func untilNext(d time.Duration) {
	time.Sleep(time.Until(time.Now().Truncate(d).Add(d - time.Second)))
}

func TestAScheduleMakesAJobForEachTick(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		untilNext(time.Hour)
		schedule(t, c, "hourly", job.Every(time.Hour), job.Queue("q"), job.Tags("cron"), job.Key("k"))
		tick := time.Now().Add(time.Second).Truncate(time.Hour)
		for range 3 {
			l := claim(t, s)
			if late := time.Since(tick); late < 0 || late > time.Second {
				t.Errorf("it came %v late", late)
			}
			st := wantState(t, c, l.ID(), job.Running)
			if st.Schedule != "hourly" || !st.Tick.Equal(tick) || st.Queue != "q" || len(st.Tags) != 1 || st.Key != "k" {
				t.Errorf("%+v", st)
			}
			if err := l.Complete(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			is := onlySchedule(t, c)
			if is.Job != l.ID() || !is.Last.Equal(tick) || !is.Next.Equal(tick.Add(time.Hour)) {
				t.Errorf("%+v", is)
			}
			tick = tick.Add(time.Hour)
		}
		if err := c.Unschedule(t.Context(), "hourly"); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Hour)
		if n := live(t, c); n != 0 {
			t.Errorf("there are %d jobs of a schedule that was removed", n)
		}
	})
}

func TestAScheduleIsShownWithItsRule(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		schedule(t, c, "nightly", job.Cron("@daily").In("Europe/Berlin").Missed(job.MissedSkip), job.Group("acme"))
		is := onlySchedule(t, c)
		if got := is.Rule.String(); got != "skip Europe/Berlin 0 0 * * *" {
			t.Errorf("the rule is %q", got)
		}
		if is.Name != "nightly" || is.Task != "resize" || is.Queue != "default" || is.Group != "acme" || !is.Last.IsZero() || is.Job != 0 {
			t.Errorf("%+v", is)
		}
		// What is shown can be said again.
		if err := job.Schedule(t.Context(), c, "other", is.Rule, resize, 1); err != nil {
			t.Error(err)
		}
	})
}

func TestATickIsThereForTheHandler(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var tick time.Time
		sweep := task.Define("sweep", func(ctx context.Context, _ task.Void) (task.Void, error) {
			tick, _ = job.Scheduled(ctx)
			cancel()
			return task.Void{}, nil
		})
		untilNext(time.Minute)
		want := time.Now().Add(time.Second).Truncate(time.Minute)
		if err := job.Schedule(ctx, c, "sweep", job.Cron("* * * * *"), sweep, task.Void{}); err != nil {
			t.Fatal(err)
		}
		if err := job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{sweep}, Log: quiet}); err != nil {
			t.Fatal(err)
		}
		if !tick.Equal(want) {
			t.Errorf("the handler was told %v, want %v", tick, want)
		}
	})
}

// A program says what is to be each time that it starts, and so do its replicas.
func TestToSayAScheduleAgainNeitherMovesNorRepeatsATick(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		o := open(t, log, job.Config{})
		rule := job.Cron("0 * * * *")
		untilNext(time.Hour)
		schedule(t, o.Client(), "hourly", rule)
		next := onlySchedule(t, o.Client()).Next
		for range 5 {
			schedule(t, o.Client(), "hourly", job.Cron("0  *  *  *  ?"), job.Priority(1))
		}
		if got := onlySchedule(t, o.Client()).Next; !got.Equal(next) {
			t.Errorf("it was due at %v and is at %v", next, got)
		}
		shut(t, o)
		time.Sleep(time.Second + 30*time.Second) // the tick is due, and not missed

		o = open(t, log, job.Config{})
		schedule(t, o.Client(), "hourly", rule)
		time.Sleep(time.Second)
		schedule(t, o.Client(), "hourly", rule)
		time.Sleep(time.Minute)
		if n := live(t, o.Client()); n != 1 {
			t.Errorf("there are %d jobs, want 1", n)
		}
		is := onlySchedule(t, o.Client())
		if !is.Last.Equal(next) || !is.Next.Equal(next.Add(time.Hour)) {
			t.Errorf("%+v", is)
		}

		schedule(t, o.Client(), "hourly", job.Cron("30 * * * *"))
		if got := onlySchedule(t, o.Client()).Next; !got.Equal(next.Add(30 * time.Minute)) {
			t.Errorf("with another rule it is due at %v", got)
		}
	})
}

func TestAScheduleWithAKeyDoesNotOverlap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		schedule(t, c, "minutely", job.Every(time.Minute), job.Key("one"))
		time.Sleep(10 * time.Minute)
		if n := live(t, c); n != 1 {
			t.Errorf("there are %d jobs at a time", n)
		}
		claim(t, session(t, c)).Complete(t.Context(), nil)
		time.Sleep(time.Minute + time.Second)
		if n := live(t, c); n != 1 {
			t.Errorf("there are %d jobs after the first was done", n)
		}
	})
}

// Elsewhere a scheduler that was down for the weekend came back to enqueue all that
// it had missed, at once.
func TestCronDoesNotStormAfterDowntime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 10_000
		log := jobtest.NewMemory()
		o := open(t, log, job.Config{})
		every := []job.Rule{job.Cron("* * * * *"), job.Every(time.Second), job.Cron("0 3 * * *").In("Europe/Berlin"), job.Cron("@weekly")}
		for i := range n {
			schedule(t, o.Client(), fmt.Sprintf("s%d", i), every[i%len(every)].Missed(job.MissedOnce))
		}
		shut(t, o)
		time.Sleep(7 * 24 * time.Hour)

		before := len(log.Records())
		log.Faults(func(op jobtest.Op) jobtest.Fault { return jobtest.Fault{Lag: 5 * time.Millisecond} })
		o = open(t, log, job.Config{})
		c := o.Client()
		began := time.Now()
		put(t, c, 1, job.Queue("other"))
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("somebody else's job waited %v for them", took)
		}
		counts, err := c.Count(t.Context(), job.Query{Queues: []string{"default"}})
		if err != nil {
			t.Fatal(err)
		}
		if counts.Live() > n {
			t.Errorf("%d jobs at once", counts.Live())
		}
		time.Sleep(time.Until(began.Add(900 * time.Millisecond)))
		if records := len(log.Records()) - before; records < n/256 {
			t.Errorf("%d schedules were seen to in %d records", n, records)
		}
		made := make(map[string]int)
		for s, err := range c.All(t.Context(), job.Query{Queues: []string{"default"}}) {
			if err != nil {
				t.Fatal(err)
			}
			made[s.Schedule]++
		}
		for i := range n {
			name := fmt.Sprintf("s%d", i)
			if most := map[bool]int{true: 2, false: 1}[i%4 == 1]; made[name] < 1 || made[name] > most { // a second has passed
				t.Fatalf("schedule %s made %d jobs", name, made[name])
			}
		}
	})
}

func TestAScheduleThatFindsNoRoomKeepsNoOtherWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Queues: map[string]job.QueueConfig{"narrow": {Depth: 1}}}).Client()
		put(t, c, 1, job.Queue("narrow"))
		for i := range 50 {
			schedule(t, c, fmt.Sprint("narrow", i), job.Every(time.Minute), job.Queue("narrow"))
		}
		schedule(t, c, "wide", job.Every(10*time.Second), job.Queue("wide"))
		time.Sleep(10 * time.Minute)
		n, err := c.Count(t.Context(), job.Query{Queues: []string{"wide"}})
		if err != nil || n.Live() < 59 {
			t.Errorf("of 60 ticks %d have a job, %v", n.Live(), err)
		}
		// With room again, they come.
		s := session(t, c)
		for range 5 {
			l, err := s.Claim(t.Context(), 1, job.Filter{Queues: []string{"narrow"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := l[0].Complete(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestSchedulesThatWaitForRoomWriteLittle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{Depth: 1}).Client()
		put(t, c, 1)
		for i := range 50 {
			schedule(t, c, fmt.Sprint(i), job.Every(time.Minute))
		}
		time.Sleep(2 * time.Minute)
		before := len(m.Records())
		time.Sleep(time.Minute)
		if n := len(m.Records()) - before; n > 61 {
			t.Errorf("%d records in a minute", n)
		}
	})
}

func TestWrongSchedulesAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{}).Client()
		put(t, c, 1)
		before := len(m.Records())
		minutely := job.Every(time.Minute)
		for _, bad := range []struct {
			name string
			rule job.Rule
			opt  job.Option
			want string
		}{
			{"", minutely, job.Priority(0), "the name of the schedule is empty"},
			{"a b", minutely, job.Priority(0), "the name of the schedule has ' ' at byte 1"},
			{strings.Repeat("n", 200), minutely, job.Priority(0), "the name of the schedule has 200 bytes"},
			{"x", job.Rule{}, job.Priority(0), `is empty: write minute hour`},
			{"x", job.Cron("61 * * * *"), job.Priority(0), `"61 * * * *": minute`},
			{"x", job.Cron("0 0 30 2 *"), job.Priority(0), "is never due"},
			{"x", job.Cron("* * * * *").In("Mars/Olympus"), job.Priority(0), `zone "Mars/Olympus"`},
			{"x", job.Cron("* * * * *").In("Local"), job.Priority(0), `zone "Local"`},
			{"x", job.Every(0), job.Priority(0), "is too short: it is at least 1s"},
			{"x", job.Every(1500 * time.Millisecond), job.Priority(0), "is not in whole seconds"},
			{"x", minutely.In("Europe/Berlin"), job.Priority(0), "give no zone"},
			{"x", minutely.Missed(9), job.Priority(0), "the rule's Missed is 9"},
			{"x", minutely, job.Delay(time.Second), "Delay and At are not for schedules"},
			{"x", minutely, job.At(time.Now()), "Delay and At are not for schedules"},
			{"x", minutely, job.Deadline(time.Now().Add(time.Hour)), "Deadline is not for schedules"},
			{"x", minutely, job.Limit("api", ""), `limit "api" is not one of Config.Limits`},
			{"x", minutely, job.Attempts(0), "there are 0 attempts"},
		} {
			err := job.Schedule(t.Context(), c, bad.name, bad.rule, resize, 1, bad.opt)
			wantFault(t, err, fault.Invalid, false, "job: schedule", bad.want)
		}
		if got := len(m.Records()); got != before {
			t.Errorf("%d records were written for them", got-before)
		}
		for _, name := range []string{"x", "", "a b"} {
			err := c.Unschedule(t.Context(), name)
			wantFault(t, err, fault.Invalid, false, "job: unschedule", "there is no such schedule")
			if !errors.Is(err, job.ErrNoSchedule) {
				t.Errorf("%v is not ErrNoSchedule", err)
			}
		}
	})
}

func TestSchedulesAreListedPageByPage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for i := range 600 {
			schedule(t, c, fmt.Sprintf("s%03d", i), job.Cron("@yearly"))
		}
		all, err := c.Schedules(t.Context())
		if err != nil || len(all) != 600 {
			t.Fatalf("%d schedules, %v", len(all), err)
		}
		for i, s := range all {
			if want := fmt.Sprintf("s%03d", i); s.Name != want {
				t.Fatalf("schedule %d is %s", i, s.Name)
			}
		}
	})
}

// A clock that is set back neither repeats ticks nor stops them for ever.
func TestAClockThatIsSetBackRepeatsNoTick(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, wrong := misled(t, jobtest.NewMemory(), job.Config{}, 0)
		c := o.Client()
		schedule(t, c, "minutely", job.Every(time.Minute))
		time.Sleep(10*time.Minute + time.Second)
		wrong.Store(-int64(5 * time.Minute))
		time.Sleep(20 * time.Minute)
		ticks := make(map[time.Time]bool)
		for s, err := range c.All(t.Context(), job.Query{}) {
			if err != nil || ticks[s.Tick] {
				t.Errorf("tick %v twice, %v", s.Tick, err)
			}
			ticks[s.Tick] = true
		}
		if len(ticks) < 20 || len(ticks) > 26 {
			t.Errorf("%d ticks", len(ticks))
		}
	})
}
