package owner_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// follow enters a job and waits for its end.
func follow(queue string) *owner.Request {
	r := enqueue(queue, 1)
	r.Follow = true
	return r
}

// called enters or joins a job by key that is cancelled when nobody waits for it.
func called(queue, key string) *owner.Request {
	r := follow(queue)
	r.Specs[0].Key, r.Specs[0].Called = key, true
	return r
}

func leave(job uint64) *owner.Request {
	return &owner.Request{Op: owner.Leave, Job: job, Cause: []byte("left")}
}

func TestACallIsEnteredAndAnsweredWithItsEnd(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	r := follow("q")
	s.ask(r)
	c := s.given(w)
	s.isOpen(r)
	s.ask(about(owner.Complete, c, 0))
	s.ended(r, 1, state.Done)
	if len(r.IDs) != 1 || r.IDs[0] != 1 {
		t.Errorf("it is not told which job: %v", r.IDs)
	}
}

// Its job may end with the very record that it is in, and be forgotten with that.
func TestACallIsToldOfAnEndInItsOwnRecord(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	join := func() *owner.Request {
		r := called("q", "k")
		r.Specs[0].Keep = 0
		return r
	}
	first := join()
	s.ask(first)
	c := s.given(w)
	second, third := join(), join()
	third.Specs[0].Unique = state.UniqueDone
	s.ask(second, third, about(owner.Complete, c, 0))
	for _, r := range []*owner.Request{first, second, third} {
		s.ended(r, 1, state.Done)
	}
	kept := called("q", "kept")
	kept.Specs[0].Unique = state.UniqueDone
	s.ask(kept)
	s.ask(about(owner.Complete, s.given(w), 0))
	again := called("q", "kept") // it has ended already
	s.ask(again)
	s.ended(again, 2, state.Done)
}

func TestACallThatIsRepeatedIsFollowedAsBefore(t *testing.T) {
	s := own(t, newDisk(), config())
	w, me := s.session(), s.client()
	ask := func() *owner.Request {
		r := follow("q")
		r.Request = state.Request{Client: me, N: 1, Low: 1}
		return r
	}
	a, b := ask(), ask()
	s.ask(a)
	s.ask(b)
	c := s.given(w)
	s.isOpen(a, b)
	s.ask(about(owner.Complete, c, 0))
	s.ended(a, 1, state.Done)
	s.ended(b, 1, state.Done)
	if n := s.core.State().Counts(); n.Done != 1 || n.Live() != 0 {
		t.Errorf("%+v", n)
	}
}

func TestTheLastWhoLeavesACalledJobCancelsIt(t *testing.T) {
	s := own(t, newDisk(), config())
	a, b, c := called("q", "k"), called("q", "k"), await(1)
	s.ask(a, b, c)
	for _, r := range []*owner.Request{a, b} {
		s.core.Drop(r)
		s.ask(leave(1))
		if i, _ := s.core.State().Job(1); i.Status != state.Ready {
			t.Fatalf("%+v", i)
		}
	}
	s.core.Drop(c)
	s.ask(leave(1))
	if i, _ := s.core.State().Job(1); i.Status != state.Cancelled || string(i.Detail) != "left" {
		t.Errorf("%+v", i)
	}
	s.wantAll(s.ask(leave(1), leave(9)), "leave; leave: "+state.ErrNoJob.Error())
	plain := enqueue("q", 1)
	s.ask(plain)
	s.ask(leave(plain.IDs[0]))
	if i, _ := s.core.State().Job(plain.IDs[0]); i.Status != state.Ready {
		t.Errorf("one that was not called is cancelled: %+v", i)
	}
}

// Somebody has come in the meantime: be it in the same record.
func TestWhoJoinsWhenAnotherLeavesKeepsTheJobGoing(t *testing.T) {
	s := own(t, newDisk(), config())
	a, b := called("q", "k"), called("q", "k")
	s.ask(a)
	s.core.Drop(a)
	s.ask(b, leave(1))
	if i, _ := s.core.State().Job(1); i.Status != state.Ready {
		t.Errorf("%+v", i)
	}
	s.core.Drop(b)
	c := called("q", "k")
	s.ask(leave(1), c) // the other way round it is a new one
	if len(c.IDs) > 0 && c.IDs[0] == 1 {
		t.Error("it has joined one that is cancelled")
	}
	s.isOpen(c)
}

func TestALeaveThatIsRepeatedIsAnsweredAsBefore(t *testing.T) {
	s := own(t, newDisk(), config())
	me := s.client()
	a := called("q", "k")
	s.ask(a)
	s.core.Drop(a)
	for range 2 {
		r := leave(1)
		r.Request = state.Request{Client: me, N: 1, Low: 1}
		s.ask(r)
		if r.Err != nil || r.Status != state.Cancelled {
			t.Errorf("%v, status %d", r.Err, r.Status)
		}
	}
	sameAsReplayed(t, s)
}

func TestWhoJoinsAJobThatIsThereStandsInNoLine(t *testing.T) {
	c := config()
	c.Queues = map[string]state.Queue{"q": {Depth: 1}}
	s := own(t, newDisk(), c)
	w := s.session()
	s.ask(called("q", "k"))
	lined := wait(enqueue("q", 1))
	s.ask(lined)
	a, b := called("q", "k"), wait(called("q", "k"))
	s.ask(a, b)
	s.isOpen(a, b, lined)
	s.ask(about(owner.Complete, s.given(w), 0))
	s.ended(a, 1, state.Done)
	s.ended(b, 1, state.Done)
	s.want(lined, "enqueue 2")
}
