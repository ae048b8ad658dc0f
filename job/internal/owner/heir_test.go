package owner_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// heirs has a job of key k that runs and is to be cancelled, and two calls that came
// since.
func heirs(t *testing.T) (s *shell, w uint64, held *owner.Request, calls [2]*owner.Request) {
	s = own(t, newDisk(), config())
	w = s.session()
	first := called("q", "k")
	s.ask(first)
	held = s.given(w)
	s.core.Drop(first)
	s.ask(leave(1))
	if i, _ := s.core.State().Job(1); i.Status != state.Running || !i.Cancel {
		t.Fatalf("%+v", i)
	}
	for i := range calls {
		calls[i] = called("q", "k")
		s.ask(calls[i])
	}
	s.isOpen(calls[:]...)
	if len(calls[0].IDs)+len(calls[1].IDs) > 0 {
		t.Fatal("they have joined it")
	}
	return s, w, held, calls
}

func TestACallThatComesWhileItsKeysJobIsBeingCancelledGetsTheNext(t *testing.T) {
	s, w, held, calls := heirs(t)
	s.ask(about(owner.Fail, held, 0))
	s.isOpen(calls[:]...)
	next := s.given(w)
	if next.Jobs[0].ID != 2 || !calls[1].Existing[0] || calls[0].Existing[0] {
		t.Errorf("they have %v %v and %v %v", calls[0].IDs, calls[0].Existing, calls[1].IDs, calls[1].Existing)
	}
	s.ask(about(owner.Complete, next, 0))
	for _, r := range calls {
		s.ended(r, 2, state.Done)
	}
}

func TestACallThatWaitsForAKeyLeavesNothingWhenItsCallerGoes(t *testing.T) {
	s, _, held, calls := heirs(t)
	for _, r := range calls {
		s.core.Drop(r)
		s.wantAll(s.ask(), "enqueue: "+owner.ErrDropped.Error())
	}
	s.ask(about(owner.Fail, held, 0))
	if c := s.core.State().Counts(); c.Live() != 0 {
		t.Errorf("%+v", c)
	}
}

func TestACallThatWaitsForAKeyIsLostWithItsOwnerAndHasNotHappened(t *testing.T) {
	s, _, _, calls := heirs(t)
	s.core.End(owner.ErrClosed)
	s.core.Answered()
	for _, r := range calls {
		lost, ok := r.Err.(*owner.LostError)
		if !ok || lost.MayHaveHappened {
			t.Errorf("got %v", r.Err)
		}
	}
}

func TestWhoEnqueuesWhileItsKeysJobIsBeingCancelledWaitsAndHasAnother(t *testing.T) {
	s, w, held, _ := heirs(t)
	other, again := enqueue("q", 1), enqueue("q", 1)
	again.Specs[0].Key = "k"
	again.Specs = append(again.Specs, other.Specs[0]) // all or none
	again.Wait = true
	s.ask(again)
	s.isOpen(again)
	s.ask(about(owner.Fail, held, 0))
	if again.Err != nil || len(again.IDs) != 2 || again.IDs[0] == 1 {
		t.Errorf("got %s", tell(again))
	}
	if got := s.given(w); got.Jobs[0].ID != again.IDs[0] && got.Jobs[0].ID != again.IDs[1] {
		t.Errorf("job %d is claimed, of %v", got.Jobs[0].ID, again.IDs)
	}
}

// Who does not wait is told which job has the key.
func TestWhoEnqueuesAndDoesNotWaitIsToldOfAJobThatIsBeingCancelled(t *testing.T) {
	s, _, _, _ := heirs(t)
	plain := enqueue("q", 1)
	plain.Specs[0].Key = "k"
	s.ask(plain)
	if len(plain.IDs) != 1 || plain.IDs[0] != 1 || !plain.Existing[0] {
		t.Errorf("got %s", tell(plain))
	}
}

// It waited for room, and the job of its key is there and ending when its turn comes.
func TestACallThatWaitedForRoomWaitsForItsKeyAsWell(t *testing.T) {
	c := config()
	c.Queues = map[string]state.Queue{"q": {Depth: 2}}
	s := own(t, newDisk(), c)
	w := s.session()
	other := enqueue("q", 1)
	s.ask(other)
	first := called("q", "k")
	s.ask(first) // it is full now
	full := called("q", "j")
	full.Wait = true
	s.ask(full)
	s.isOpen(full)
	j := called("x", "j") // the key is the task's
	s.ask(j)
	two := claim(w, 3)
	s.ask(two)
	for i := range two.Jobs {
		if two.Jobs[i].Queue == "x" {
			s.core.Drop(j)
			s.ask(leave(two.Jobs[i].ID))
		}
	}
	s.isOpen(full)
	for i := range two.Jobs {
		if two.Jobs[i].Queue == "q" {
			s.ask(about(owner.Complete, two, i))
		}
	}
	s.isOpen(full)
	if len(full.IDs) > 0 {
		t.Fatalf("it has joined job %d", full.IDs[0])
	}
	for i := range two.Jobs {
		if two.Jobs[i].Queue == "x" {
			s.ask(about(owner.Fail, two, i))
		}
	}
	s.isOpen(full)
	if got := s.given(w); len(full.IDs) != 1 || got.Jobs[0].ID != full.IDs[0] {
		t.Errorf("it has %v, and %d is claimed", full.IDs, got.Jobs[0].ID)
	}
}

// Nothing of its client is logged meanwhile, so its name is forgotten after an hour; but
// it is certain that nothing has happened.
func TestACallThatHasWaitedForAKeyForHoursIsUnnamedAndNotLost(t *testing.T) {
	s, _, held, _ := heirs(t)
	client := s.open(&owner.Request{Op: owner.OpenClient})
	r := called("q", "k")
	r.Request = state.Request{Client: client, N: 1, Low: 1}
	s.ask(r)
	s.isOpen(r)
	s.live(3 * 3600e6)
	s.ask(about(owner.Fail, held, 0))
	if r.Err != owner.ErrUnnamed {
		t.Errorf("got %s", tell(r))
	}
}
