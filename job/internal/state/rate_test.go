package state_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

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
