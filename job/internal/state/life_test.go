package state_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func TestJobGoesFromEnqueueToDoneAndIsForgotten(t *testing.T) {
	x := open(t, roomy)
	id, s := x.enqueue(), x.session()
	x.is(id, state.Ready)
	job, epoch := x.claim(s)
	if i := x.is(job, state.Running); i.Session != s || i.Epoch != 1 || i.Attempt != 1 {
		t.Fatalf("got %+v", i)
	}
	x.do(state.AppendComplete(nil, s, job, epoch, []byte("out")))
	if i := x.is(id, state.Done); string(i.Result) != "out" || i.Input != nil {
		t.Fatalf("got %+v", i)
	}
	x.pass(60*second - 1)
	x.is(id, state.Done)
	x.pass(1)
	x.gone(id)
	x.refuses(state.ErrForgotten, state.AppendCancel(nil, id, nil))
	x.refuses(state.ErrNoJob, state.AppendCancel(nil, id+1, nil))
}

func TestEndedJobCannotEndAgain(t *testing.T) {
	x := open(t, roomy)
	id, s := x.enqueue(), x.session()
	_, epoch := x.claim(s)
	x.do(state.AppendComplete(nil, s, id, epoch, nil))
	x.refuses(state.ErrEnded, state.AppendComplete(nil, s, id, epoch, nil))
	x.refuses(state.ErrEnded, state.AppendFail(nil, s, id, epoch, state.Failure{}))
	x.refuses(state.ErrEnded, state.AppendCancel(nil, id, nil))
	x.refuses(state.ErrNotDead, state.AppendRevive(nil, id))
}

func TestOnlyTheNewestClaimCounts(t *testing.T) {
	x := open(t, roomy)
	id, a, b := x.enqueue(), x.session(), x.session()
	_, old := x.claim(a)
	x.do(state.AppendSessionEnd(nil, a))
	x.is(id, state.Ready)
	_, epoch := x.claim(b)
	if epoch != old+1 {
		t.Fatalf("epoch %d follows %d", epoch, old)
	}
	x.refuses(state.ErrFenced, state.AppendComplete(nil, a, id, old, nil))
	x.refuses(state.ErrFenced, state.AppendComplete(nil, b, id, old, nil))
	x.refuses(state.ErrFenced, state.AppendComplete(nil, a, id, epoch, nil))
	x.do(state.AppendComplete(nil, b, id, epoch, nil))
}

func TestFailedJobWaitsLongerEachTimeAndIsDeadAfterItsLastAttempt(t *testing.T) {
	x := open(t, roomy)
	id, s := x.enqueue(), x.session()
	for attempt := 1; attempt <= 2; attempt++ {
		_, epoch := x.claim(s)
		x.do(state.AppendFail(nil, s, id, epoch, state.Failure{After: -1, Error: fmt.Sprint("no ", attempt)}))
		wait := x.is(id, state.Scheduled).Due - x.Now()
		if most := int64(attempt) * second; wait > most || wait < most*3/4 {
			t.Fatalf("after attempt %d it waits %d", attempt, wait)
		}
		x.pass(wait - 1)
		x.is(id, state.Scheduled)
		x.pass(1)
		x.is(id, state.Ready)
	}
	_, epoch := x.claim(s)
	x.do(state.AppendFail(nil, s, id, epoch, state.Failure{After: -1, Error: "no 3"}))
	i := x.is(id, state.Dead)
	if len(i.Failures) != 3 || i.Failures[0].Error != "no 1" || i.Failures[2].Epoch != 3 || string(i.Input) != "in" {
		t.Fatalf("got %+v", i)
	}
	x.do(state.AppendRevive(nil, id))
	if i := x.is(id, state.Ready); i.Attempt != 0 || i.Epoch != 3 || len(i.Failures) != 3 {
		t.Fatalf("got %+v", i)
	}
}

// Those that failed together, as when a service is down, do not come back together.
func TestJobsThatFailTogetherAreDueAtDifferentTimes(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	const n = 100
	due := make(map[int64]bool)
	for range n {
		id := x.enqueue()
		_, epoch := x.claim(s)
		x.do(state.AppendFail(nil, s, id, epoch, state.Failure{After: -1}))
		wait := x.is(id, state.Scheduled).Due - x.Now()
		if wait > second || wait < second*3/4 {
			t.Errorf("job %d waits %d", id, wait)
		}
		due[wait] = true
	}
	if len(due) < n/2 {
		t.Errorf("%d jobs wait %d different times", n, len(due))
	}
}

func TestPermanentFailureIsDeadAtOnceAndRetryAfterIsHeard(t *testing.T) {
	x := open(t, roomy)
	a, s := x.enqueue(), x.session()
	_, epoch := x.claim(s)
	x.do(state.AppendFail(nil, s, a, epoch, state.Failure{After: 7 * second}))
	if i := x.is(a, state.Scheduled); i.Due != x.Now()+7*second {
		t.Fatalf("due in %d", i.Due-x.Now())
	}
	b := x.enqueue()
	_, epoch = x.claim(s)
	x.do(state.AppendFail(nil, s, b, epoch, state.Failure{Permanent: true}))
	x.is(b, state.Dead)
	x.pass(600 * second)
	x.gone(b)
}

func TestOnlyTheNewestFailuresAreKept(t *testing.T) {
	x := open(t, roomy)
	id, s := x.enqueue(func(p *state.Spec) { p.Attempts = 100 }), x.session()
	for n := range 20 {
		_, epoch := x.claim(s)
		x.do(state.AppendFail(nil, s, id, epoch, state.Failure{Error: fmt.Sprint(n)}))
	}
	f := x.is(id, state.Ready).Failures
	if len(f) != 8 || f[0].Error != "12" || f[7].Error != "19" {
		t.Fatalf("got %+v", f)
	}
}

func TestCancelledJobIsNeverClaimedAndARunningOneEndsWithItsAttempt(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	waits := x.enqueue()
	x.do(state.AppendCancel(nil, waits, nil))
	x.is(waits, state.Cancelled)
	x.refuses(state.ErrNotReady, state.AppendClaim(nil, s, waits))
	later := x.enqueue(func(p *state.Spec) { p.RunAt = x.Now() + second })
	x.do(state.AppendCancel(nil, later, nil))
	x.pass(2 * second)
	if _, ok := x.Pick(state.Filter{}); ok {
		t.Fatal("a cancelled job is ready")
	}
	ends := map[string]func(job uint64, epoch uint32) []byte{
		"fail":   func(j uint64, e uint32) []byte { return state.AppendFail(nil, s, j, e, state.Failure{}) },
		"return": func(j uint64, e uint32) []byte { return state.AppendReturn(nil, s, j, e) },
	}
	for name, end := range ends {
		id := x.enqueue()
		_, epoch := x.claim(s)
		if x.do(state.AppendCancel(nil, id, nil)).Status != state.Running || !x.is(id, state.Running).Cancel {
			t.Fatal("it is not marked")
		}
		x.do(end(id, epoch))
		if i := x.is(id, state.Cancelled); i.Cancel {
			t.Fatalf("after %s: %+v", name, i)
		}
	}
	id := x.enqueue()
	_, epoch := x.claim(s)
	x.do(state.AppendCancel(nil, id, nil))
	x.do(state.AppendComplete(nil, s, id, epoch, nil))
	x.is(id, state.Done)
	id = x.enqueue()
	x.claim(s)
	x.do(state.AppendCancel(nil, id, nil))
	x.do(state.AppendSessionEnd(nil, s))
	x.is(id, state.Cancelled)
}

func TestReturnedJobKeepsItsAttemptAndItsPlace(t *testing.T) {
	x := open(t, roomy)
	a, s := x.enqueue(), x.session()
	x.pass(second)
	b := x.enqueue()
	job, epoch := x.claim(s)
	x.pass(second)
	x.do(state.AppendReturn(nil, s, job, epoch))
	if i := x.is(a, state.Ready); i.Attempt != 0 {
		t.Fatalf("got %+v", i)
	}
	if first, _ := x.claim(s); first != a {
		t.Fatalf("job %d comes before %d", first, a)
	}
	if second, _ := x.claim(s); second != b {
		t.Fatal("another job than the second")
	}
}

func TestJobWhoseSessionsEndIsDeadAfterItsLastAttempt(t *testing.T) {
	x := open(t, roomy)
	id := x.enqueue()
	for n := range 3 {
		s := x.session()
		x.claim(s)
		if n == 1 {
			x.do(state.AppendTakeover(nil))
		} else {
			x.do(state.AppendSessionEnd(nil, s))
		}
		x.refuses(state.ErrNoSession, state.AppendClaim(nil, s, id))
	}
	if i := x.is(id, state.Dead); len(i.Failures) != 3 {
		t.Fatalf("got %+v", i)
	}
}

func TestOrderIsByTimeWithEachStepOfPriorityWorthAgeing(t *testing.T) {
	x := open(t, roomy)
	at := func(p int8) uint64 { return x.enqueue(func(s *state.Spec) { s.Priority = p }) }
	low, plain := at(-1), at(0)
	x.pass(59 * second)
	urgent := at(1)
	x.pass(62 * second)
	late := at(1) // 121 s after low, which is two steps above it: one second too late
	s := x.session()
	for n, want := range []uint64{urgent, plain, low, late} {
		if job, _ := x.claim(s); job != want {
			t.Fatalf("claim %d gets job %d, not %d", n+1, job, want)
		}
	}
}

func TestClaimTakesOnlyWhatItIsFor(t *testing.T) {
	x := open(t, roomy)
	x.enqueue()
	crop := x.enqueue(func(p *state.Spec) { p.Task, p.Queue = "crop", "other" })
	for _, f := range []state.Filter{{Tasks: []string{"crop"}}, {Queues: []string{"other"}}, {Tasks: []string{"x", "crop"}, Queues: []string{"other", "y"}}} {
		if job, ok := x.Pick(f); !ok || job != crop {
			t.Errorf("%+v picks %d, %v", f, job, ok)
		}
	}
	for _, f := range []state.Filter{{Tasks: []string{}}, {Tasks: []string{"crop"}, Queues: []string{"q"}}, {Queues: []string{"none"}}} {
		if job, ok := x.Pick(f); ok {
			t.Errorf("%+v picks %d", f, job)
		}
	}
}

func TestLimitsAreHeldAndSayWhichOne(t *testing.T) {
	x := open(t, state.Limits{Jobs: 4, Bytes: 10, Kept: 100, Buried: 100, KeptBytes: 1 << 40, Ageing: second})
	x.do(state.AppendQueue(nil, "small", state.Queue{Depth: 2}))
	small := func(p *state.Spec) { p.Queue = "small" }
	full := func(want state.FullError, specs ...state.Spec) {
		t.Helper()
		var got *state.FullError
		before := string(x.AppendCanonical(nil))
		if err := x.Apply(state.AppendEnqueue(nil, specs...), nil); !errors.As(err, &got) || *got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if x.sound(); string(x.AppendCanonical(nil)) != before {
			t.Fatal("it has changed the state")
		}
	}
	x.enqueue(small)
	full(state.FullError{Queue: "small", Have: 2, Limit: 2}, spec(small), spec(small))
	full(state.FullError{Queue: "small", Have: 2, Limit: 2, Never: true}, spec(), spec(small), spec(small), spec(small))
	x.enqueue(small)
	full(state.FullError{Queue: "small", Have: 2, Limit: 2}, spec(small))
	full(state.FullError{Have: 4, Limit: 4}, spec(), spec(), spec())
	full(state.FullError{Bytes: true, Have: 4, Limit: 10}, spec(func(p *state.Spec) { p.Input = make([]byte, 7) }))
	x.do(state.AppendCancel(nil, 1, nil))
	x.do(state.AppendCancel(nil, 2, nil))
	full(state.FullError{Have: 4, Limit: 4, Never: true}, spec(), spec(), spec(), spec(), spec())
	full(state.FullError{Bytes: true, Limit: 10, Never: true}, spec(func(p *state.Spec) { p.Input = make([]byte, 11) }))
	x.do(state.AppendQueue(nil, "small", state.Queue{}))
	for range 4 {
		x.enqueue(small)
	}
}

func TestOfEndedJobsThoseToBeForgottenSoonestGoFirst(t *testing.T) {
	l := roomy
	l.Kept = 2
	x := open(t, l)
	ids := []uint64{
		x.enqueue(func(p *state.Spec) { p.Keep = 30 * second }),
		x.enqueue(func(p *state.Spec) { p.Keep = 10 * second }),
		x.enqueue(func(p *state.Spec) { p.Keep = 20 * second }),
		x.enqueue(func(p *state.Spec) { p.Keep = 0 }),
	}
	for _, id := range ids {
		x.do(state.AppendCancel(nil, id, nil))
	}
	x.gone(ids[1])
	x.gone(ids[3])
	x.is(ids[0], state.Cancelled)
	x.is(ids[2], state.Cancelled)
}

func TestRepeatedRequestIsAnsweredAsBefore(t *testing.T) {
	x := open(t, roomy)
	me := x.do(state.AppendClientOpen(nil)).IDs[0]
	ask := func(n, low uint64) []byte {
		return state.AppendEnqueue(state.AppendRequest(nil, state.Request{Client: me, N: n, Low: low}), spec())
	}
	id := x.do(ask(1, 1)).IDs[0]
	before := string(x.AppendCanonical(nil))
	if out := x.do(ask(1, 1)); !out.Again || out.IDs[0] != id || string(x.AppendCanonical(nil)) != before {
		t.Fatalf("got %+v", *out)
	}
	x.refuses(state.ErrDifferent, state.AppendCancel(state.AppendRequest(nil, state.Request{Client: me, N: 1, Low: 1}), id, nil))
	x.do(ask(5, 3))
	x.refuses(state.ErrOutdated, ask(2, 1))
	x.refuses(state.ErrOpen, ask(3+state.MaxOpen, 3))
	if x.do(ask(5, 4)); !x.out.Again {
		t.Fatal("carried out twice")
	}
	x.pass(3600 * second)
	x.refuses(state.ErrOutdated, ask(6, 5)) // the client was forgotten
	me++
	x.refuses(state.ErrOutdated, ask(1, 1)) // and this one never was
	if other := x.do(state.AppendClientOpen(nil)).IDs[0]; other != me {
		t.Fatalf("client %d comes after %d", other, me-1)
	}
}

func TestTimersAreNeverEarlyAndAtMostSoManyInARecord(t *testing.T) {
	x := open(t, state.Limits{Jobs: 10000, Bytes: 1 << 20, Kept: 10, Buried: 10, KeptBytes: 1 << 40, Ageing: second})
	for range 10 {
		var specs []state.Spec
		for range 500 {
			specs = append(specs, spec(func(p *state.Spec) { p.RunAt = x.Now() + second }))
		}
		x.do(state.AppendEnqueue(nil, specs...))
	}
	x.pass(second - 1)
	if n := x.Counts().Ready; n != 0 {
		t.Fatalf("%d are early", n)
	}
	x.pass(1)
	if n := x.Counts().Ready; n != state.MaxTimers {
		t.Fatalf("%d are ready after one record", n)
	}
	if at, ok := x.NextDue(); !ok || at > x.Now() {
		t.Fatal("the rest is not due")
	}
	x.pass(0)
	if n := x.Counts().Ready; n != 5000 {
		t.Fatalf("%d are ready after two records", n)
	}
}

func TestNamesAreForgottenWithTheirLastJob(t *testing.T) {
	x := open(t, roomy)
	for n := range 1<<16 + 100 {
		one := spec(func(p *state.Spec) { p.Queue, p.Keep = fmt.Sprint("tenant ", n), 0 })
		if err := x.Apply(state.AppendEnqueue(nil, one), &x.out); err != nil {
			t.Fatalf("queue %d: %v", n, err)
		}
		if err := x.Apply(state.AppendCancel(nil, x.out.IDs[0], nil), nil); err != nil {
			t.Fatal(err)
		}
	}
	x.sound()
}
