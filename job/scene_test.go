package job_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// shown is what inspect shows of an owner, by name.
func shown(name string) map[string]string {
	all := make(map[string]string)
	for _, p := range inspect.Take().Places {
		if p.Kind == "job" && p.Name == name {
			for _, f := range p.Figures {
				all[f.Name] = fmt.Sprint(f.Value)
			}
		}
	}
	return all
}

func TestDumpsShowQueuesSessionsAndRunningJobs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{Name: "shown", Queues: map[string]job.QueueConfig{"mail": {Running: 3, Rate: job.Rate{Every: time.Second, Burst: 2}}}})
		c := o.Client()
		for range 3 {
			put(t, c, 1, job.Queue("mail"))
		}
		s := session(t, c)
		l := claim(t, s)
		if err := c.Pause(t.Context(), "mail"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		want := map[string]string{
			"queue mail":             "paused, 1 of at most 3 running, 2 ready, 0 delayed, one each 1s, 2 at once",
			"session 1":              "tester: 1 running, 0 attached",
			"job " + l.ID().String(): "resize for 3s, by session 1 (tester), attempt 1, token " + l.Token().String(),
		}
		check := func() {
			t.Helper()
			got := shown("shown")
			for name, text := range want {
				if got[name] != text {
					t.Errorf("%s is %q, want %q", name, got[name], text)
				}
			}
		}
		check()
		var dump strings.Builder
		if err := inspect.Dump(&dump); err != nil || !strings.Contains(dump.String(), want["queue mail"]) {
			t.Errorf("%v:\n%s", err, &dump)
		}
		if _, err := c.Cancel(t.Context(), l.ID()); err != nil {
			t.Fatal(err)
		}
		want["job "+l.ID().String()] += ", to be cancelled"
		check()

		m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lag: time.Minute}))
		stuck := later(func() job.ID { return put(t, c, 1, job.Queue("mail")) })
		synctest.Wait()
		got := shown("shown") // the loop is stuck in the log
		if text := got["queue mail"]; !strings.Contains(text, "3 ready") {
			t.Errorf("queue mail is %q", text)
		}
		stuck()
		shut(t, o)
		if got := shown("shown"); len(got) > 0 {
			t.Errorf("a closed owner shows %v", got)
		}
	})
}

func TestDumpsShowWhichAttemptOfAJobIsRunning(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Name: "again"}).Client()
		put(t, c, 1)
		s := session(t, c)
		if err := claim(t, s).Fail(t.Context(), errEnough); err != nil {
			t.Fatal(err)
		}
		if err := claim(t, s).Return(t.Context()); err != nil { // which is no attempt
			t.Fatal(err)
		}
		l := claim(t, s)
		time.Sleep(time.Minute)
		want := "resize for 1m0s, by session 1 (tester), attempt 2, token " + l.Token().String()
		if got := shown("again")["job "+l.ID().String()]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestDumpsShowOnlySomeOfMany(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Name: "many"}).Client()
		for i := range 150 {
			put(t, c, i, job.Queue(fmt.Sprintf("q%d", i)))
			claim(t, session(t, c))
		}
		n := make(map[string]int)
		for name := range shown("many") {
			kind, _, _ := strings.Cut(name, " ")
			n[kind]++
		}
		if n["queue"] != 100 || n["session"] != 100 || n["job"] != 100 || n["more"] != 3 {
			t.Errorf("%v", n)
		}
	})
}

// A log that blocks where it should not.
type sluggish struct {
	*jobtest.Memory
	blocks chan struct{}
}

func (s *sluggish) Low() error {
	<-s.blocks
	return nil
}

func TestADumpDoesNotWaitForAnOwnerThatIsAtWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &sluggish{jobtest.NewMemory(), make(chan struct{})}
		open(t, log, job.Config{Name: "sluggish"})
		synctest.Wait()
		began := time.Now()
		got := shown("sluggish")
		if text := got["queues, sessions, jobs"]; text != "not shown: the owner is at work" || time.Since(began) > 0 {
			t.Errorf("after %v: %v", time.Since(began), got)
		}
		close(log.blocks)
	})
}
