package owner_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
)

func TestDrainedWaitsUntilNothingOfTheQueueIsRunning(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	s.wantAll(s.ask(&owner.Request{Op: owner.Drained, Name: "none"}), "drained")
	s.ask(enqueue("q", 2), enqueue("p", 1))
	c := claim(w, 3)
	s.ask(c)
	s.ask(&owner.Request{Op: owner.Pause, Name: "q", Paused: true})
	r := &owner.Request{Op: owner.Drained, Name: "q"}
	s.ask(r)
	s.ask(about(owner.Complete, c, 0))
	s.isOpen(r)
	s.ask(about(owner.Return, c, 1))
	s.want(r, "drained") // and not given again: it is paused
	if n := s.core.State().Counts(); n.Running != 1 || n.Ready != 1 {
		t.Errorf("%+v", n)
	}
}

func TestAPausedQueueIsServedWhenItIsPausedNoMore(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	s.ask(&owner.Request{Op: owner.Pause, Name: "q", Paused: true})
	waits := wait(claim(w, 1))
	s.ask(enqueue("q", 1), waits)
	s.isOpen(waits)
	b := own(t, s.disk, config()) // a pause is not the owner's
	w = b.session()
	waits = wait(claim(w, 1))
	b.ask(waits)
	b.isOpen(waits)
	b.ask(&owner.Request{Op: owner.Pause, Name: "q"})
	b.want(waits, "claim 1/1")
}
