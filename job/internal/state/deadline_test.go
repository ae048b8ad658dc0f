package state_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// until gives a job so long to be begun with.
func (x *shard) until(d int64) func(*state.Spec) {
	at := x.Now() + d
	return func(p *state.Spec) { p.Deadline = at }
}

func (x *shard) expired(job uint64) {
	x.Helper()
	if i := x.is(job, state.Dead); i.Cause != state.CauseDeadline || len(i.Failures) == 0 || i.Detail != nil {
		x.Fatalf("job %d: %+v", job, i)
	}
}

func TestNoAttemptBeginsAfterTheDeadline(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.do(state.AppendPause(nil, "paused", true))
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1}))
	x.run(s, capped("l", "k"))
	waits := []uint64{
		x.enqueue(x.until(5 * second)),
		x.enqueue(x.until(5*second), queued("paused")),
		x.enqueue(x.until(5*second), capped("l", "k")),
		x.enqueue(x.until(5*second), func(p *state.Spec) { p.RunAt = x.Now() + 5*second }),
		x.enqueue(x.until(5*second), func(p *state.Spec) { p.RunAt = x.Now() + 9*second }),
	}
	x.pass(5*second - 1)
	x.is(waits[0], state.Ready)
	x.pass(1)
	for _, id := range waits {
		x.expired(id)
	}
	if at, ok := x.NextDue(); !ok || at != x.Now()+600*second {
		t.Errorf("something is due in %d (%v)", at-x.Now(), ok)
	}
	x.refuses(state.ErrLate, state.AppendEnqueue(nil, spec(), spec(x.until(0))))
}

func TestAnAttemptThatWentOnPastTheDeadlineIsTheLastUnlessItIsDone(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(x *shard, i state.Info)
		want  state.Status
		cause state.Cause
	}{
		"done":      {func(x *shard, i state.Info) { x.complete(i.ID) }, state.Done, state.CauseNone},
		"failed":    {func(x *shard, i state.Info) { x.fail(i) }, state.Dead, state.CauseFailed},
		"lost":      {func(x *shard, i state.Info) { x.do(state.AppendSessionEnd(nil, i.Session)) }, state.Dead, state.CauseLost},
		"returned":  {func(x *shard, i state.Info) { x.do(state.AppendReturn(nil, i.Session, i.ID, i.Epoch)) }, state.Dead, state.CauseDeadline},
		"cancelled": {func(x *shard, i state.Info) { x.do(state.AppendCancel(nil, i.ID, nil)); x.fail(i) }, state.Cancelled, state.CauseAsked},
	} {
		x := open(t, roomy)
		i := x.run(x.session(), x.until(5*second))
		x.pass(9 * second)
		x.is(i.ID, state.Running)
		c.end(x, i)
		if got := x.is(i.ID, c.want); got.Cause != c.cause {
			t.Errorf("%s: cause %d, not %d", name, got.Cause, c.cause)
		}
	}
}

func TestAJobThatWouldBeTriedAgainAfterItsDeadlineIsDeadAtOnce(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	a, b := x.run(s, x.until(10*second)), x.run(s, x.until(10*second))
	x.do(state.AppendFail(nil, s, a.ID, a.Epoch, state.Failure{After: 10 * second, Error: "no"}))
	if i := x.is(a.ID, state.Dead); i.Cause != state.CauseFailed {
		t.Errorf("%+v", i)
	}
	x.do(state.AppendFail(nil, s, b.ID, b.Epoch, state.Failure{After: 10*second - 1}))
	x.pass(10*second - 1)
	x.is(b.ID, state.Ready)
	x.pass(1)
	x.expired(b.ID)
}

func TestARevivedJobKeepsADeadlineThatIsToComeAndHasNoneThatHasPassed(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	late := x.enqueue(x.until(5 * second))
	x.pass(5 * second)
	x.do(state.AppendRevive(nil, late))
	if i := x.is(late, state.Ready); i.Deadline != 0 || i.Cause != state.CauseNone {
		t.Errorf("%+v", i)
	}
	x.complete(x.again(s, state.Info{ID: late}).ID)
	soon := x.run(s, x.until(5*second))
	x.do(state.AppendFail(nil, s, soon.ID, soon.Epoch, state.Failure{Permanent: true}))
	x.do(state.AppendRevive(nil, soon.ID))
	x = x.restored()
	x.pass(5 * second)
	x.expired(soon.ID)
}

func TestADeadlineEndsWhatTheJobHadBegun(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s, x.until(5*second))
	child := x.enqueue(keyed(p, "k"))
	x.do(state.AppendReturn(nil, s, p.ID, p.Epoch))
	x.pass(5 * second)
	x.expired(p.ID)
	x.cancelled(child, state.CauseScope)
}

func TestThousandsOfDeadlinesAtOnceAreAllHeld(t *testing.T) {
	l := roomy
	l.Jobs, l.Buried = 10_000, 10_000
	x := open(t, l)
	s := x.session()
	for range 10 {
		specs := make([]state.Spec, 500)
		for i := range specs {
			specs[i] = spec(x.until(second))
			if i%2 == 0 {
				specs[i].RunAt = x.Now() + second
			}
		}
		x.do(state.AppendEnqueue(nil, specs...))
	}
	x.Begin(x.Now() + second)
	if job, ok := x.Pick(state.Filter{}); ok {
		err := x.Apply(state.AppendClaim(nil, s, job), nil)
		t.Errorf("job %d is given after its deadline (%v)", job, err)
	}
	x.pass(0)
	if c := x.Counts(); c.Dead != 5000 {
		t.Errorf("%+v", c)
	}
}

// Enqueues that are refused leave nothing that those after them pay for.
func TestDeadlinesOfRefusedEnqueuesAreForgotten(t *testing.T) {
	l := roomy
	l.Jobs = 300
	x := open(t, l)
	for range 20 {
		specs := make([]state.Spec, 301)
		for i := range specs {
			specs[i] = spec(x.until(1000 * second))
		}
		if err := x.Apply(state.AppendEnqueue(nil, specs...), nil); err == nil {
			t.Fatal("there is room")
		}
		x.enqueueMany(10)
		x.enqueue(x.until(1000 * second))
	}
	if n := x.Remembered().Deadlines; n > 2*20+64 {
		t.Errorf("%d timers, of 20 jobs", n)
	}
}

// Those that have ended leave their timers, which are cleared away now and then. The job
// that is entered at that moment keeps its own: else a replay, which clears away at
// another, ends it and the owner does not.
func TestNoDeadlineIsLostWhenThoseOfJobsThatHaveEndedAreClearedAway(t *testing.T) {
	x := open(t, roomy)
	w := x.session()
	var late []uint64
	for range 100 {
		for range 3 {
			x.complete(x.run(w, x.until(500*second)).ID)
		}
		dead := x.run(w, x.until(500*second), func(p *state.Spec) { p.Attempts, p.Bury = 1, 3600*second })
		x.fail(dead)
		x.do(state.AppendRevive(nil, dead.ID))
		x.do(state.AppendCancel(nil, dead.ID, nil))
		late = append(late, x.enqueue(x.until(500*second), func(p *state.Spec) { p.RunAt = x.Now() + 499*second }))
	}
	x.pass(600 * second)
	for _, id := range late {
		x.expired(id)
	}
}
