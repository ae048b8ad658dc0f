package state_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func (x *shard) why(job uint64, want state.Why) {
	x.Helper()
	got, err := x.Why(job)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		x.Fatalf("job %d: got %+v (%v), want %+v", job, got, err, want)
	}
	if x.sound(); fmt.Sprint(first(x.restored().Why(job))) != fmt.Sprint(want) {
		x.Fatalf("job %d: restored, it waits for something else", job)
	}
}

// behind checks how many of its own queue and of others a job is behind.
func (x *shard) behind(job uint64, own, others int, claims ...state.Filter) {
	x.Helper()
	w, err := x.Why(job, claims...)
	if err != nil || w.Ahead-w.Others != own || w.Others != others {
		x.Errorf("job %d: %+v (%v), want it behind %d and %d others", job, w, err, own, others)
	}
}

func first[T any](v T, _ error) T { return v }

func TestWhyTellsTheFirstThingThatAJobWaitsFor(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.do(state.AppendQueue(nil, "q", state.Queue{Running: 3, Rate: state.Rate{Interval: 10 * second, Burst: 3}}))
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1, Rate: state.Rate{Interval: 60 * second, Burst: 1}}))
	k := x.run(s, capped("l", "k"))
	x.why(k.ID, state.Why{})

	job := x.enqueue(capped("l", "k"), func(p *state.Spec) { p.RunAt = x.Now() + second })
	x.why(job, state.Why{Reason: state.ReasonNotDue, Until: x.Now() + second})
	x.pass(second)
	x.why(job, state.Why{Reason: state.ReasonLimit, By: []uint64{k.ID}})
	x.do(state.AppendPause(nil, "q", true))
	x.why(job, state.Why{Reason: state.ReasonPaused})
	x.do(state.AppendPause(nil, "q", false))
	a, b := x.run(s), x.run(s)
	x.why(job, state.Why{Reason: state.ReasonQueue, By: []uint64{k.ID, a.ID, b.ID}})
	x.complete(k.ID)
	x.why(job, state.Why{Reason: state.ReasonRate, Until: x.Now() + 9*second})
	x.pass(9 * second)
	x.why(job, state.Why{Reason: state.ReasonKeyRate, Until: x.Now() + 50*second})
	x.pass(50 * second)
	x.why(job, state.Why{Reason: state.ReasonNext})
	x.enqueue(func(p *state.Spec) { p.Priority = 9 })
	x.enqueue(func(p *state.Spec) { p.Priority = 9 })
	x.why(job, state.Why{Reason: state.ReasonBehind, Ahead: 2})
	if _, err := x.Why(99); err != state.ErrNoJob {
		t.Errorf("got %v", err)
	}
}

func TestWhyNamesTheOldestThatHoldALimit(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 20}))
	a, b := x.session(), x.session()
	for i := range 20 {
		x.run([]uint64{a, b}[i%2], capped("l", "k"))
	}
	x.complete(1) // the last of the session's is where it was
	x.run(b, capped("l", "k"))
	waits := x.enqueue(capped("l", "k"))
	var by []uint64
	for id := uint64(2); id < 18; id++ {
		by = append(by, id)
	}
	x.why(waits, state.Why{Reason: state.ReasonLimit, By: by})
}

// What stands before a job is so many turns, not all that others have.
func TestWhyCountsTheTurnsOfOtherGroups(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendWeight(nil, "heavy", 3))
	x.enqueueMany(100, of("heavy"))
	x.enqueueMany(2, of("light"))
	x.enqueueMany(5, of("me"))
	x.enqueueMany(4, of("me"), capped("l", "k"))
	s := x.session()
	for _, job := range []uint64{103, 105, 107, 108, 111} {
		w, err := x.Why(job)
		if err != nil || w.Reason != state.ReasonBehind && w.Reason != state.ReasonNext {
			t.Fatalf("%+v, %v", w, err)
		}
		before := 0
		y := x.restored()
		for at := s; ; before++ {
			if got, _ := y.claim(at); got == job {
				break
			}
		}
		if d := w.Ahead - before; d < -2 || d > 2 {
			t.Errorf("job %d: %d are to come first, and %d do", job, w.Ahead, before)
		}
	}
}

// Who comes anew has no turns saved up that would be before a job.
func TestWhyCountsTheTurnsOfANewcomer(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.enqueueMany(100, of("old"))
	for range 60 {
		x.claim(s)
	}
	x.enqueueMany(100, of("new"))
	for _, job := range []uint64{100, 101, 102, 110} {
		before := 0
		for y := x.restored(); ; before++ {
			if got, _ := y.claim(s); got == job {
				break
			}
		}
		w, err := x.Why(job)
		if d := w.Ahead - before; err != nil || d < -2 || d > 2 {
			t.Errorf("job %d: %+v (%v), and %d come first", job, w, err, before)
		}
	}
}

func TestWhyCountsWhatOtherQueuesGiveBeforeAJob(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	x.do(state.AppendQueue(nil, "three", state.Queue{Running: 3}))
	x.do(state.AppendQueue(nil, "slow", state.Queue{Rate: state.Rate{Interval: 3600 * second, Burst: 4}}))
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 6}))
	for range 10 {
		x.enqueue(queued("other"))
		x.enqueue(queued("three"))
		x.enqueue(queued("slow"))
		x.enqueue(queued("paused"))
		x.enqueue(queued("limited"), capped("l", "k"))
		x.enqueue(queued("crops"), task("crop"))
	}
	x.do(state.AppendPause(nil, "paused", true))
	x.pass(second)
	job := x.enqueue(queued("mine"))
	next := x.enqueue(queued("mine"))
	for range 10 {
		x.enqueue(queued("other")) // after it
	}
	const all = 10 + 3 + 4 + 6 + 10
	x.behind(job, 0, all)
	x.behind(next, 1, all)
	resize := state.Filter{Tasks: []string{"resize"}}
	x.behind(job, 0, all-10, resize)
	some := state.Filter{Queues: []string{"mine", "three"}}
	x.behind(next, 1, 3, resize, some)
	x.behind(next, 1, 3, some, resize)
	x.behind(job, 0, 0, state.Filter{}, state.Filter{Queues: []string{"mine"}})
	for i := range all {
		if got, _ := x.claim(s); got == job {
			t.Fatalf("claim %d is of it", i)
		}
	}
	x.behind(job, 0, 0)
	if got, _ := x.claim(s); got != job {
		t.Errorf("job %d was claimed", got)
	}
}

// The jobs of a limit wait for each other in another place than the rest.
func TestWhyCountsTheJobsOfALimitThatWaitInOtherQueues(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 3}))
	x.enqueueMany(9, queued("other"), capped("l", "k"))
	x.pass(second)
	x.behind(x.enqueue(queued("mine")), 0, 3)
	x.behind(x.enqueue(queued("mine"), capped("l", "k")), 1, 9) // which can only go when these have gone
}

func TestWhyOfTheFirstOfManyJobsSaysThatNoneIsBeforeIt(t *testing.T) {
	x := huge(t, 30_000)
	x.pass(second)
	x.behind(1, 0, 0)
	x.behind(9_001, 9_000, 0)
	x.behind(10_001, 10_000, 0)
	x.behind(30_000, 10_000, 0)
	x.behind(x.enqueue(queued("mine")), 0, 10_000)
}

// Why looks at so many of the running jobs only: the last is not among them.
func TestWhyDoesNotWalkAllRunningJobs(t *testing.T) {
	x := huge(t, 10_000)
	s := x.session()
	x.do(state.AppendLimit(nil, "l", state.Limit{Running: 1}))
	for job := range uint64(9_999) {
		if err := x.Apply(state.AppendClaim(nil, s, job+1), &x.out); err != nil {
			t.Fatal(err)
		}
	}
	x.enqueue(capped("l", "near"), func(p *state.Spec) { p.Priority = 9 })
	near, _ := x.claim(s)
	far := x.run(s, capped("l", "far"), func(p *state.Spec) { p.Priority = 9 })
	waits := [2]uint64{x.enqueue(capped("l", "near")), x.enqueue(capped("l", "far"))}
	if w, err := x.Why(waits[0]); err != nil || w.Reason != state.ReasonLimit || len(w.By) != 1 || w.By[0] != near {
		t.Errorf("%+v, %v", w, err)
	}
	if w, err := x.Why(waits[1]); err != nil || w.Reason != state.ReasonLimit || len(w.By) != 0 {
		t.Errorf("%+v, %v: job %d", w, err, far.ID)
	}
}

// huge is a shard with n jobs that are alike. That each of them leaves it sound is
// shown elsewhere.
func huge(t *testing.T, n int) *shard {
	x := open(t, state.Limits{Jobs: 100_000, Bytes: 1 << 30, Kept: 100, Buried: 100, KeptBytes: 1 << 40, Ageing: 60 * second})
	one := state.AppendEnqueue(nil, spec())
	for range n {
		if err := x.Apply(one, &x.out); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// Whatever comes and goes: nothing is before a job exactly if it is what Pick gives.
func TestWhySaysNextOfExactlyTheJobThatIsPicked(t *testing.T) {
	next, behind := 0, 0
	for seed := range uint64(20) {
		d := newDriver(seed)
		for n := range 1000 {
			if d.step(t); n%5 > 0 {
				continue
			}
			f := state.Filter{}
			if d.r.IntN(2) == 0 {
				f.Tasks, f.Queues = []string{"a", "b"}, []string{"small", "x"}
			}
			picked, ok := d.s.Pick(f)
			for id := uint64(1); id <= d.last; id++ {
				i, err := d.s.Job(id)
				if err != nil || i.Status != state.Ready || f.Tasks != nil && (i.Task == "c" || i.Queue == "big") {
					continue
				}
				w, _ := d.s.Why(id, f)
				switch {
				case w.Reason == state.ReasonNext && ok && id == picked:
					next++
				case w.Reason == state.ReasonBehind && id != picked:
					behind++
				case w.Reason == state.ReasonNext || w.Reason == state.ReasonBehind || id == picked:
					t.Fatalf("seed %d: job %d, where %d is picked: %+v", seed, id, picked, w)
				}
			}
		}
	}
	if next < 500 || behind < 1000 {
		t.Errorf("only %d were next, and %d behind", next, behind)
	}
}
