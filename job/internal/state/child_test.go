package state_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func TestAKeyedChildIsFoundAgainByTheNextAttempt(t *testing.T) {
	x := open(t, roomy)
	s, w := x.session(), x.session()
	p := x.run(s)
	done := x.run(w, keyed(p, "done"))
	x.do(state.AppendComplete(nil, w, done.ID, 1, []byte("result")))
	runs := x.run(w, keyed(p, "runs"))
	waits := x.enqueue(keyed(p, "waits"), func(p *state.Spec) { p.RunAt = x.Now() + second })
	x.do(state.AppendSessionEnd(nil, s))
	s = x.session()
	p = x.again(s, p)
	for key, want := range map[string]uint64{"done": done.ID, "runs": runs.ID, "waits": waits} {
		if out := x.do(state.AppendEnqueue(nil, spec(keyed(p, key)))); !out.Existing[0] || out.IDs[0] != want {
			t.Errorf("%s is job %d, not %d", key, out.IDs[0], want)
		}
	}
	if i := x.is(runs.ID, state.Running); i.Cancel {
		t.Errorf("%+v", i)
	}
	x.pass(1000 * second) // long after Keep
	if i := x.is(done.ID, state.Done); string(i.Result) != "result" || i.Due != 0 {
		t.Errorf("%+v", i)
	}
	other := x.run(w)
	x.enqueue(keyed(other, "done"))
	x.enqueue(func(p *state.Spec) { p.Key = "done" })
	if n := x.Counts().Live(); n != 6 {
		t.Errorf("%d are live: another's key, or that of nobody, is not the same", n)
	}
}

func TestAKeyedChildGoesOrIsForgottenWhenItsParentHasEnded(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	done, brief := x.run(s, keyed(p, "done")), x.run(s, keyed(p, "brief"), func(p *state.Spec) { p.Keep = 0 })
	x.complete(done.ID)
	x.complete(brief.ID)
	x.is(brief.ID, state.Done)
	runs, waits := x.run(s, keyed(p, "runs")), x.enqueue(keyed(p, "waits"))
	x.complete(p.ID)
	x.isToEnd(runs.ID, state.CauseScope)
	x.cancelled(waits, state.CauseScope)
	x.gone(brief.ID)
	if i := x.is(done.ID, state.Done); i.Due != x.Now()+60*second {
		t.Errorf("it is forgotten in %d", i.Due-x.Now())
	}
	x.pass(60 * second)
	x.gone(done.ID)
}

func TestAChildThatIsDeadOrCancelledIsReplaced(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	child := x.run(s, keyed(p, "k"))
	x.do(state.AppendFail(nil, s, child.ID, child.Epoch, state.Failure{Permanent: true}))
	second := x.enqueue(keyed(p, "k"))
	x.refuses(state.ErrKeyTaken, state.AppendRevive(nil, child.ID))
	x.do(state.AppendCancel(nil, second, nil))
	if third := x.enqueue(keyed(p, "k")); third == second {
		t.Error("a cancelled child is found again")
	}
}

func TestADeadChildIsRevivedWhileItsParentLivesAndAnAttachedOneIsNot(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	child, own := x.run(s, keyed(p, "k")), x.run(s, attachedTo(p))
	session := x.run(s, attached(s))
	for _, i := range []state.Info{child, own, session} {
		x.do(state.AppendFail(nil, s, i.ID, i.Epoch, state.Failure{Permanent: true}))
	}
	x.refuses(state.ErrScope, state.AppendRevive(nil, own.ID))
	x.refuses(state.ErrScope, state.AppendRevive(nil, session.ID))
	x.do(state.AppendRevive(nil, child.ID))
	if out := x.do(state.AppendEnqueue(nil, spec(keyed(p, "k")))); out.IDs[0] != child.ID {
		t.Error("the revived one is not found")
	}
	x.do(state.AppendFail(nil, s, child.ID, x.again(s, child).Epoch, state.Failure{Permanent: true}))
	x.complete(p.ID)
	x.refuses(state.ErrScope, state.AppendRevive(nil, child.ID))
}

func TestAJobHasOnlySoManyChildren(t *testing.T) {
	x := &shard{T: t, State: state.New()}
	x.Begin(second)
	x.do(state.AppendLimits(nil, state.Limits{Jobs: 1 << 20, Bytes: 1 << 40, Kept: 10, Buried: 10, KeptBytes: 1 << 40}))
	s := x.session()
	p := x.run(s)
	specs := make([]state.Spec, state.MaxBatch)
	for at := 0; at < state.MaxChildren; at += len(specs) {
		for i := range specs {
			specs[i] = spec(keyed(p, fmt.Sprint(at+i)))
			specs[i].Input = nil
		}
		if err := x.Apply(state.AppendEnqueue(nil, specs...), nil); err != nil {
			t.Fatal(err)
		}
	}
	one := state.AppendEnqueue(nil, spec(keyed(p, "one more")))
	if err := x.Apply(one, nil); err != state.ErrChildren {
		t.Fatalf("got %v", err)
	}
	if err := x.Apply(state.AppendEnqueue(nil, spec(keyed(p, "7"))), nil); err != nil {
		t.Fatalf("one that is there cannot be joined: %v", err)
	}
	x.Apply(state.AppendCancel(nil, p.ID+1, nil), nil)
	x.do(one)
	x.do(state.AppendCancel(nil, p.ID, nil)) // all of them at once
	if c := x.Counts(); c.Live() != 1 || c.Running != 1 {
		t.Errorf("%+v", c)
	}
}

func TestAChildThatIsDoneCountsForTheShardsBytesWhileItIsHeld(t *testing.T) {
	x := open(t, state.Limits{Jobs: 100, Bytes: 40, Kept: 10, Buried: 10, KeptBytes: 100})
	s := x.session()
	p := x.run(s)
	c := x.run(s, keyed(p, "k"))
	x.do(state.AppendComplete(nil, s, c.ID, c.Epoch, make([]byte, 30)))
	if n := x.Counts().Bytes; n != 2+1+30 {
		t.Errorf("%d bytes", n)
	}
	if err := x.Room("q", 1, 8); err == nil {
		t.Error("there is room")
	}
	x.restored()
	x.complete(p.ID)
	if n := x.Counts().Bytes; n != 0 {
		t.Errorf("%d bytes", n)
	}
}

func TestAChildThatWouldWaitForItsOwnAncestorsIsRefused(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendQueue(nil, "one", state.Queue{Running: 1}))
	x.do(state.AppendLimit(nil, "two", state.Limit{Running: 2}))
	s := x.session()
	a := x.run(s, queued("one"), capped("two", "k"))
	knot := func(change ...func(*state.Spec)) {
		t.Helper()
		before := string(x.AppendCanonical(nil))
		var k *state.KnotError
		if err := x.Apply(state.AppendEnqueue(nil, spec(change...)), nil); !asKnot(err, &k) {
			t.Fatalf("got %v", err)
		}
		if x.sound(); string(x.AppendCanonical(nil)) != before {
			t.Fatal("it has changed the state")
		}
	}
	knot(attachedTo(a), queued("one"))
	knot(keyed(a, "k"), queued("one"))
	b := x.run(s, attachedTo(a), queued("p"), capped("two", "k"))
	knot(attachedTo(b), queued("one"))
	knot(attachedTo(b), capped("two", "k"))
	x.enqueue(attachedTo(b), capped("two", "other"))
	x.enqueue(queued("one"), capped("two", "k"))
	x.do(state.AppendSessionEnd(nil, s))
	x.is(a.ID, state.Ready)
}

func asKnot(err error, k **state.KnotError) (ok bool) {
	*k, ok = err.(*state.KnotError)
	return ok && (*k).Error() != "" && (*k).By != 0
}
