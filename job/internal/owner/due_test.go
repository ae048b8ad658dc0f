package owner_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// Whoever waits for a job has it the moment that something lets it go, by Next.Wake
// alone.
func TestAClaimThatWaitsForARateIsServedExactlyOnTime(t *testing.T) {
	for name, c := range map[string]struct {
		queue string
		limit bool
	}{"of a queue": {"slow", false}, "of a limit": {"q", true}} {
		t.Run(name, func(t *testing.T) {
			rate := state.Rate{Interval: 7e6, Burst: 2}
			conf := config()
			conf.Queues = map[string]state.Queue{"slow": {Rate: rate}}
			conf.Caps = map[string]state.Limit{"l": {Rate: rate}}
			s := own(t, newDisk(), conf)
			w := s.session()
			e := enqueue(c.queue, 6)
			for i := range e.Specs {
				if c.limit {
					e.Specs[i].Limit, e.Specs[i].LimitKey = "l", "k"
				}
			}
			s.ask(e)
			began := s.now.Wall
			var when []int64
			for range 6 {
				r := wait(claim(w, 1))
				s.ask(r)
				for r.Jobs == nil {
					if s.wake <= s.now.Wall {
						t.Fatalf("it waits, and is to wake %d ago", s.now.Wall-s.wake)
					}
					s.sleep(s.wake - s.now.Wall)
					s.run(s.core.Decide(s.now))
				}
				when = append(when, (s.now.Wall-began)/1e6)
			}
			if got := fmt.Sprint(when); got != "[0 0 7 14 21 28]" {
				t.Errorf("claimed after %s", got)
			}
			sameAsReplayed(t, s)
		})
	}
}

func TestAClaimThatDoesNotWaitGetsWhatARateLetsGoByNow(t *testing.T) {
	conf := config()
	conf.Queues = map[string]state.Queue{"q": {Rate: state.Rate{Interval: 7e6, Burst: 1}}}
	s := own(t, newDisk(), conf)
	w := s.session()
	s.ask(enqueue("q", 2))
	s.wantAll(s.ask(claim(w, 1), claim(w, 1)), "claim 1/1; claim")
	s.sleep(7e6)
	s.wantAll(s.ask(claim(w, 1)), "claim 2/1")
}

func TestAClaimThatWaitsForALimitHasTheJobWithTheRecordThatFreesIt(t *testing.T) {
	for name, free := range map[string]func(*shell, *owner.Request) *owner.Request{
		"completed": func(_ *shell, c *owner.Request) *owner.Request { return about(owner.Complete, c, 0) },
		"failed":    func(_ *shell, c *owner.Request) *owner.Request { return about(owner.Fail, c, 0) },
		"lost": func(_ *shell, c *owner.Request) *owner.Request {
			return &owner.Request{Op: owner.EndSession, Session: c.Session}
		},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config()
			conf.Caps = map[string]state.Limit{"l": {Running: 1}}
			s := own(t, newDisk(), conf)
			a, b := s.session(), s.session()
			e := enqueue("q", 2)
			for i := range e.Specs {
				e.Specs[i].Limit, e.Specs[i].Attempts = "l", 1
			}
			s.ask(e)
			c := s.given(a)
			waits := wait(claim(b, 1))
			s.ask(waits)
			s.isOpen(waits)
			before := s.disk.last()
			s.ask(free(s, c))
			s.want(waits, "claim 2/1")
			if n := s.disk.last() - before; n != 1 {
				t.Errorf("%d records", n)
			}
		})
	}
}

// A limit that is reached, or a queue that is paused, wakes nobody until something
// happens.
func TestAClaimThatWaitsForWhatNoTimeOpensCostsNothing(t *testing.T) {
	conf := config()
	conf.Caps = map[string]state.Limit{"l": {Running: 1, Rate: state.Rate{Interval: 1e6, Burst: 1}}}
	conf.Queues = map[string]state.Queue{"q": {Running: 1, Rate: state.Rate{Interval: 1e6, Burst: 1}}}
	s := own(t, newDisk(), conf)
	w := s.session()
	e := enqueue("p", 2)
	e.Specs[0].Limit, e.Specs[1].Limit = "l", "l"
	s.ask(e, enqueue("q", 2), enqueue("paused", 2), &owner.Request{Op: owner.Pause, Name: "paused", Paused: true})
	c := wait(claim(w, 9))
	s.ask(c)
	s.want(c, "claim 1/1 3/1")
	s.ask(wait(claim(w, 9)))
	if decides, records := s.live(600e6); decides > 20 || records > 4 {
		t.Errorf("in ten minutes it decides %d times and writes %d records", decides, records)
	}
}

// What makes room without anybody asking is seen by those who wait for it.
func TestWhoWaitsForRoomIsServedWhenADeadlinePassesOrACallIsLeft(t *testing.T) {
	conf := config()
	conf.Queues = map[string]state.Queue{"q": {Depth: 1}}
	s := own(t, newDisk(), conf)
	e := called("q", "k")
	e.Specs[0].Deadline = s.now.Wall + 5e6
	s.ask(e)
	a := wait(called("q", "l"))
	s.ask(a)
	s.isOpen(a)
	s.live(7e6)
	s.ended(e, 1, state.Dead)
	if len(a.IDs) == 0 && a.Err == nil {
		// It is followed: that it was entered is seen by its job.
		if n := s.core.State().Counts().Ready; n != 1 {
			t.Fatalf("%d are ready: whoever waits for room has none", n)
		}
	}
	b := wait(enqueue("q", 1))
	s.ask(b)
	s.core.Drop(a)
	s.ask(leave(2))
	s.want(b, "enqueue 3")
}

func TestSettingsOfATakeoverLetThoseWhoWaitHaveTheirJobs(t *testing.T) {
	d := newDisk()
	conf := config()
	conf.Queues = map[string]state.Queue{"q": {Running: 1}}
	conf.Caps = map[string]state.Limit{"l": {Running: 1}}
	conf.Weights = map[string]uint16{"g": 3}
	s := own(t, d, conf)
	far := s.far()
	e := enqueue("q", 2)
	e.Specs = append(e.Specs, spec("p"), spec("p"))
	e.Specs[2].Limit, e.Specs[3].Limit = "l", "l"
	s.ask(e)
	held := claim(far, 9)
	s.ask(held)
	if len(held.Jobs) != 2 {
		t.Fatal(tell(held))
	}
	b := read(t, d, config(), 1)
	next, err := b.core.TakeOver(b.now)
	if err != nil {
		t.Fatal(err)
	}
	b.run(next)
	waits := wait(claim(far, 9))
	b.core.Add(waits)
	b.decide()
	b.want(waits, "claim 2/1 4/1")
	if st := b.core.State(); len(st.Queues())+len(st.SetLimits())+len(st.Weights()) != 0 {
		t.Error("a setting is left")
	}
	sameAsReplayed(t, b)
}
