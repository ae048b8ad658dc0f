package state_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func TestAPausedQueueGivesNothingAndKeepsItsOrder(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	first, later := x.enqueue(), x.enqueue(func(p *state.Spec) { p.RunAt = x.Now() + second })
	x.do(state.AppendPause(nil, "q", true))
	x.nothing(s, first)
	x.pass(2 * second)
	x.is(later, state.Ready)
	elsewhere := x.enqueue(queued("p"))
	if n := x.all(s); n != 1 {
		t.Fatalf("%d claimed", n)
	}
	x.complete(elsewhere) // what runs goes on
	x.do(state.AppendPause(nil, "q", true))
	x.do(state.AppendPause(nil, "q", false))
	if a, _ := x.claim(s); a != first {
		t.Errorf("job %d comes first", a)
	}
	if b, _ := x.claim(s); b != later {
		t.Errorf("job %d comes second", b)
	}
}

func TestAQueueIsPausedThoughItHasNoJobs(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendPause(nil, "q", true))
	x.pass(second)
	s, job := x.session(), x.enqueue()
	x.nothing(s, job)
	if q := x.QueueInfos("", 9); len(q) != 1 || q[0].Name != "q" || !q[0].Paused {
		t.Errorf("%+v", q)
	}
}
