package owner_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

func stateFilter(tasks ...string) state.Filter { return state.Filter{Tasks: tasks} }

// withQueues owns a new log in which these queues have a depth each.
func withQueues(t *testing.T, shard int64, depths map[string]int64) *shell {
	c := config()
	c.Limits.Jobs, c.Queues = shard, make(map[string]state.Queue)
	for name, n := range depths {
		c.Queues[name] = state.Queue{Depth: n}
	}
	return own(t, newDisk(), c)
}

func cancel(jobs ...uint64) (rs []*owner.Request) {
	for _, id := range jobs {
		rs = append(rs, &owner.Request{Op: owner.Cancel, Job: id})
	}
	return rs
}

func TestWhoDoesNotWaitIsToldThatTheQueueIsFull(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 2})
	s.wantAll(s.ask(enqueue("q", 2), enqueue("q", 1), enqueue("p", 1)), `enqueue 1 2; enqueue full: "q" 2 of 2; enqueue 3`)
}

func TestThoseWhoWaitForRoomAreServedInOrderOfArrival(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 3})
	s.ask(enqueue("q", 3))
	s.wantAll(s.ask(wait(enqueue("q", 1)), wait(enqueue("q", 2)), wait(enqueue("q", 1))), "")
	s.wantAll(s.ask(cancel(1)...), "cancel; enqueue 4")
	// There would be room for the small one.
	s.wantAll(s.ask(cancel(2)...), "cancel")
	s.wantAll(s.ask(enqueue("q", 1), wait(enqueue("q", 1))), `enqueue full: "q" 2 of 3`)
	s.wantAll(s.ask(cancel(3)...), "cancel; enqueue 5 6")
	s.wantAll(s.ask(cancel(4, 5)...), "cancel; cancel; enqueue 7; enqueue 8")
	sameAsReplayed(t, s)
}

func TestAFullQueueHoldsNobodyUpElsewhere(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 1, "p": 1})
	s.ask(enqueue("q", 1), wait(enqueue("q", 1)))
	s.wantAll(s.ask(wait(enqueue("p", 1)), wait(enqueue("p", 1)), enqueue("r", 1)), "enqueue 2; enqueue 3")
	s.wantAll(s.ask(cancel(2)...), "cancel; enqueue 4")
}

func TestTheShardsLimitMakesOneLineOfAll(t *testing.T) {
	s := withQueues(t, 3, nil)
	s.ask(enqueue("a", 3))
	s.wantAll(s.ask(wait(enqueue("b", 2)), wait(enqueue("c", 1))), "")
	s.wantAll(s.ask(append(cancel(1), enqueue("d", 1), wait(enqueue("d", 1)))...), `cancel; enqueue full: "" 2 of 3`)
	s.wantAll(s.ask(cancel(2)...), "cancel; enqueue 4 5")
	s.wantAll(s.ask(cancel(3, 4, 5)...), "cancel; cancel; cancel; enqueue 6; enqueue 7")
	s.wantAll(s.ask(enqueue("d", 1)), "enqueue 8")
}

func TestWhoNamesSeveralQueuesWaitsItsTurnInEach(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"a": 1, "b": 1, "c": 1})
	s.ask(enqueue("a", 1), enqueue("b", 1), enqueue("c", 1))
	both := wait(enqueue("a", 1))
	both.Specs = append(both.Specs, spec("b"))
	s.wantAll(s.ask(wait(enqueue("b", 1)), both, wait(enqueue("a", 1)), wait(enqueue("b", 1))), "")
	s.wantAll(s.ask(cancel(1)...), "cancel") // a is both's, who waits behind another in b
	s.wantAll(s.ask(cancel(2)...), "cancel; enqueue 4")
	s.wantAll(s.ask(cancel(4)...), "cancel; enqueue 5 6")
	s.wantAll(s.ask(cancel(5, 6)...), "cancel; cancel; enqueue 7; enqueue 8")
	sameAsReplayed(t, s)
}

// When both leaves, who is first in a changes as well, though a had been passed.
func TestWhoStoodInSeveralLinesFreesAllOfThem(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"a": 3, "b": 1})
	s.ask(enqueue("b", 1))
	both := wait(enqueue("a", 1))
	both.Specs = append(both.Specs, spec("b"))
	s.wantAll(s.ask(wait(enqueue("b", 1)), both, wait(enqueue("a", 1)), wait(enqueue("a", 1))), "")
	s.wantAll(s.ask(cancel(1)...), "cancel; enqueue 2")
	s.wantAll(s.ask(cancel(2)...), "cancel; enqueue 3 4; enqueue 5; enqueue 6")
}

func TestWhoLeavesTheLineLetsTheNextOneIn(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 2})
	s.ask(enqueue("q", 1))
	large := wait(enqueue("q", 2))
	s.wantAll(s.ask(large, wait(enqueue("q", 1))), "")
	s.core.Drop(large)
	s.wantAll(s.ask(), "enqueue: "+owner.ErrDropped.Error()+"; enqueue 2")
	before := s.disk.last()
	hopeless := wait(enqueue("q", 1))
	s.ask(hopeless, wait(enqueue("q", 1)))
	s.core.Drop(hopeless)
	s.ask()
	if n := s.disk.last() - before; n != 1 {
		t.Errorf("%d records, although nothing changes for who is left", n)
	}
}

func TestWhoNeverFitsDoesNotWait(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 2})
	s.wantAll(s.ask(wait(enqueue("q", 3))), `enqueue full: "q" 2 of 2`)
	s.ask(enqueue("q", 2))
	s.wantAll(s.ask(wait(enqueue("q", 3))), `enqueue full: "q" 2 of 2`)
}

func TestAJobThatIsThereAlreadyNeedsNoRoom(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 1})
	keyed := func() *owner.Request {
		r := enqueue("q", 1)
		r.Specs[0].Key = "k"
		return r
	}
	s.ask(keyed())
	r := keyed()
	s.wantAll(s.ask(r), "enqueue 1")
	if len(r.Existing) != 1 || !r.Existing[0] {
		t.Errorf("existing %v", r.Existing)
	}
}

// Whoever repeats a request because its answer was lost must not hear that it
// was not carried out.
func TestARequestThatIsRepeatedNeitherWaitsNorIsRefused(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 2})
	me := s.client()
	ask := func() *owner.Request {
		r := enqueue("q", 1)
		r.Request = state.Request{Client: me, N: 1, Low: 1}
		return r
	}
	s.ask(ask(), wait(enqueue("q", 2)))
	s.wantAll(s.ask(ask()), "enqueue 1")
	s.core.Low(errors.New("little"))
	s.wantAll(s.ask(ask(), enqueue("q", 1)), "enqueue: little; enqueue: little; enqueue 1")
}

func TestWhileTheLogIsLowOnlyEnqueuesAreRefused(t *testing.T) {
	s := withQueues(t, 100, map[string]int64{"q": 1})
	w := s.session()
	s.ask(enqueue("q", 1))
	waits := wait(enqueue("q", 1))
	s.ask(waits)
	little := errors.New("little")
	s.core.Low(little)
	s.wantAll(s.ask(enqueue("p", 1), claim(w, 1)), "enqueue: little; enqueue: little; claim 1/1")
	var low *owner.LowError
	if !errors.As(waits.Err, &low) || !errors.Is(waits.Err, little) {
		t.Errorf("%v", waits.Err)
	}
	before := s.disk.last()
	s.ask(enqueue("p", 1))
	if n := s.disk.last() - before; n != 0 {
		t.Errorf("%d records to refuse", n)
	}
	s.core.Low(nil)
	s.wantAll(s.ask(enqueue("p", 1)), "enqueue 2")
	sameAsReplayed(t, s)
}

func TestThoseWhoWaitAndDoNotFitTheRecordAreInTheNext(t *testing.T) {
	c := config()
	c.Limits.Bytes, c.Queues = 1<<30, map[string]state.Queue{"q": {Depth: 3}}
	s := own(t, newDisk(), c)
	s.ask(enqueue("q", 3))
	for range 3 {
		r := wait(enqueue("q", 1))
		r.Specs[0].Input = make([]byte, 200_000)
		s.core.Add(r)
	}
	s.decide()
	before := s.disk.last()
	s.wantAll(s.ask(append(cancel(1, 2, 3), wait(enqueue("q", 1)))...), "cancel; cancel; cancel; enqueue 4; enqueue 5; enqueue 6")
	if n := s.disk.last() - before; n != 2 {
		t.Errorf("%d records", n)
	}
	sameAsReplayed(t, s)
}

// A line that is never empty must not keep those who have left.
func TestALineThatIsNeverEmptyKeepsItsOrder(t *testing.T) {
	s := withQueues(t, 1000, map[string]int64{"q": 2})
	s.ask(enqueue("q", 2), wait(enqueue("q", 1)))
	for id := uint64(1); id < 200; id++ {
		r := wait(enqueue("q", 1))
		s.wantAll(s.ask(append(cancel(id), r)...), fmt.Sprintf("cancel; enqueue %d", id+2))
	}
}
