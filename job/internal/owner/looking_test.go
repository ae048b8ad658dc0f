package owner_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A Leave that comes again, as its answer was lost, is not another one.
func TestALeaveThatComesAgainDoesNotCountSomebodyElse(t *testing.T) {
	s := own(t, newDisk(), config())
	client := s.open(&owner.Request{Op: owner.OpenClient})
	session := s.session()
	p := spec("q")
	p.Key, p.Called = "k", true
	enter := func(caller uint64) *owner.Request {
		r := &owner.Request{Op: owner.Enqueue, Specs: []state.Spec{p}, Follow: true, Watched: true, Caller: caller}
		s.ask(r)
		return r
	}
	one, two := enter(1), enter(2)
	c := claim(session, 1)
	s.ask(c)
	report := about(owner.Report, c, 0)
	report.Report = owner.Reported{Said: true, Done: 1}
	s.ask(report)
	if one.Report.Seq == 0 || two.Report.Seq == 0 {
		t.Fatal("they look at nothing")
	}
	for range 2 { // two goes, and says so twice
		r := leave(c.Jobs[0].ID)
		r.Caller = 2
		r.Request = state.Request{Client: client, N: 1, Low: 1}
		s.ask(r)
	}
	if i, err := s.core.State().Job(c.Jobs[0].ID); err != nil || i.Cancel {
		t.Errorf("it is cancelled, though one looks at it: %v", err)
	}
}
