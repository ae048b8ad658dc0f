package state_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// Whatever a Spec says is there to be seen, and goes through a snapshot.
func TestAnInfoHasAllThatItsSpecSaid(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	full := spec(keyed(p, "key"), func(p *state.Spec) {
		p.Queue, p.Priority, p.RunAt, p.Unique = "other", -7, x.Now()+5*second, state.UniqueDead
		p.Group, p.Limit, p.LimitKey, p.Timeout, p.Deadline = "g", "l", "lk", 3*second, x.Now()+100*second
		p.Called, p.Tags = true, []string{"a", "b"}
		p.TraceParent, p.TraceState, p.Schedule, p.Tick = "00-trace", "state", "daily", 77
	})
	id := x.do(state.AppendEnqueue(nil, full)).IDs[0]
	want := state.Info{
		ID: id, Task: "resize", Queue: "other", Key: "key", Status: state.Scheduled, Priority: -7, Attempts: 3,
		Entered: x.Now(), Since: x.Now(), Due: x.Now() + 5*second, Input: []byte("in"),
		Group: "g", Limit: "l", LimitKey: "lk", Unique: state.UniqueDead | state.UniqueDone, // a child that is done is found again
		Timeout: 3 * second, Deadline: x.Now() + 100*second, Parent: p.ID, ParentEpoch: p.Epoch, Called: true,
		Tags: []string{"a", "b"}, TraceParent: "00-trace", TraceState: "state", Schedule: "daily", Tick: 77,
	}
	for name, y := range map[string]*shard{"entered": x, "restored": x.restored()} {
		if got := y.is(id, state.Scheduled); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, want)
		}
	}
	own := x.is(x.enqueue(attached(s)), state.Ready)
	if own.Scope != s || !own.Attached || own.Unique != 0 {
		t.Errorf("%+v", own)
	}
}

func TestTheDetailIsOfWhatEndedTheJob(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	fail := func(i state.Info, permanent bool, detail string) {
		t.Helper()
		x.do(state.AppendFail(nil, i.Session, i.ID, i.Epoch, state.Failure{Permanent: permanent, Error: "e", Detail: []byte(detail)}))
	}
	is := func(job uint64, status state.Status, cause state.Cause, detail string) {
		t.Helper()
		if i := x.is(job, status); i.Cause != cause || string(i.Detail) != detail {
			t.Fatalf("cause %d, detail %q; want %d, %q", i.Cause, i.Detail, cause, detail)
		}
	}
	i := x.run(s)
	fail(i, false, "first")
	is(i.ID, state.Ready, state.CauseNone, "")
	fail(x.again(s, i), true, "last")
	is(i.ID, state.Dead, state.CauseFailed, "last")
	x.do(state.AppendRevive(nil, i.ID))
	is(i.ID, state.Ready, state.CauseNone, "")
	x.complete(x.again(s, i).ID)

	i = x.run(s)
	x.do(state.AppendCancel(nil, i.ID, []byte("why")))
	is(i.ID, state.Running, state.CauseAsked, "why")
	fail(i, false, "")
	is(i.ID, state.Cancelled, state.CauseAsked, "why")

	i = x.run(s)
	x.do(state.AppendCancel(nil, i.ID, []byte("why")))
	fail(i, false, "the worker's")
	is(i.ID, state.Cancelled, state.CauseFailed, "the worker's")

	i = x.run(s)
	x.do(state.AppendCancel(nil, i.ID, []byte("why")))
	x.do(state.AppendSessionEnd(nil, s))
	is(i.ID, state.Cancelled, state.CauseAsked, "why")

	waits := x.enqueue()
	x.do(state.AppendCancel(nil, waits, []byte("waits")))
	is(waits, state.Cancelled, state.CauseAsked, "waits")
	x.refuses(state.ErrMalformed, state.AppendCancel(nil, waits, make([]byte, state.MaxDetail+1)))
}

// Jobs come and go while somebody turns pages: each that was there all the time
// and is not changed is seen exactly once.
func TestASearchThatGoesOnWhileJobsComeAndGoMissesNone(t *testing.T) {
	x := open(t, roomy)
	tagged := func(p *state.Spec) { p.Tags, p.Keep = []string{"t"}, 0 }
	for i := range 300 {
		if i%3 == 0 {
			x.enqueue(tagged)
		} else {
			x.enqueue(func(p *state.Spec) { p.Keep = 0 })
		}
	}
	q := &state.Query{Tag: "t", Statuses: []state.Status{state.Ready}}
	seen := make(map[uint64]int)
	calls := 0
	for below := uint64(0); ; calls++ {
		found, next := x.Search(q, below, 7, 20)
		for _, i := range found {
			seen[i.ID]++
		}
		if below = next; next == 0 {
			break
		}
		x.enqueue(tagged)                                                  // newer: is not seen
		x.do(state.AppendCancel(nil, next-1, nil))                         // the very next one goes
		if gone := uint64(1 + 60*calls/15); gone < next-1 && gone%3 != 1 { // and others
			x.do(state.AppendCancel(nil, gone, nil))
		}
		x = x.restored()
	}
	for id := uint64(1); id <= 300; id += 3 {
		if i, err := x.Job(id); err == nil && i.Status == state.Ready && seen[id] != 1 {
			t.Errorf("job %d is seen %d times", id, seen[id])
		}
	}
	for id := range seen {
		if id > 300 || seen[id] > 1 {
			t.Errorf("job %d is seen %d times", id, seen[id])
		}
	}
	if calls < 14 {
		t.Errorf("%d calls", calls)
	}
}

func TestEachFilterOfASearch(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	child := x.enqueue(keyed(p, "k"))
	key := x.enqueue(func(p *state.Spec) { p.Key = "k" })
	x.pass(10 * second)
	at := x.Now()
	x.schedule("daily", at)
	tick := x.do(state.AppendTick(nil, "daily", at, at, 0)).IDs[0]
	group := x.enqueue(of("g"), queued("p"), task("crop"))
	for name, c := range map[string]struct {
		q    state.Query
		want []uint64
	}{
		"parent":   {state.Query{Parent: p.ID}, []uint64{child}},
		"key":      {state.Query{Key: "k"}, []uint64{key, child}},
		"schedule": {state.Query{Schedule: "daily"}, []uint64{tick}},
		"after":    {state.Query{After: at}, []uint64{group, tick}},
		"before":   {state.Query{Before: at}, []uint64{key, child, p.ID}},
		"group":    {state.Query{Groups: []string{"g", "none"}}, []uint64{group}},
		"default":  {state.Query{Groups: []string{""}, Before: at, Statuses: []state.Status{state.Running}}, []uint64{p.ID}},
		"task":     {state.Query{Tasks: []string{"crop"}, Queues: []string{"p"}}, []uint64{group}},
		"nothing":  {state.Query{Tasks: []string{"crop"}, Queues: []string{"q"}}, nil},
	} {
		var got []uint64
		found, next := x.Search(&c.q, 0, 100, 100)
		for _, i := range found {
			got = append(got, i.ID)
		}
		if !slices.Equal(got, c.want) || next != 0 {
			t.Errorf("%s: got %v (%d), want %v", name, got, next, c.want)
		}
	}
}

func TestTagsAreCountedAsTheirJobsAre(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	tagged := func(tags ...string) func(*state.Spec) { return func(p *state.Spec) { p.Tags = tags } }
	a := x.run(s, tagged("blue", "red"))
	x.enqueue(tagged("blue"))
	x.complete(a.ID)
	if blue, red := x.CountTag("blue"), x.CountTag("red"); blue.Done != 1 || blue.Ready != 1 || red.Done != 1 || red.Live() != 0 {
		t.Errorf("%+v %+v", blue, red)
	}
	x = x.restored()
	x.pass(60 * second)
	if red := x.CountTag("red"); red != (state.Counts{}) {
		t.Errorf("%+v", red)
	}
	for _, tags := range [][]string{{"b", "a"}, {"a", "a"}, {""}, {string(bytes.Repeat([]byte("x"), state.MaxTag+1))}} {
		x.refuses(state.ErrMalformed, state.AppendEnqueue(nil, spec(tagged(tags...))))
	}
}
