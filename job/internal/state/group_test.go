package state_test

import (
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// turns claims n jobs, for tasks if there are any, and returns their groups in
// order.
func (x *shard) turns(session uint64, n int, tasks ...string) string {
	x.Helper()
	var b strings.Builder
	for range n {
		job, ok := x.Pick(state.Filter{Tasks: tasks})
		if !ok {
			b.WriteByte('.')
			continue
		}
		x.do(state.AppendClaim(nil, session, job))
		b.WriteString(x.is(job, state.Running).Group)
	}
	return b.String()
}

func (x *shard) wants(got, want string) {
	x.Helper()
	if got != want {
		x.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestGroupsTakeTurnsHoweverManyJobsTheyHaveAndWhoeverCameFirst(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(20, of("a"))
	x.pass(second)
	x.enqueueMany(2, of("b"))
	x.enqueueMany(3, of("c"))
	x.wants(x.turns(s, 12), "abcabcacaaaa")
}

func TestAWeightOfThreeIsThreeTurnsToOne(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.do(state.AppendWeight(nil, "h", 3))
	x.enqueueMany(20, of("a"))
	x.enqueueMany(20, of("h"))
	x.wants(x.turns(s, 16), "ahhhhahhhahhhahh")
	x.do(state.AppendWeight(nil, "a", 3)) // from now on they are alike
	x.wants(x.turns(s, 6), "hahaha")
	x.do(state.AppendWeight(nil, "h", 0))
	x.wants(x.turns(s, 8), "haaahaaa")
}

func TestGroupsOfOtherQueuesTakeNoTurns(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(3, of("a"))
	x.pass(second)
	x.enqueueMany(3, of("b"), func(p *state.Spec) { p.Queue = "p" })
	x.wants(x.turns(s, 6), "aaabbb")
}

func TestPriorityOrdersInsideAGroupOnly(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	urgent := func(p *state.Spec) { p.Priority = 100 }
	x.enqueueMany(2, of("a"))
	last := x.enqueue(of("a"), urgent)
	x.enqueueMany(3, of("b"))
	if job, _ := x.Pick(state.Filter{}); job != last {
		t.Fatalf("job %d is the first of its group, not %d", job, last)
	}
	x.wants(x.turns(s, 6), "ababab")
}

func TestANewcomerHasNoTurnsSavedUp(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(40, of("a"))
	x.wants(x.turns(s, 10), "aaaaaaaaaa")
	x.enqueueMany(10, of("n"))
	x.wants(x.turns(s, 8), "nananana")
}

func TestAGroupThatWasIdleNeitherOwesNorIsOwedAnything(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(4, of("i"))
	x.enqueueMany(40, of("a"))
	x.wants(x.turns(s, 4), "aiai") // they begin alike
	x.wants(x.turns(s, 4), "aiai")
	x.wants(x.turns(s, 10), "aaaaaaaaaa") // i has nothing
	x.enqueueMany(10, of("i"))
	x.wants(x.turns(s, 6), "iaiaia")
}

func TestAGroupThatWasServedAloneOwesNothing(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(30, of("a"))
	x.turns(s, 20)
	x.end(s)
	x.enqueueMany(10, of("b"))
	x.wants(x.turns(s, 8), "babababa")
}

// Claims for certain tasks serve some groups out of turn. Nobody is owed for it.
func TestClaimsForSomeTasksSaveUpNoTurnsForOtherGroups(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(20, of("a"), task("s"))
	x.enqueueMany(20, of("b"), task("t"))
	x.wants(x.turns(s, 10, "t"), "bbbbbbbbbb")
	x.wants(x.turns(s, 7, "s", "t"), "aababab")
}

// Whose jobs come one at a time, and are forgotten at once, is not new each time.
func TestAGroupThatComesAndGoesIsNotNewEachTime(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(10, of("b"))
	brief := func(p *state.Spec) { p.Keep = 0 }
	got := ""
	for range 10 {
		x.enqueue(of("a"), brief)
		got += x.turns(s, 1)
		for _, job := range x.Running(s) {
			if i := x.is(job, state.Running); i.Group == "a" {
				x.do(state.AppendComplete(nil, s, job, i.Epoch, nil))
			}
		}
	}
	x.wants(got, "ababababab")
}

func TestATurnIsOfTheQueueAndIsForgottenWithItsLastJob(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	brief := func(p *state.Spec) { p.Keep = 0 }
	x.enqueueMany(5, of("a"), brief)
	x.turns(s, 5)
	x.end(s)
	empty := string(x.AppendCanonical(nil))
	x.enqueue(of("a"), brief)
	x.enqueue(of("b"), brief)
	x.wants(x.turns(s, 2), "ab") // as in the beginning
	x.end(s)
	if now := string(x.AppendCanonical(nil)); len(now) > len(empty)+1 {
		t.Errorf("a queue without jobs takes %d bytes, and took %d", len(now), len(empty))
	}
}

func TestAReturnedJobHasHadItsGroupsTurn(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(3, of("a"))
	x.enqueueMany(3, of("b"))
	job, epoch := x.claim(s)
	x.do(state.AppendReturn(nil, s, job, epoch))
	x.wants(x.turns(s, 4), "baba")
}

func TestAGroupThatComesAndGoesWithoutAClaimTakesNoMemory(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(3, of("b"))
	brief := func(p *state.Spec) { p.Keep = 0 }
	x.enqueueMany(2, of("a"), brief)
	x.wants(x.turns(s, 2), "ab")
	x.end(s)
	x.turns(s, 1) // the last of a: its pass is ahead of the turn
	x.end(s)
	for range 100 {
		x.do(state.AppendCancel(nil, x.enqueue(of("a"), brief), nil))
	}
	if n := x.Remembered().Past; n > 2 {
		t.Errorf("%d groups are remembered, of one", n)
	}
}
