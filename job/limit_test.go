package job_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestALimitThatIsNotInTheConfigIsRefusedWithTheNearestThatIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Limits: map[string]job.LimitConfig{"mailhost": {Running: 1}}}).Client()
		for name, hint := range map[string]string{"mail-host": `did you mean "mailhost"? Else add it to Config.Limits`, "x": "add it to Config.Limits"} {
			_, err := job.Enqueue(t.Context(), c, resize, 1, job.Limit(name, ""))
			wantFault(t, err, fault.Invalid, false, `job: enqueue "resize": limit "`+name+`" is not one of Config.Limits`, hint)
		}
	})
}

func TestUniqueWithoutAKeyIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		_, err := job.Enqueue(t.Context(), c, resize, 1, job.Unique(job.Done))
		wantFault(t, err, fault.Invalid, false, "Unique is said of a job without a key", "give it a Key")
		keyed := resize.Keyed(func(int) string { return "k" })
		if _, err := job.Enqueue(t.Context(), c, keyed, 1, job.Unique(job.Done)); err != nil {
			t.Error(err)
		}
	})
}

func TestAKeyIsHeldInTheStatesThatUniqueSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		end := map[job.State]func(*job.Lease) error{
			job.Done: func(l *job.Lease) error { return l.Complete(t.Context(), nil) },
			job.Dead: func(l *job.Lease) error { return l.Fail(t.Context(), fault.Permanent(errEnough)) },
			job.Cancelled: func(l *job.Lease) error {
				_, err := c.Cancel(t.Context(), l.ID())
				return errOr(err, l.Fail(t.Context(), errEnough))
			},
		}
		for state, end := range end {
			for _, held := range []bool{true, false} {
				key := job.Key(state.String())
				unique := job.Unique()
				if held {
					key, unique = job.Key("unique "+state.String()), job.Unique(state)
				}
				first := put(t, c, 1, key, unique)
				if again := put(t, c, 1, key); again != first {
					t.Errorf("two live jobs have a key")
				}
				if err := end(claim(t, s)); err != nil {
					t.Fatal(err)
				}
				wantState(t, c, first, state)
				if again := put(t, c, 1, key, job.Delay(time.Hour)); (again == first) != held {
					t.Errorf("%v, unique %v: job %v, then %v", state, held, first, again)
				}
			}
		}
	})
}

func errOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestADeadlineThatHasPassedIsToldAtTheCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		_, err := job.Enqueue(t.Context(), c, resize, 1, job.Deadline(time.Now().Add(-time.Second)))
		wantFault(t, err, fault.Deadline, false, `job: enqueue "resize": the job's deadline has passed`)
		if n, err := c.Counts(t.Context(), ""); err != nil || n != (job.Counts{}) {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestAStatusTellsWhatTheOptionsSaid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		conf := job.Config{Limits: map[string]job.LimitConfig{"api": {Running: 1}}}
		owner := open(t, log, conf)
		c := owner.Client()
		deadline := time.Now().Add(time.Hour).Add(999 * time.Nanosecond)
		id := put(t, c, 1, job.Group("acme"), job.Limit("api", "host 1"), job.Timeout(time.Minute+1), job.Deadline(deadline), job.Tags("b", "a", "b"))
		claim(t, session(t, c))
		check := func(s job.Status) {
			t.Helper()
			if s.Group != "acme" || s.Limit != "api" || s.LimitKey != "host 1" || !slices.Equal(s.Tags, []string{"a", "b"}) {
				t.Errorf("%+v", s)
			}
			if s.Timeout != time.Minute+time.Microsecond || !s.Deadline.Equal(deadline.Truncate(time.Microsecond)) {
				t.Errorf("timeout %v, deadline %v, of %v", s.Timeout, s.Deadline, deadline)
			}
			if s.Parent != 0 || s.Attached || s.Schedule != "" || !s.Tick.IsZero() || s.Error != nil || s.Epoch != 1 {
				t.Errorf("%+v", s)
			}
		}
		s := wantState(t, c, id, job.Running)
		check(s)
		if s.Session != "tester" {
			t.Errorf("session %q works on it", s.Session)
		}
		shut(t, owner)
		s = wantState(t, open(t, log, conf).Client(), id, job.Ready)
		check(s)
		if s.Session != "" {
			t.Errorf("session %q works on it", s.Session)
		}
	})
}

func TestAStatusTellsWhyAJobIsDeadOrCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		id := put(t, c, 1)
		if err := claim(t, s).Fail(t.Context(), fault.Permanent(errEnough)); err != nil {
			t.Fatal(err)
		}
		if err := wantState(t, c, id, job.Dead).Error; err == nil || err.Error() != "enough" || fault.Retryable(err) {
			t.Errorf("got %v", err)
		}
		id = put(t, c, 1)
		if _, err := c.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		wantFault(t, wantState(t, c, id, job.Cancelled).Error, fault.Cancelled, false, "the job was cancelled")
		id = put(t, c, 1, job.Deadline(time.Now().Add(time.Minute)))
		time.Sleep(2 * time.Minute)
		wantFault(t, wantState(t, c, id, job.Dead).Error, fault.Deadline, false)
	})
}

// limited opens an owner that lets one job of each key of limit "api" be claimed.
func limited(t *testing.T, log job.Log) *job.Owner {
	t.Helper()
	return open(t, log, job.Config{Limits: map[string]job.LimitConfig{"api": {Running: 1}}})
}

// A limit of one was exceeded eleven-fold elsewhere (solid_queue#761): a worker
// that was late was taken for dead, its job given to another, and then each end
// freed a place of the limit, the late one's as well.
func TestALimitIsNotExceededElevenFold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := limited(t, jobtest.NewMemory()).Client()
		for range 20 {
			put(t, c, 1, job.Limit("api", "acme"))
		}
		var late []*job.Lease
		for range 11 {
			s := session(t, c)
			late = append(late, claim(t, s))
			other := session(t, c)
			none(t, other)
			if err := s.Close(t.Context()); err != nil { // it is taken for dead
				t.Fatal(err)
			}
			now := claim(t, other)
			for _, l := range late { // they say that they are done, in every way there is
				for _, err := range []error{l.Complete(t.Context(), nil), l.Return(t.Context()), l.Fail(t.Context(), errEnough)} {
					wantFault(t, err, fault.Fenced, false)
				}
			}
			none(t, session(t, c))
			if n, err := c.Counts(t.Context(), ""); err != nil || n.Running != 1 {
				t.Fatalf("%+v, %v", n, err)
			}
			if err := now.Complete(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestALimitHoldsThroughATakeover(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		first := limited(t, log)
		for range 3 {
			put(t, first.Client(), 1, job.Limit("api", "acme"))
		}
		put(t, first.Client(), 1, job.Limit("api", "other"))
		s := session(t, first.Client())
		claim(t, s)
		if l := claim(t, s); l.ID() != 4 {
			t.Errorf("got job %v", l.ID())
		}
		second := limited(t, log)
		s = session(t, second.Client())
		l, err := s.Claim(t.Context(), 10, job.Filter{})
		if err != nil || len(l) != 2 {
			t.Errorf("%d jobs were claimed, %v", len(l), err)
		}
		none(t, session(t, second.Client()))
	})
}

func TestARateSpreadsClaims(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{
			Queues: map[string]job.QueueConfig{"mail": {Rate: job.Rate{Every: 10 * time.Second, Burst: 3}}},
		}).Client()
		s := session(t, c)
		for range 6 {
			put(t, c, 1, job.Queue("mail"))
		}
		began := time.Now()
		for i := range 6 {
			claim(t, s)
			want := time.Duration(max(i-2, 0)) * 10 * time.Second
			if took := time.Since(began); took < want || took > want+time.Second {
				t.Errorf("claim %d came after %v, want %v", i, took, want)
			}
		}
	})
}

func TestAJobThatWaitsForItsLimitHoldsNobodyUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := limited(t, jobtest.NewMemory()).Client()
		s := session(t, c)
		for range 3 {
			put(t, c, 1, job.Limit("api", "slow.example"), job.Priority(100))
		}
		claim(t, s)
		for _, opt := range []job.Option{job.Limit("api", "quick.example"), job.Priority(-100)} {
			if id := put(t, c, 1, opt); claim(t, s).ID() != id {
				t.Errorf("job %v was held up", id)
			}
		}
		none(t, s)
	})
}

func TestALimitThatTheConfigHasNoLongerHoldsNobodyBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := jobtest.NewMemory()
		first := limited(t, log)
		for range 3 {
			put(t, first.Client(), 1, job.Limit("api", "acme"))
		}
		claim(t, session(t, first.Client()))
		none(t, session(t, first.Client()))
		shut(t, first)
		s := session(t, open(t, log, job.Config{}).Client())
		for range 3 {
			claim(t, s)
		}
	})
}
