package state_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func TestAnEndedJobHasItsKeyAsItsMaskSaysUntilItIsForgotten(t *testing.T) {
	ends := map[state.Status]func(x *shard, i state.Info){
		state.Done: func(x *shard, i state.Info) { x.complete(i.ID) },
		state.Dead: func(x *shard, i state.Info) {
			x.do(state.AppendFail(nil, i.Session, i.ID, i.Epoch, state.Failure{Permanent: true}))
		},
		state.Cancelled: func(x *shard, i state.Info) { x.do(state.AppendCancel(nil, i.ID, nil)); x.fail(i) },
	}
	bits := map[state.Status]state.Unique{state.Done: state.UniqueDone, state.Dead: state.UniqueDead, state.Cancelled: state.UniqueCancelled}
	for status, end := range ends {
		for mask := range state.Unique(8) {
			x := open(t, roomy)
			s := x.session()
			key := func(p *state.Spec) { p.Key, p.Unique, p.Keep, p.Bury = "k", mask, 60*second, 60*second }
			i := x.run(s, key)
			end(x, i)
			if got := x.is(i.ID, status); got.Unique != mask || got.Key != "k" {
				t.Errorf("%+v", got)
			}
			x = x.restored()
			out := x.do(state.AppendEnqueue(nil, spec(key)))
			if held := mask&bits[status] != 0; out.Existing[0] != held {
				t.Errorf("mask %d, status %d: existing %v", mask, status, out.Existing[0])
			} else if !held {
				continue
			}
			x.pass(60*second - 1)
			if out := x.do(state.AppendEnqueue(nil, spec(key))); !out.Existing[0] {
				t.Errorf("mask %d, status %d: the key is free too early", mask, status)
			}
			x.pass(1)
			if out := x.do(state.AppendEnqueue(nil, spec(key))); out.Existing[0] {
				t.Errorf("mask %d, status %d: the key is not free", mask, status)
			}
		}
	}
}

func TestAKeyIsFreeWhenItsJobIsForgottenForWantOfRoom(t *testing.T) {
	l := roomy
	l.Kept = 1
	x := open(t, l)
	s := x.session()
	for _, key := range []string{"a", "b", "a"} {
		i := x.run(s, func(p *state.Spec) { p.Key, p.Unique = key, state.UniqueDone })
		x.complete(i.ID)
		x.pass(second)
	}
	x.gone(1)
	x.gone(2)
	x.is(3, state.Done)
}

func TestADeadJobThatHasItsKeyIsRevivedWithIt(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	key := func(p *state.Spec) { p.Key, p.Unique = "k", state.UniqueDead }
	i := x.run(s, key)
	x.do(state.AppendFail(nil, s, i.ID, i.Epoch, state.Failure{Permanent: true}))
	x.do(state.AppendRevive(nil, i.ID))
	if out := x.do(state.AppendEnqueue(nil, spec(key))); out.IDs[0] != i.ID {
		t.Errorf("%+v", *out)
	}
	x.complete(x.again(s, i).ID)
	if out := x.do(state.AppendEnqueue(nil, spec(key))); out.Existing[0] {
		t.Error("it has its key though it is done")
	}
}

func TestKeyHasOneLiveJobOfItsTask(t *testing.T) {
	x := open(t, roomy)
	keyed := func(p *state.Spec) { p.Key = "order 7" }
	id := x.enqueue(keyed)
	if out := x.do(state.AppendEnqueue(nil, spec(keyed), spec())); out.IDs[0] != id || !out.Existing[0] || out.Existing[1] {
		t.Fatalf("got %+v", *out)
	}
	if other := x.enqueue(keyed, func(p *state.Spec) { p.Task = "crop" }); other == id {
		t.Fatal("another task has the same job")
	}
	out := x.do(state.AppendEnqueue(nil, spec(func(p *state.Spec) { p.Key = "new" }), spec(func(p *state.Spec) { p.Key = "new" })))
	if out.IDs[0] != out.IDs[1] || out.Existing[0] || !out.Existing[1] {
		t.Fatalf("twice in one batch: %+v", *out)
	}
	x.do(state.AppendCancel(nil, id, nil))
	again := x.enqueue(keyed)
	if again == id {
		t.Fatal("an ended job still has its key")
	}
	s := x.session()
	for job := range uint64(20) {
		if i, err := x.Job(job); err == nil && i.Status == state.Ready && i.ID != again {
			x.do(state.AppendCancel(nil, job, nil))
		}
	}
	_, epoch := x.claim(s)
	x.do(state.AppendFail(nil, s, again, epoch, state.Failure{Permanent: true}))
	third := x.enqueue(keyed)
	x.refuses(state.ErrKeyTaken, state.AppendRevive(nil, again))
	x.do(state.AppendCancel(nil, third, nil))
	x.do(state.AppendRevive(nil, again))
	if x.enqueue(keyed) != again {
		t.Fatal("a revived job has not got its key")
	}
}
