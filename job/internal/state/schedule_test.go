package state_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

func (x *shard) schedule(name string, next int64, change ...func(*state.Spec)) {
	x.Helper()
	x.do(state.AppendSchedule(nil, &state.Schedule{Name: name, Rule: "r", Next: next, Spec: spec(change...)}))
}

func (x *shard) scheduled(name string) state.ScheduleInfo {
	x.Helper()
	i, ok := x.ScheduleNamed(name)
	if !ok {
		x.Fatalf("there is no schedule %q", name)
	}
	return i
}

func TestATickEntersAJobAndMovesItsScheduleOn(t *testing.T) {
	x := open(t, roomy)
	at := x.Now() + 10*second
	x.schedule("daily", at, func(p *state.Spec) { p.Tags, p.Group = []string{"blue"}, "g" })
	if name, due, ok := x.NextTick(); !ok || name != "daily" || due != at {
		t.Fatalf("%q at %d", name, due)
	}
	x.refuses(state.ErrSchedule, state.AppendTick(nil, "daily", at, at, at+second)) // not yet due
	x.pass(12 * second)
	out := x.do(state.AppendTick(nil, "daily", at, at-second, at+60*second))
	i := x.is(out.IDs[0], state.Ready)
	if i.Schedule != "daily" || i.Tick != at-second || fmt.Sprint(i.Tags) != "[blue]" || i.Group != "g" || string(i.Input) != "in" {
		t.Errorf("%+v", i)
	}
	if c := x.scheduled("daily"); c.Last != at-second || c.Job != i.ID || c.Next != at+60*second {
		t.Errorf("%+v", c)
	}
	x.refuses(state.ErrSchedule, state.AppendTick(nil, "daily", at, at, at+120*second)) // it was moved on
	x.refuses(state.ErrSchedule, state.AppendTick(nil, "other", at, at, at+120*second))
}

func TestATickCanBeLeftOutAndCanBeTheLast(t *testing.T) {
	x := open(t, roomy)
	at := x.Now()
	x.schedule("s", at)
	if out := x.do(state.AppendTick(nil, "s", at, 0, at+second)); len(out.IDs) != 0 {
		t.Errorf("%+v", *out)
	}
	x.pass(second)
	x.do(state.AppendTick(nil, "s", at+second, at+second, 0))
	if _, _, ok := x.NextTick(); ok {
		t.Error("it is due again")
	}
	x.pass(100 * second)
	x.refuses(state.ErrSchedule, state.AppendTick(nil, "s", 0, x.Now(), x.Now()+1))
	if c := x.scheduled("s"); c.Next != 0 || c.Last != at+second {
		t.Errorf("%+v", c)
	}
}

func TestAScheduleThatIsReplacedKeepsItsLastTick(t *testing.T) {
	x := open(t, roomy)
	at := x.Now()
	x.schedule("s", at)
	job := x.do(state.AppendTick(nil, "s", at, at, at+second)).IDs[0]
	x.do(state.AppendSchedule(nil, &state.Schedule{Name: "s", Rule: "other", Next: at + 5*second, Spec: spec(task("crop"))}))
	if c := x.scheduled("s"); c.Rule != "other" || c.Next != at+5*second || c.Last != at || c.Job != job || c.Spec.Task != "crop" {
		t.Errorf("%+v", c)
	}
	if name, due, _ := x.NextTick(); name != "s" || due != at+5*second {
		t.Errorf("%q at %d", name, due)
	}
	x = x.restored()
	if name, due, _ := x.NextTick(); name != "s" || due != at+5*second {
		t.Errorf("%q at %d", name, due)
	}
}

func TestAnUnscheduledOneIsGoneAndItsJobsStay(t *testing.T) {
	x := open(t, roomy)
	at := x.Now()
	x.schedule("s", at)
	job := x.do(state.AppendTick(nil, "s", at, at, at+second)).IDs[0]
	x.do(state.AppendUnschedule(nil, "s"))
	x.refuses(state.ErrSchedule, state.AppendUnschedule(nil, "s"))
	x.pass(second)
	x.refuses(state.ErrSchedule, state.AppendTick(nil, "s", at+second, at+second, at+2*second))
	x.is(job, state.Ready)
	if _, _, ok := x.NextTick(); ok {
		t.Error("it is due")
	}
}

func TestATickWhoseKeyAnotherJobHasIsThatJob(t *testing.T) {
	x := open(t, roomy)
	s, at := x.session(), x.Now()
	x.schedule("s", at, func(p *state.Spec) { p.Key = "one at a time" })
	first := x.do(state.AppendTick(nil, "s", at, at, at+second)).IDs[0]
	x.pass(second)
	out := x.do(state.AppendTick(nil, "s", at+second, at+second, at+2*second))
	if out.IDs[0] != first || !out.Existing[0] {
		t.Errorf("%+v", *out)
	}
	if c := x.scheduled("s"); c.Last != at+second || c.Job != first {
		t.Errorf("%+v", c)
	}
	x.complete(x.again(s, state.Info{ID: first}).ID)
	x.pass(second)
	if out := x.do(state.AppendTick(nil, "s", at+2*second, at+2*second, 0)); out.Existing[0] {
		t.Error("it is joined though it has ended")
	}
}

func TestATickWithoutRoomIsRefusedAndStaysDue(t *testing.T) {
	x := open(t, roomy)
	x.do(state.AppendQueue(nil, "q", state.Queue{Depth: 1}))
	job, at := x.enqueue(), x.Now()
	x.schedule("s", at)
	x.fullOf("q", state.AppendTick(nil, "s", at, at, at+second))
	if name, due, _ := x.NextTick(); name != "s" || due != at {
		t.Errorf("%q at %d", name, due)
	}
	x.do(state.AppendCancel(nil, job, nil))
	x.do(state.AppendTick(nil, "s", at, at, at+second))
}

// fullOf holds that a transition is refused for want of room, and changes nothing.
func (x *shard) fullOf(queue string, b []byte) {
	x.Helper()
	before := string(x.AppendCanonical(nil))
	full, ok := x.Apply(b, &x.out).(*state.FullError)
	if !ok || full.Queue != queue {
		x.Fatalf("got %v", full)
	}
	if x.sound(); string(x.AppendCanonical(nil)) != before {
		x.Fatal("it has changed the state")
	}
}

func TestSchedulesThatMakeNoSenseAreRefused(t *testing.T) {
	x := open(t, roomy)
	p := x.run(x.session())
	for _, c := range []state.Schedule{
		{Name: "", Next: 1, Spec: spec()},
		{Name: "s", Next: -1, Spec: spec()},
		{Name: "s", Next: state.MaxTime + 1, Spec: spec()},
		{Name: "s", Next: 1, Spec: spec(attachedTo(p))},
		{Name: "s", Next: 1, Spec: spec(attached(p.Session))},
		{Name: "s", Next: 1, Spec: spec(x.until(second))},
		{Name: "s", Next: 1, Spec: spec(func(p *state.Spec) { p.RunAt = 1 })},
		{Name: "s", Next: 1, Spec: spec(func(p *state.Spec) { p.Schedule = "of another" })},
		{Name: "s", Next: 1, Spec: state.Spec{Task: "t"}},
	} {
		x.refuses(state.ErrMalformed, state.AppendSchedule(nil, &c))
	}
	x.schedule("s", x.Now())
	for _, next := range []int64{-1, x.Now(), 1, state.MaxTime + 1} {
		x.refuses(state.ErrMalformed, state.AppendTick(nil, "s", x.Now(), x.Now(), next))
	}
	x.refuses(state.ErrMalformed, state.AppendTick(nil, "s", x.Now(), -1, 0))
}

func TestTheScheduleThatIsDueFirstIsToBeLookedAtFirstUnlessItIsPutOff(t *testing.T) {
	x := open(t, roomy)
	at := x.Now() + 10*second
	for _, c := range []struct {
		name string
		at   int64
	}{{"c", at + 2}, {"a", at + 1}, {"b", at + 1}, {"never", 0}} {
		x.schedule(c.name, c.at)
	}
	next := func(want string) {
		t.Helper()
		if name, _, ok := x.NextTick(); name != want || ok != (want != "") {
			t.Errorf("%q comes next, not %q", name, want)
		}
	}
	next("a")
	x.Postpone("a", at+5)
	next("b")
	x.Postpone("b", at+4)
	next("c")
	x.do(state.AppendUnschedule(nil, "c"))
	next("b")
	x.schedule("a", at+1) // one that is replaced is looked at in its time
	next("a")
	for range 1000 {
		x.Postpone("a", at+1)
	}
	x.schedule("a", 0)
	x.schedule("b", 0)
	next("")
	if n := x.Remembered().Ticks; n > 100 {
		t.Errorf("%d are remembered", n)
	}
}

func TestSchedulesAreListedByNamePageByPage(t *testing.T) {
	x := open(t, roomy)
	for i := range 25 {
		x.schedule(fmt.Sprintf("s%02d", i*7%25), x.Now()+second)
	}
	seen, after := 0, ""
	for {
		page := x.Schedules(after, 10)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			if want := fmt.Sprintf("s%02d", seen); c.Name != want {
				t.Fatalf("%q, not %q", c.Name, want)
			}
			after = c.Name
			seen++
		}
	}
	if seen != 25 {
		t.Errorf("%d of 25", seen)
	}
}
