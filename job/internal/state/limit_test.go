package state_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

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
