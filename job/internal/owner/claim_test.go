package owner_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

func TestThoseWhoWaitForAJobAreServedInOrderOfArrival(t *testing.T) {
	s := own(t, newDisk(), config())
	a, b := s.session(), s.session()
	picky := wait(claim(a, 1))
	picky.Filter = stateFilter("other")
	first, second := wait(claim(b, 1)), wait(claim(a, 2))
	s.wantAll(s.ask(picky, first, second), "")
	s.wantAll(s.ask(enqueue("q", 1)), "enqueue 1; claim 1/1")
	s.want(first, "claim 1/1")
	other := enqueue("q", 1)
	other.Specs[0].Task = "other"
	s.wantAll(s.ask(other), "enqueue 2; claim 2/1")
	s.want(picky, "claim 2/1")
	third := wait(claim(b, 1))
	s.wantAll(s.ask(third, enqueue("q", 3)), "enqueue 3 4 5; claim 3/1 4/1; claim 5/1")
	s.want(second, "claim 3/1 4/1")
}

func TestWhoDoesNotWaitForAJobIsToldThatThereIsNone(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	before := s.disk.last()
	s.wantAll(s.ask(claim(w, 1)), "claim")
	if s.disk.last() != before {
		t.Error("that was logged")
	}
	s.wantAll(s.ask(enqueue("q", 1), claim(w, 0), claim(w, 1)), "enqueue 1; claim 1/1; claim")
}

func TestAClaimOfNoSessionIsRefusedThoughThereIsNoJob(t *testing.T) {
	s := own(t, newDisk(), config())
	s.wantAll(s.ask(wait(claim(7, 1)), claim(7, 1)), "claim: "+state.ErrNoSession.Error()+"; claim: "+state.ErrNoSession.Error())
}

func TestTheEndOfASessionEndsItsWaiting(t *testing.T) {
	s := own(t, newDisk(), config())
	a, b := s.session(), s.session()
	gone, stays := wait(claim(a, 1)), wait(claim(b, 1))
	s.ask(gone, stays)
	s.ask(&owner.Request{Op: owner.EndSession, Session: a})
	s.want(gone, "claim: "+state.ErrNoSession.Error())
	s.ask(enqueue("q", 1))
	s.want(stays, "claim 1/1")
}

func TestWhatAnEndedSessionHadIsForTheNext(t *testing.T) {
	s := own(t, newDisk(), config())
	a, b := s.session(), s.session()
	s.ask(enqueue("q", 1), claim(a, 1))
	waits := wait(claim(b, 1))
	s.ask(waits)
	s.ask(&owner.Request{Op: owner.EndSession, Session: a})
	s.want(waits, "claim 1/2")
}

// A late completion is refused; the one under the newer epoch counts.
func TestALateCompletionIsFenced(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	one := claim(w, 1)
	s.ask(enqueue("q", 1), one)
	two := claim(w, 1)
	s.ask(about(owner.Return, one, 0), two)
	s.want(two, "claim 1/2")
	s.wantAll(s.ask(about(owner.Complete, one, 0), about(owner.Complete, two, 0)), "complete: "+state.ErrFenced.Error()+"; complete")
}

func TestAnAnswerIsNotEndless(t *testing.T) {
	c := config()
	c.Limits.Bytes = 16 << 20
	s := own(t, newDisk(), c)
	w := s.session()
	for range 12 {
		r := enqueue("q", 1)
		r.Specs[0].Input = make([]byte, 200_000)
		s.ask(r)
	}
	r := claim(w, 100)
	s.ask(r)
	if len(r.Jobs) != 6 {
		t.Errorf("%d jobs", len(r.Jobs))
	}
}

func TestClaimsThatNoRecordHoldsAreServedByTheNext(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	large := enqueue("q", 2)
	large.Specs[0].Input = make([]byte, state.MaxPayload)
	for n := record.Room - state.MaxPayload; ; n-- { // leave space for one claim
		large.Specs[1].Input = make([]byte, n)
		if left := record.Room - record.Cost(len(state.AppendEnqueue(nil, large.Specs...))); left >= 4 {
			break
		}
	}
	two, one := wait(claim(w, 1)), claim(w, 1)
	before := s.disk.last()
	s.wantAll(s.ask(two, one, large), "enqueue 1 2; claim 1/1; claim 2/1")
	if n := s.disk.last() - before; n != 2 {
		t.Errorf("%d records", n)
	}
	sameAsReplayed(t, s)
}

func TestWhoGivesUpUndecidedHasLeftNoTrace(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	arrived, waiting := enqueue("q", 1), wait(claim(w, 1))
	s.ask(waiting)
	s.core.Add(arrived)
	s.core.Drop(arrived)
	s.core.Drop(waiting)
	s.wantAll(s.ask(), "enqueue: "+owner.ErrDropped.Error()+"; claim: "+owner.ErrDropped.Error())
	s.wantAll(s.ask(enqueue("q", 1), claim(w, 1)), "enqueue 1; claim 1/1")
}

func TestWhatWasClaimedForWhoHasGoneIsGivenBack(t *testing.T) {
	for name, when := range map[string]func(s *shell, r *owner.Request){
		"in flight": func(s *shell, r *owner.Request) {
			next := s.core.Decide(s.now)
			s.core.Drop(r)
			s.run(next)
		},
		"landed, not yet told": func(s *shell, r *owner.Request) {
			s.run(s.core.Decide(s.now))
			s.core.Drop(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := own(t, newDisk(), config())
			w := s.session()
			s.ask(enqueue("q", 2))
			goes := claim(w, 2)
			s.core.Add(goes)
			when(s, goes)
			s.want(goes, "claim: "+owner.ErrDropped.Error())
			s.ask()
			r := claim(w, 2)
			s.ask(r)
			s.want(r, "claim 1/2 2/2")
			if r.Jobs[0].Attempt != 1 {
				t.Errorf("attempt %d", r.Jobs[0].Attempt)
			}
			sameAsReplayed(t, s)
		})
	}
}

func TestWhoGivesUpAnythingElseThatIsDecidedChangesNothing(t *testing.T) {
	s := own(t, newDisk(), config())
	r := enqueue("q", 1)
	s.core.Add(r)
	next := s.core.Decide(s.now)
	s.core.Drop(r)
	s.run(next)
	s.core.Drop(r)
	s.wantAll(s.core.Answered(), "enqueue 1")
	s.core.Drop(r)
	s.wantAll(s.ask(), "")
}

// A request may be used again when it has been answered.
func TestARequestCanBeUsedAgain(t *testing.T) {
	s := own(t, newDisk(), config())
	r := enqueue("q", 1)
	s.wantAll(s.ask(r), "enqueue 1")
	s.wantAll(s.ask(r), "enqueue 2")
	r.Op, r.Job = owner.Cancel, 9
	s.wantAll(s.ask(r), "cancel: "+state.ErrNoJob.Error())
}
