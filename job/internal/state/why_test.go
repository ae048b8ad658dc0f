package state_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func (x *shard) why(job uint64, want state.Why) {
	x.Helper()
	got, err := x.Why(job)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		x.Fatalf("job %d: got %+v (%v), want %+v", job, got, err, want)
	}
	if x.sound(); fmt.Sprint(first(x.restored().Why(job))) != fmt.Sprint(want) {
		x.Fatalf("job %d: restored, it waits for something else", job)
	}
}

func first[T any](v T, _ error) T { return v }

func TestWhyTellsTheFirstThingThatAJobWaitsFor(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.do(state.AppendQueue(nil, "q", state.Queue{Running: 3, Rate: state.Rate{Interval: 10 * second, Burst: 3}}))
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1, Rate: state.Rate{Interval: 60 * second, Burst: 1}}))
	k := x.run(s, capped("l", "k"))
	x.why(k.ID, state.Why{})

	job := x.enqueue(capped("l", "k"), func(p *state.Spec) { p.RunAt = x.Now() + second })
	x.why(job, state.Why{Reason: state.ReasonNotDue, Until: x.Now() + second})
	x.pass(second)
	x.why(job, state.Why{Reason: state.ReasonLimit, By: []uint64{k.ID}})
	x.do(state.AppendPause(nil, "q", true))
	x.why(job, state.Why{Reason: state.ReasonPaused})
	x.do(state.AppendPause(nil, "q", false))
	a, b := x.run(s), x.run(s)
	x.why(job, state.Why{Reason: state.ReasonQueue, By: []uint64{k.ID, a.ID, b.ID}})
	x.complete(k.ID)
	x.why(job, state.Why{Reason: state.ReasonRate, Until: x.Now() + 9*second})
	x.pass(9 * second)
	x.why(job, state.Why{Reason: state.ReasonKeyRate, Until: x.Now() + 50*second})
	x.pass(50 * second)
	x.why(job, state.Why{Reason: state.ReasonNext})
	x.enqueue(func(p *state.Spec) { p.Priority = 9 })
	x.enqueue(func(p *state.Spec) { p.Priority = 9 })
	x.why(job, state.Why{Reason: state.ReasonBehind, Ahead: 2})
	if _, err := x.Why(99); err != state.ErrNoJob {
		t.Errorf("got %v", err)
	}
}

func TestWhyNamesTheOldestThatHoldALimit(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 20}))
	a, b := x.session(), x.session()
	for i := range 20 {
		x.run([]uint64{a, b}[i%2], capped("l", "k"))
	}
	x.complete(1) // the last of the session's is where it was
	x.run(b, capped("l", "k"))
	waits := x.enqueue(capped("l", "k"))
	var by []uint64
	for id := uint64(2); id < 18; id++ {
		by = append(by, id)
	}
	x.why(waits, state.Why{Reason: state.ReasonLimit, By: by})
}

// What stands before a job is so many turns, not all that others have.
func TestWhyCountsTheTurnsOfOtherGroups(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendWeight(nil, "heavy", 3))
	x.enqueueMany(100, of("heavy"))
	x.enqueueMany(2, of("light"))
	x.enqueueMany(5, of("me"))
	x.enqueueMany(4, of("me"), capped("l", "k"))
	s := x.session()
	for _, job := range []uint64{103, 105, 107, 108, 111} {
		w, err := x.Why(job)
		if err != nil || w.Reason != state.ReasonBehind && w.Reason != state.ReasonNext {
			t.Fatalf("%+v, %v", w, err)
		}
		before := 0
		y := x.restored()
		for at := s; ; before++ {
			if got, _ := y.claim(at); got == job {
				break
			}
		}
		if d := w.Ahead - before; d < -2 || d > 2 {
			t.Errorf("job %d: %d are to come first, and %d do", job, w.Ahead, before)
		}
	}
}
