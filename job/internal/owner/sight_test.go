package owner_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// demand is who claims the jobs of enqueue("q", n), or of another task.
func (s *shell) demand(task string) string {
	d := s.core.Sight().Demand(task, "q")
	return fmt.Sprint(d.Sessions, d.Filters, d.Waits)
}

func TestWhoClaimsSuchJobsIsKnownByTheLastClaimOfEachSession(t *testing.T) {
	s := own(t, newDisk(), config())
	task := enqueue("q", 1).Specs[0].Task
	wants := func(what, of, other string) {
		t.Helper()
		if got := s.demand(task); got != of {
			t.Errorf("%s: %s, want %s", what, got, of)
		}
		if got := s.demand("other"); got != other {
			t.Errorf("%s, of another task: %s, want %s", what, got, other)
		}
	}
	a, b, c := s.session(), s.session(), s.session()
	wants("nobody", "0 [] false", "0 [] false")
	picky := wait(claim(c, 1))
	picky.Filter = stateFilter("other")
	s.ask(picky)
	wants("one for another task", "0 [] false", "1 [{[other] []}] true")
	first := wait(claim(a, 1))
	s.ask(first)
	wants("one waits", "1 [{[] []}] true", "2 [{[] []} {[other] []}] true")
	s.ask(enqueue("q", 2), claim(b, 1))
	wants("both are served", "2 [{[] []}] false", "3 [{[] []} {[other] []}] true")
	s.ask(&owner.Request{Op: owner.EndSession, Session: b})
	wants("one has ended", "1 [{[] []}] false", "2 [{[] []} {[other] []}] true")
}

// What is looked at as it is entered is seen before those who wait have it.
func TestAClaimThatWaitsIsSeenBesideTheJobThatItIsAboutToHave(t *testing.T) {
	s := own(t, newDisk(), config())
	first := wait(claim(s.session(), 1))
	s.ask(first)
	var seen string
	r := enqueue("q", 1)
	s.ask(r, &owner.Request{Op: owner.View, View: func(at owner.Sight) {
		w, err := at.Why(1)
		seen = fmt.Sprint(w, err, at.Demand(r.Specs[0].Task, "q").Waits)
	}})
	if want := fmt.Sprint(state.Why{Reason: state.ReasonNext}, nil, true); seen != want {
		t.Errorf("seen: %s, want %s", seen, want)
	}
}

func TestWhoWorksMayClaimWhatNobodyKnowsHeClaims(t *testing.T) {
	d := newDisk()
	s := own(t, d, config())
	s.far() // is idle
	s.ask(enqueue("q", 1), claim(s.far(), 1))
	s = own(t, d, config())
	if got := s.demand("other"); got != "1 [] false" {
		t.Errorf("after the takeover: %s", got)
	}
}
