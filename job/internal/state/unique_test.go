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
