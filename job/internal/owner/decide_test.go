package owner_test

import (
	"errors"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

func TestAJobGoesThroughItsLifeInAsManyRecordsAsItHasSteps(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	before := s.disk.last()
	s.wantAll(s.ask(enqueue("q", 2)), "enqueue 1 2")
	c := claim(w, 5)
	s.wantAll(s.ask(c), "claim 1/1 2/1")
	if string(c.Jobs[0].Input) != "in" {
		t.Errorf("input %q", c.Jobs[0].Input)
	}
	done, failed := about(owner.Complete, c, 0), about(owner.Fail, c, 1)
	s.wantAll(s.ask(done, failed), "complete; fail")
	if done.Status != state.Done || failed.Status != state.Scheduled {
		t.Errorf("status %d, %d", done.Status, failed.Status)
	}
	if n := s.disk.last() - before; n != 3 {
		t.Errorf("%d records", n)
	}
}

func TestEnqueueAndClaimShareARecord(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	before := s.disk.last()
	s.wantAll(s.ask(claim(w, 1), enqueue("q", 1)), "enqueue 1; claim 1/1")
	if n := s.disk.last() - before; n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestNothingIsToldBeforeItsRecordHasLanded(t *testing.T) {
	s := own(t, newDisk(), config())
	s.session()
	ack, refusal, read := enqueue("q", 1), &owner.Request{Op: owner.Cancel, Job: 77}, &owner.Request{Op: owner.Job, Job: 1}
	for _, r := range []*owner.Request{ack, refusal, read, {Op: owner.Counts}} {
		s.core.Add(r)
	}
	next := s.core.Decide(s.now)
	if early := s.core.Answered(); len(early) > 0 {
		t.Fatalf("told before the append: %s", told(early))
	}
	s.run(next)
	s.wantAll(s.core.Answered(), "enqueue 1; cancel: "+state.ErrNoJob.Error()+"; job 1/0; counts 1 live of 0")
}

func TestReadsOfAnIdleOwnerWriteNothing(t *testing.T) {
	s := own(t, newDisk(), config())
	s.ask(enqueue("q", 1))
	before := s.disk.last()
	s.wantAll(s.ask(&owner.Request{Op: owner.Job, Job: 1}, &owner.Request{Op: owner.Counts, Name: "q"},
		&owner.Request{Op: owner.Job, Job: 9}), "job 1/0; counts 1 live of 0; job: "+state.ErrNoJob.Error())
	if s.disk.last() != before {
		t.Error("a read was logged")
	}
}

func TestARecordInWhichEverythingWasRefusedAdvancesTheTimeForAll(t *testing.T) {
	s := own(t, newDisk(), config())
	s.ask(enqueue("q", 1))
	s.sleep(7)
	before := s.disk.last()
	s.ask(&owner.Request{Op: owner.Cancel, Job: 77})
	if n := s.disk.last() - before; n != 1 {
		t.Fatalf("%d records", n)
	}
	sameAsReplayed(t, s)
}

func TestARequestThatIsRepeatedIsAnsweredAsBeforeAndNotLogged(t *testing.T) {
	s := own(t, newDisk(), config())
	me := s.client()
	ask := func(n uint64, queue string) *owner.Request {
		r := enqueue(queue, 1)
		r.Request = state.Request{Client: me, N: n, Low: n}
		return r
	}
	s.wantAll(s.ask(ask(1, "q"), ask(1, "q")), "enqueue 1; enqueue 1")
	size := len(s.disk.at(s.disk.last()))
	s.wantAll(s.ask(ask(1, "q")), "enqueue 1")
	if now := len(s.disk.at(s.disk.last())); now >= size {
		t.Errorf("the record of a repetition has %d bytes", now)
	}
	s.wantAll(s.ask(ask(1, "other")), "enqueue: "+state.ErrDifferent.Error())
	s.wantAll(s.ask(ask(3, "q"), ask(1, "q")), "enqueue 2; enqueue: "+state.ErrOutdated.Error())
	sameAsReplayed(t, s)
}

func TestADelayCountsFromWhenTheJobIsEntered(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	r := enqueue("q", 1)
	r.Specs[0].RunAt = -5e6
	s.ask(r)
	if r.Specs[0].RunAt != -5e6 {
		t.Error("the caller's specs were changed")
	}
	c := wait(claim(w, 1))
	s.ask(c)
	s.sleep(4_999_999)
	s.wantAll(s.ask(), "")
	s.sleep(1)
	s.wantAll(s.ask(), "claim 1/1")
	for _, far := range []int64{-state.MaxDelay} {
		r = enqueue("q", 1)
		r.Specs[0].RunAt = far
		s.wantAll(s.ask(r), told([]*owner.Request{r}))
		if r.Err != nil {
			t.Errorf("delay %d: %v", far, r.Err)
		}
	}
}

func TestWhatDoesNotFitWaitsForTheNextRecordInOrder(t *testing.T) {
	s := own(t, newDisk(), config())
	before := s.disk.last()
	var rs []*owner.Request
	for range 7 {
		r := enqueue("q", 1)
		r.Specs[0].Input = make([]byte, 100_000)
		rs = append(rs, r)
	}
	rs = append(rs, &owner.Request{Op: owner.Cancel, Job: 7})
	s.wantAll(s.ask(rs...), "enqueue 1; enqueue 2; enqueue 3; enqueue 4; enqueue 5; enqueue 6; enqueue 7; cancel")
	if n := s.disk.last() - before; n != 2 {
		t.Errorf("%d records", n)
	}
	sameAsReplayed(t, s)
}

func TestAnEnqueueThatNoRecordHoldsIsRefused(t *testing.T) {
	s := own(t, newDisk(), config())
	r := enqueue("q", 3)
	for i := range r.Specs {
		r.Specs[i].Input = make([]byte, state.MaxPayload)
	}
	s.ask(r)
	var e *owner.TooLargeError
	if !errors.As(r.Err, &e) || e.Most != record.Room {
		t.Fatalf("%v", r.Err)
	}
	sameAsReplayed(t, s)
}

func TestAnIdleOwnerWritesNothing(t *testing.T) {
	s := own(t, newDisk(), config())
	if next := s.decide(); next.Do != owner.Idle || next.Wake != 0 {
		t.Fatalf("%+v", next)
	}
	before := s.disk.last()
	s.sleep(86400e6)
	s.decide()
	if s.disk.last() != before {
		t.Error("an idle owner wrote")
	}
}

// Nobody waits for a job, so scheduled ones need not be ready to the moment; but
// they are not left to pile up.
func TestTimersThatNobodyWaitsForAreSeenToWithinASecond(t *testing.T) {
	s := own(t, newDisk(), config())
	r := enqueue("q", 1)
	r.Specs[0].RunAt = s.now.Wall + 100
	s.ask(r)
	begun := s.now.Wall
	if s.wake != begun+1e6 {
		t.Fatalf("wakes after %d", s.wake-begun)
	}
	before := s.disk.last()
	s.sleep(999_999)
	s.decide()
	if s.disk.last() != before {
		t.Fatal("too early")
	}
	s.sleep(1)
	s.decide()
	if s.disk.last() != before+1 {
		t.Fatalf("%d records", s.disk.last()-before)
	}
	sameAsReplayed(t, s)
}

func TestSomebodyWhoWaitsForAJobHasItOnTime(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	r := enqueue("q", 1)
	r.Specs[0].RunAt = s.now.Wall + 100
	s.ask(r, wait(claim(w, 1)))
	if s.wake != s.now.Wall+100 {
		t.Fatalf("wakes after %d", s.wake-s.now.Wall)
	}
	s.sleep(100)
	s.wantAll(s.ask(), "claim 1/1")
}

// MaxTimers become ready in one record; the rest follows without a pause.
func TestABacklogOfTimersIsWorkedOffAtOnce(t *testing.T) {
	c := config()
	c.Limits.Jobs = 1 << 20
	s := own(t, newDisk(), c)
	for range 3 {
		r := enqueue("q", 4000)
		for i := range r.Specs {
			r.Specs[i].RunAt = s.now.Wall + 1000
		}
		s.ask(r)
	}
	before := s.disk.last()
	s.sleep(2e6)
	s.decide()
	if n := s.disk.last() - before; n != 3 {
		t.Errorf("%d records", n)
	}
	if ready := s.core.State().Counts().Ready; ready != 12000 {
		t.Errorf("%d ready", ready)
	}
	sameAsReplayed(t, s)
}

func TestAMistakeOfTheShellsPanics(t *testing.T) {
	s := own(t, newDisk(), config())
	r := enqueue("q", 1)
	s.core.Add(r)
	for _, test := range []struct {
		name string
		f    func()
	}{
		{"added twice", func() { s.core.Add(r) }},
		{"no op", func() { s.core.Add(&owner.Request{}) }},
		{"unknown op", func() { s.core.Add(&owner.Request{Op: 200}) }},
		{"replay", func() { s.core.Replay(1, nil) }},
		{"take over", func() { s.core.TakeOver(s.now) }},
		{"appended", func() { s.core.Appended(s.now, nil) }},
		{"looked", func() { s.core.Looked(s.now, nil, nil) }},
		{"start", func() { s.core.Start(1) }},
		{"decide too soon", func() { s.core.Decide(s.now); s.core.Decide(s.now) }},
		{"new", func() { owner.New(owner.Config{}) }},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", test.name)
				}
			}()
			test.f()
		}()
	}
}

func TestCompletionsThatDoNotFitAreInTheNextRecord(t *testing.T) {
	s := own(t, newDisk(), config())
	c := claim(s.session(), 4)
	s.ask(enqueue("q", 4), c)
	before := s.disk.last()
	var rs []*owner.Request
	for i := range 4 {
		r := about(owner.Complete, c, i)
		r.Result = make([]byte, 200_000)
		rs = append(rs, r)
	}
	rs[3].Result = make([]byte, 600_000)
	s.ask(rs...)
	var e *owner.TooLargeError
	if rs[0].Err != nil || rs[2].Err != nil || !errors.As(rs[3].Err, &e) {
		t.Errorf("%s", told(rs))
	}
	if n := s.disk.last() - before; n != 2 {
		t.Errorf("%d records", n)
	}
	sameAsReplayed(t, s)
}

func TestErrorsSayWhatHasHappened(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&owner.LostError{MayHaveHappened: true, Err: owner.ErrClosed}, "owner: the log is closed; the request may have been carried out"},
		{&owner.LostError{Err: owner.ErrDeposed}, "owner: another owner has taken over; the request was not carried out"},
		{&owner.TooLargeError{Bytes: 9, Most: 8}, "owner: the request takes 9 bytes of a record, of at most 8"},
		{&owner.DamageError{Seq: 7, Transition: 2, Reason: "it is odd", Hint: "do this"}, "owner: record 7, transition 2: it is odd; do this"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	if got := owner.OpenSession.String() + owner.Op(99).String() + owner.Append.String(); got != "open sessionno opappend" {
		t.Error(got)
	}
}

func TestFiguresShowWhoWaits(t *testing.T) {
	if f := owner.New(config()).Figures(); f.Last != 0 || f.Term != 0 {
		t.Errorf("%+v", f)
	}
	s := withQueues(t, 100, map[string]int64{"q": 1})
	f := stateFilter("other")
	c := wait(claim(s.session(), 1))
	c.Filter = f
	s.ask(enqueue("q", 1), wait(enqueue("q", 1)), c)
	got := s.core.Figures()
	if got.Last != s.disk.last() || got.Term != 1 || got.ForRoom != 1 || got.ForJobs != 1 || got.Counts.Ready != 1 || got.Tail == 0 || got.Snapshot {
		t.Errorf("%+v", got)
	}
}
