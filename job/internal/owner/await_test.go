package owner_test

import (
	"errors"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

func await(job uint64) *owner.Request { return &owner.Request{Op: owner.Await, Job: job} }

// given is a job that w has claimed.
func (s *shell) given(w uint64) *owner.Request {
	s.t.Helper()
	c := claim(w, 1)
	s.ask(c)
	if len(c.Jobs) != 1 {
		s.t.Fatalf("nothing is claimed: %s", tell(c))
	}
	return c
}

// isOpen holds that nobody has answered one of rs yet.
func (s *shell) isOpen(rs ...*owner.Request) {
	s.t.Helper()
	for _, a := range s.ask() {
		for _, r := range rs {
			if a == r {
				s.t.Fatalf("%s is answered", tell(r))
			}
		}
	}
}

// ended holds that r was answered with a job that ended so.
func (s *shell) ended(r *owner.Request, job uint64, want state.Status) state.Info {
	s.t.Helper()
	if r.Err != nil || len(r.Jobs) != 1 || r.Jobs[0].ID != job || r.Jobs[0].Status != want {
		s.t.Fatalf("got %s %v, want job %d with status %d", tell(r), r.Jobs, job, want)
	}
	return r.Jobs[0]
}

func TestWhoAwaitsAJobIsToldOfItsEndWhenThatHasLanded(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	brief := enqueue("q", 1)
	brief.Specs[0].Keep = 0
	s.ask(brief)
	a, b := await(1), await(1)
	s.ask(a)
	c := s.given(w)
	s.ask(b)
	s.isOpen(a, b)
	done := about(owner.Complete, c, 0)
	done.Result = []byte("out")
	s.core.Add(done)
	next := s.core.Decide(s.now)
	if early := s.core.Answered(); len(early) > 0 {
		t.Fatalf("told before the append: %s", told(early))
	}
	s.run(next)
	for _, r := range []*owner.Request{a, b} {
		if i := s.ended(r, 1, state.Done); string(i.Result) != "out" {
			t.Errorf("%+v", i)
		}
	}
	late := await(1) // it is forgotten by now
	s.ask(late)
	s.want(late, "await: "+state.ErrForgotten.Error())
	s.wantAll(s.ask(await(9)), "await: "+state.ErrNoJob.Error())
}

func TestWhoAwaitsAJobThatHasEndedIsToldAtOnceAndNothingIsLogged(t *testing.T) {
	s := own(t, newDisk(), config())
	s.ask(enqueue("q", 1))
	s.ask(cancel(1)...)
	before := s.disk.last()
	r := await(1)
	s.ask(r)
	s.ended(r, 1, state.Cancelled)
	if s.disk.last() != before {
		t.Error("that was logged")
	}
}

func TestWhoAwaitsAJobIsToldHoweverItEnds(t *testing.T) {
	for name, end := range map[string]func(s *shell, c *owner.Request) state.Status{
		"done": func(s *shell, c *owner.Request) state.Status { s.ask(about(owner.Complete, c, 0)); return state.Done },
		"dead": func(s *shell, c *owner.Request) state.Status {
			r := about(owner.Fail, c, 0)
			r.Failure.Permanent = true
			s.ask(r)
			return state.Dead
		},
		"cancelled": func(s *shell, c *owner.Request) state.Status {
			s.ask(append(cancel(c.Jobs[0].ID), about(owner.Return, c, 0))...)
			return state.Cancelled
		},
		"its deadline passes": func(s *shell, c *owner.Request) state.Status {
			s.ask(about(owner.Return, c, 0))
			s.sleep(10e6)
			s.ask()
			return state.Dead
		},
		"its session ends": func(s *shell, c *owner.Request) state.Status {
			s.ask(&owner.Request{Op: owner.EndSession, Session: c.Session})
			return state.Dead
		},
		"its scope ends": func(s *shell, c *owner.Request) state.Status {
			s.ask(about(owner.Return, c, 0), &owner.Request{Op: owner.EndSession, Session: c.Session - 1})
			return state.Cancelled
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := own(t, newDisk(), config())
			scope, w := s.session(), s.session()
			e := enqueue("q", 1)
			p := &e.Specs[0]
			p.Session, p.Attached, p.Attempts, p.Deadline = scope, true, 1, s.now.Wall+9e6
			r := await(1)
			s.ask(e)
			c := s.given(w)
			s.ask(r)
			want := end(s, c)
			s.ended(r, 1, want)
			sameAsReplayed(t, s)
		})
	}
}

func TestWhoeverGoesIsNotToldAndKeepsNobodyWaiting(t *testing.T) {
	full := config()
	full.Queues = map[string]state.Queue{"full": {Depth: 1}}
	s := own(t, newDisk(), full)
	w := s.session()
	places := map[string]*owner.Request{
		"arrived": called("q", "arrived"), "lined": wait(called("full", "lined")),
		"following": called("q", "k"), "decided": called("q", "k"), "awaiting": await(1),
		"listening": {Op: owner.Listen, Session: w}, "draining": {Op: owner.Drained, Name: "q"},
	}
	s.ask(places["following"])
	s.given(w)
	s.ask(enqueue("full", 1))
	s.ask(places["lined"], places["awaiting"], places["listening"], places["draining"])
	s.isOpen(places["following"], places["lined"], places["awaiting"], places["listening"], places["draining"])
	s.core.Add(places["decided"])
	next := s.core.Decide(s.now)
	s.core.Drop(places["decided"])
	s.run(next)
	s.core.Add(places["arrived"])
	for name, r := range places {
		s.core.Drop(r)
		s.core.Drop(r) // twice is nothing more
		if name == "decided" && r.IDs[0] != 1 {
			t.Errorf("it is not told which job it has joined: %v", r.IDs)
		}
	}
	if n := len(s.ask()); n != len(places) {
		t.Errorf("%d of %d are answered", n, len(places))
	}
	for name, r := range places {
		if r.Err != owner.ErrDropped {
			t.Errorf("%s: %v", name, r.Err)
		}
		s.core.Drop(r)
	}
	s.wantAll(s.ask(leave(1)), "leave") // there is nobody else
	if i, _ := s.core.State().Job(1); !i.Cancel {
		t.Error("who has gone keeps the job going")
	}
	s.ask(&owner.Request{Op: owner.EndSession, Session: w})
	sameAsReplayed(t, s)
}

func TestWhoWaitsWhenTheOwnerEndsHearsWhatIsKnown(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	rs := map[*owner.Request]bool{ // whether it may have been carried out
		follow("q"):                    true,
		await(1):                       false,
		{Op: owner.Listen, Session: w}: false,
		{Op: owner.Drained, Name: "q"}: false,
		wait(&owner.Request{Op: owner.Claim, Session: w, Filter: stateFilter("none")}): false,
	}
	s.ask(enqueue("q", 1))
	s.given(w)
	for r := range rs {
		s.ask(r)
	}
	for r := range rs {
		s.isOpen(r)
	}
	s.core.End(owner.ErrDeposed)
	for r, may := range rs {
		var lost *owner.LostError
		if !errors.As(r.Err, &lost) || lost.MayHaveHappened != may {
			t.Errorf("%s: %v", r.Op, r.Err)
		}
		s.core.Drop(r)
	}
	if n := len(s.core.Answered()); n != len(rs) {
		t.Errorf("%d are answered, of %d", n, len(rs))
	}
}

// Whoever is to hear of an end hears of it when its record is known to be stored,
// however long that takes, and not at all from an owner that was deposed.
func TestAnEndIsNotToldWhileItsRecordMayBeLost(t *testing.T) {
	for _, stored := range []bool{true, false} {
		s := own(t, newDisk(), config())
		w := s.session()
		r, listen, drain := await(1), &owner.Request{Op: owner.Listen, Session: w}, &owner.Request{Op: owner.Drained, Name: "p"}
		s.ask(enqueue("q", 1), enqueue("p", 1))
		c := claim(w, 2)
		s.ask(c)
		s.ask(r, listen, drain)
		for _, e := range []*owner.Request{about(owner.Complete, c, 0), {Op: owner.Cancel, Job: 2}, about(owner.Return, c, 1)} {
			s.core.Add(e)
		}
		next := s.core.Decide(s.now)
		rec := append([]byte(nil), next.Rec...)
		for range 3 {
			if next = s.core.Appended(s.now, owner.ErrUnknown); len(s.core.Answered()) > 0 {
				t.Fatal("told though the outcome is unknown")
			}
		}
		if stored {
			s.disk.append(next.After, rec)
		} else {
			own(t, s.disk, config())
		}
		s.run(s.core.Appended(s.now, owner.ErrConflict))
		if !stored {
			for _, lost := range []*owner.Request{r, listen, drain} {
				s.want(lost, lost.Op.String()+" lost, may have happened: false")
			}
			continue
		}
		s.ended(r, 1, state.Done)
		if s.want(drain, "drained"); listen.Err != nil || len(listen.Cancels) != 1 || listen.Cancels[0].Job != 2 {
			t.Errorf("%v %v", listen.Err, listen.Cancels)
		}
	}
}
