package state_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func capped(limit, key string) func(*state.Spec) {
	return func(p *state.Spec) { p.Limit, p.LimitKey = limit, key }
}

func queued(name string) func(*state.Spec) {
	return func(p *state.Spec) { p.Queue = name }
}

// all claims what there is to claim, and returns how many jobs that are.
func (x *shard) all(session uint64) (n int) {
	x.Helper()
	for {
		if _, ok := x.Pick(state.Filter{}); !ok {
			return n
		}
		x.claim(session)
		n++
	}
}

// complete ends a job that is running.
func (x *shard) complete(job uint64) {
	x.Helper()
	i := x.is(job, state.Running)
	x.do(state.AppendComplete(nil, i.Session, job, i.Epoch, nil))
}

// nothing holds that there is nothing to claim, and that a job which is ready is
// refused who claims it all the same.
func (x *shard) nothing(session, job uint64) {
	x.Helper()
	if got, ok := x.Pick(state.Filter{}); ok {
		x.Fatalf("job %d may be claimed", got)
	}
	x.refuses(state.ErrLimited, state.AppendClaim(nil, session, job))
}

// opens holds that a claim is given a job next after so long, and not sooner.
func (x *shard) opens(session, job uint64, after int64) {
	x.Helper()
	if at, ok := x.NextOpen(); !ok || at != x.Now()+after {
		x.Fatalf("a claim is to wait for %d (%v), not %d", at-x.Now(), ok, after)
	}
	x.nothing(session, job)
	x.pass(after - 1)
	x.nothing(session, job)
	x.pass(1)
	if got, _ := x.claim(session); got != job {
		x.Fatalf("job %d is given, not %d", got, job)
	}
}

func TestAQueueRunsAsManyJobsAsItMay(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendQueue(nil, "q", state.Queue{Running: 2}))
	s := x.session()
	x.enqueueMany(4)
	other := x.enqueue(queued("p"))
	if n := x.all(s); n != 3 {
		t.Fatalf("%d claimed", n)
	}
	x.is(other, state.Running)
	x.nothing(s, 3)
	if _, ok := x.NextOpen(); ok {
		t.Error("time alone lets another be claimed")
	}
	x.complete(2)
	if job, _ := x.claim(s); job != 3 {
		t.Errorf("job %d comes next", job)
	}
	x.nothing(s, 4)
	x.do(state.AppendQueue(nil, "q", state.Queue{Running: 3}))
	x.claim(s)
	x.do(state.AppendQueue(nil, "q", state.Queue{Running: 1})) // what runs may
	x.enqueue()
	x.complete(1)
	x.complete(3)
	x.nothing(s, 6)
	x.complete(4)
	x.claim(s)
}

func TestAQueuesRateLetsABurstGoAndThenOneEachInterval(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendQueue(nil, "q", state.Queue{Rate: state.Rate{Interval: 10 * second, Burst: 3}}))
	s := x.session()
	x.enqueueMany(20)
	if n := x.all(s); n != 3 {
		t.Fatalf("a burst of %d", n)
	}
	x.opens(s, 4, 10*second)
	x.pass(4 * second) // not lost
	x.opens(s, 5, 6*second)
	x.pass(25 * second)
	if n := x.all(s); n != 2 {
		t.Fatalf("%d after two and a half intervals", n)
	}
	x.opens(s, 8, 5*second)
	x.pass(1000 * second) // no more than a burst is saved up
	if n := x.all(s); n != 3 {
		t.Fatalf("a burst of %d", n)
	}
	x.end(s) // what ends gives nothing back
	x.opens(s, 12, 10*second)
}

func TestAReturnedJobHasHadItsRate(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendQueue(nil, "q", state.Queue{Rate: state.Rate{Interval: second, Burst: 1}}))
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: state.Rate{Interval: 5 * second, Burst: 1}}))
	s := x.session()
	for _, which := range []func(*state.Spec){func(*state.Spec) {}, func(p *state.Spec) { p.Queue, p.Limit = "p", "l" }} {
		job := x.enqueue(which)
		_, epoch := x.claim(s)
		x.do(state.AppendReturn(nil, s, job, epoch))
		x.nothing(s, job)
		x.pass(5 * second)
		x.claim(s)
	}
}

func TestAPausedQueueGivesNothingAndKeepsItsOrder(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	first, later := x.enqueue(), x.enqueue(func(p *state.Spec) { p.RunAt = x.Now() + second })
	x.do(state.AppendPause(nil, "q", true))
	x.nothing(s, first)
	x.pass(2 * second)
	x.is(later, state.Ready)
	elsewhere := x.enqueue(queued("p"))
	if n := x.all(s); n != 1 {
		t.Fatalf("%d claimed", n)
	}
	x.complete(elsewhere) // what runs goes on
	x.do(state.AppendPause(nil, "q", true))
	x.do(state.AppendPause(nil, "q", false))
	if a, _ := x.claim(s); a != first {
		t.Errorf("job %d comes first", a)
	}
	if b, _ := x.claim(s); b != later {
		t.Errorf("job %d comes second", b)
	}
}

func TestAQueueIsPausedThoughItHasNoJobs(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendPause(nil, "q", true))
	x.pass(second)
	s, job := x.session(), x.enqueue()
	x.nothing(s, job)
	if q := x.QueueInfos("", 9); len(q) != 1 || q[0].Name != "q" || !q[0].Paused {
		t.Errorf("%+v", q)
	}
}

func TestALimitIsOfEachKeyByItselfAcrossTasksQueuesAndGroups(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "host", state.Limit{Running: 2}))
	s := x.session()
	for i := range 8 {
		x.enqueue(capped("host", "a"), task(fmt.Sprint("t", i%2)), queued(fmt.Sprint("q", i%3)), of(fmt.Sprint("g", i%4)))
	}
	b := x.enqueue(capped("host", "b"))
	none := x.enqueue(capped("host", ""))
	free := x.enqueue()
	if n := x.all(s); n != 5 {
		t.Fatalf("%d claimed", n)
	}
	for _, id := range []uint64{b, none, free} {
		x.is(id, state.Running)
	}
	for _, job := range x.Running(s) {
		if job >= b {
			continue
		}
		x.complete(job)
		if next, _ := x.claim(s); next >= b {
			t.Errorf("job %d comes after job %d", next, job)
		}
		x.nothing(s, 8)
	}
}

// Elsewhere a thousand jobs of a key whose limit is reached stand before all
// others, and the queue stands still.
func TestAKeyWhoseLimitIsReachedKeepsNobodyElseWaiting(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "host", state.Limit{Running: 1}))
	s := x.session()
	x.enqueueMany(300, capped("host", "poison"), func(p *state.Spec) { p.Priority = 9 })
	x.pass(second)
	fine := x.enqueue(capped("host", "fine"))
	if job, _ := x.claim(s); job != 1 {
		t.Fatalf("job %d comes first", job)
	}
	if job, _ := x.claim(s); job != fine {
		t.Fatalf("job %d comes second", job)
	}
	x.nothing(s, 2)
}

func TestThePriorityOfAKeysJobsIsKept(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1}))
	s := x.session()
	low, plain := x.enqueue(capped("l", "k")), x.enqueue(capped("l", "k"))
	high := x.enqueue(capped("l", "k"), func(p *state.Spec) { p.Priority = 1 })
	for _, want := range []uint64{high, low, plain} {
		job, _ := x.claim(s)
		if job != want {
			t.Fatalf("job %d comes, not %d", job, want)
		}
		x.complete(job)
	}
}

// Elsewhere eleven ran where one was allowed.
func TestALimitOfOneIsNeverExceededHoweverAttemptsEnd(t *testing.T) {
	ways := map[string]func(x *shard, i state.Info){
		"complete": func(x *shard, i state.Info) { x.complete(i.ID) },
		"return":   func(x *shard, i state.Info) { x.do(state.AppendReturn(nil, i.Session, i.ID, i.Epoch)) },
		"fail": func(x *shard, i state.Info) {
			x.do(state.AppendFail(nil, i.Session, i.ID, i.Epoch, state.Failure{After: -1}))
			x.pass(10 * second)
		},
		"cancel and fail": func(x *shard, i state.Info) {
			x.do(state.AppendCancel(nil, i.ID, nil))
			x.do(state.AppendFail(nil, i.Session, i.ID, i.Epoch, state.Failure{}))
		},
		"lost":     func(x *shard, i state.Info) { x.do(state.AppendSessionEnd(nil, i.Session)) },
		"takeover": func(x *shard, _ state.Info) { x.do(state.AppendTakeover(nil)) },
		"cancelled": func(x *shard, i state.Info) {
			x.do(state.AppendCancel(nil, i.ID, nil))
			x.do(state.AppendTakeover(nil))
		},
	}
	for first, a := range ways {
		for second, b := range ways {
			t.Run(first+", "+second, func(t *testing.T) {
				x := open(t, roomy)
				x.do(state.AppendLimit(nil, "one", state.Limit{Running: 1}))
				x.enqueueMany(5, capped("one", "k"))
				for _, end := range []func(*shard, state.Info){a, b, a} {
					s := x.session()
					job, _ := x.claim(s)
					other := job%5 + 1
					for x.Counts().Running == 1 {
						if i, _ := x.Job(other); i.Status == state.Ready {
							x.nothing(x.session(), other)
							break
						}
						other = other%5 + 1
					}
					end(x, x.is(job, state.Running))
					if n := x.Counts().Running; n != 0 {
						t.Fatalf("%d run", n)
					}
				}
			})
		}
	}
}

func TestALimitIsRaisedLoweredAndRemovedWhileJobsWait(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1}))
	s := x.session()
	x.enqueueMany(10, capped("l", "k"))
	if n := x.all(s); n != 1 {
		t.Fatalf("%d claimed", n)
	}
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 3}))
	if n := x.all(s); n != 2 {
		t.Fatalf("%d claimed after it was raised", n)
	}
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 2}))
	x.complete(1)
	x.nothing(s, 4)
	x.complete(2)
	x.claim(s)
	x.do(state.AppendLimit(nil, "l", state.Limit{}))
	if n := x.all(s); n != 6 {
		t.Fatalf("%d claimed after it was removed", n)
	}
	x.enqueue(capped("l", "k"))
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1})) // those that run count, though they began without it
	x.nothing(s, 11)
}

func TestALimitThatIsNotThereAllowsEverything(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(5, capped("l", "k"))
	if n := x.all(s); n != 5 {
		t.Fatalf("%d claimed", n)
	}
	if i := x.is(1, state.Running); i.Limit != "l" || i.LimitKey != "k" {
		t.Errorf("%+v", i)
	}
}

func TestALimitsRateIsOfEachKeyByItself(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: state.Rate{Interval: 10 * second, Burst: 2}}))
	s := x.session()
	x.enqueueMany(6, capped("l", "a"))
	if n := x.all(s); n != 2 {
		t.Fatalf("a burst of %d", n)
	}
	x.pass(3 * second)
	b := x.enqueue(capped("l", "b"))
	x.claim(s)
	x.is(b, state.Running)
	x.opens(s, 3, 7*second)
	x.opens(s, 4, 10*second)
}

// Who comes again when nobody is there any more has not got a new rate.
func TestARateIsRememberedWhileNoJobOfItsKeyIsThere(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: state.Rate{Interval: 10 * second, Burst: 2}}))
	s := x.session()
	brief := func(p *state.Spec) { p.Keep = 0 }
	for range 2 {
		job := x.enqueue(capped("l", "k"), brief)
		x.claim(s)
		x.complete(job)
		x.gone(job)
	}
	x.pass(second)
	x.opens(s, x.enqueue(capped("l", "k"), brief), 9*second)
	x.complete(3)
	if n := x.Remembered().Gates; n != 1 {
		t.Errorf("%d keys are remembered", n)
	}
	x.pass(20 * second)
	if r := x.Remembered(); r.Gates+r.GateTimes != 0 {
		t.Errorf("a key that owes nothing is remembered: %+v", r)
	}
}

func TestARateGoesOnWhenItsLimitIsReached(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1, Rate: state.Rate{Interval: 10 * second, Burst: 1}}))
	s := x.session()
	x.enqueueMany(4, capped("l", "k"))
	x.claim(s)
	x.pass(4 * second)
	x.complete(1)
	x.opens(s, 2, 6*second)
	x.pass(15 * second) // by its rate the next could go, but one runs
	x.nothing(s, 3)
	x.complete(2)
	x.claim(s)
	x.complete(3)
	x.opens(s, 4, 10*second)
}

func TestARateThatIsRemovedOwesNothing(t *testing.T) {
	x := open(t, roomy)
	day := state.Rate{Interval: 86400 * second, Burst: 1}
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: day}))
	x.do(state.AppendQueue(nil, "p", state.Queue{Rate: day}))
	s := x.session()
	x.enqueueMany(3, capped("l", "k"))
	x.enqueueMany(3, queued("p"))
	x.all(s)
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 10}))
	x.do(state.AppendQueue(nil, "p", state.Queue{Running: 10}))
	if n := x.all(s); n != 4 {
		t.Errorf("%d claimed", n)
	}
}

func TestARateThatIsChangedOwesNoMoreThanTheNewOneCan(t *testing.T) {
	x := open(t, roomy)
	day := state.Rate{Interval: 86400 * second, Burst: 100}
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: day}))
	x.do(state.AppendQueue(nil, "p", state.Queue{Rate: day}))
	s := x.session()
	x.enqueueMany(110, capped("l", "k"))
	x.enqueueMany(110, queued("p"))
	if n := x.all(s); n != 200 {
		t.Fatalf("bursts of %d", n)
	}
	each := state.Rate{Interval: second, Burst: 3}
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: each}))
	x.do(state.AppendQueue(nil, "p", state.Queue{Rate: each}))
	x.pass(second)
	if n := x.all(s); n != 2 {
		t.Errorf("%d claimed after the new interval", n)
	}
	x.pass(10 * second)
	if n := x.all(s); n != 6 {
		t.Errorf("%d claimed after the new burst", n)
	}
}

func TestAtTheEndOfTimeARateCanBeRestored(t *testing.T) {
	x := open(t, roomy)
	r := state.Rate{Interval: second, Burst: 1}
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: r}))
	x.do(state.AppendQueue(nil, "p", state.Queue{Rate: r}))
	x.Begin(state.MaxTime)
	s := x.session()
	x.enqueueMany(2, capped("l", "k"))
	x.enqueueMany(2, queued("p"))
	x.all(s)
	x.restored()
}

// restored is x as a snapshot gives it.
func (x *shard) restored() *shard {
	x.Helper()
	r, p := state.NewRestore(), x.Snapshot()
	for {
		page, more := p.Next(nil, 1<<20)
		if !more {
			break
		}
		if err := r.Page(page); err != nil {
			x.Fatal(err)
		}
	}
	s, err := r.State()
	if err != nil {
		x.Fatal(err)
	}
	y := &shard{T: x.T, State: s}
	y.sound()
	if string(y.AppendCanonical(nil)) != string(x.AppendCanonical(nil)) {
		x.Fatal("the restored state is another one")
	}
	return y
}

func TestWhatIsToBeKnownOfAKeysRateTakesMemoryOnce(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Rate: state.Rate{Interval: 86 * second, Burst: 1000}}))
	s := x.session()
	for range 500 {
		job := x.enqueue(capped("l", "k"), func(p *state.Spec) { p.Keep = 0 })
		x.claim(s)
		x.complete(job)
	}
	if r := x.Remembered(); r.GateTimes > 100 {
		t.Errorf("%+v", r)
	}
}

func TestLimitsThatAreWrongAreRefused(t *testing.T) {
	x := open(t, roomy)
	for _, l := range []state.Limit{
		{Running: -1},
		{Rate: state.Rate{Interval: second}},
		{Rate: state.Rate{Burst: 1}},
		{Rate: state.Rate{Interval: -second, Burst: 1}},
		{Rate: state.Rate{Interval: second, Burst: -1}},
		{Rate: state.Rate{Interval: state.MaxDelay, Burst: 2}},
		{Rate: state.Rate{Interval: second, Burst: 1 << 40}},
	} {
		x.refuses(state.ErrMalformed, state.AppendLimit(nil, "l", l))
		x.refuses(state.ErrMalformed, state.AppendQueue(nil, "q", state.Queue{Running: l.Running, Rate: l.Rate}))
	}
	x.refuses(state.ErrMalformed, state.AppendLimit(nil, "", state.Limit{Running: 1}))
	x.refuses(state.ErrMalformed, state.AppendPause(nil, "", true))
	x.refuses(state.ErrMalformed, state.AppendWeight(nil, "g", state.MaxWeight+1))
}
