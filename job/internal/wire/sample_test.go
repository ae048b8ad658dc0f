package wire_test

import (
	"encoding/binary"
	"errors"
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

// filled is a T of which every field has a value of its own, so that none can be
// forgotten or taken for another.
func filled[T any]() T {
	var v T
	n := int64(0)
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("text " + string(rune('a'+*n)))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("data " + string(rune('a'+*n))))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		if v.CanInt() {
			v.SetInt(-*n)
			if v.Kind() == reflect.Int {
				v.SetInt(*n)
			}
			return
		}
		v.SetUint(uint64(*n))
	}
}

func pointer[T any](v T) *T { return &v }

var name = state.Request{Client: 3, N: 70, Low: 66}

// requests are of every Op that can cross.
func requests() []owner.Request {
	spec, schedule := filled[state.Spec](), filled[state.Schedule]()
	return []owner.Request{
		{Op: owner.Enqueue, Request: name, Wait: true, Specs: []state.Spec{spec, {Task: "t", Queue: "q", Attempts: 1}}},
		{Op: owner.Enqueue, Specs: []state.Spec{spec}, Follow: true, Watched: true},
		{Op: owner.Enqueue, Specs: []state.Spec{spec}, Follow: true, Asker: owner.Asker{Job: 1 << 50, Epoch: 3, Endless: true}},
		{Op: owner.Claim, Session: 9, Most: 10, Wait: true, Filter: state.Filter{Tasks: []string{"a", "b"}}},
		{Op: owner.Claim, Session: 9, Filter: state.Filter{Tasks: []string{}, Queues: []string{"q"}}},
		{Op: owner.Return, Request: name, Session: 9, Job: 1 << 40, Epoch: 1<<32 - 1},
		{Op: owner.Complete, Request: name, Session: 9, Job: 8, Epoch: 7, Result: []byte("42")},
		{Op: owner.Fail, Request: name, Session: 9, Job: 8, Epoch: 7, Failure: filled[state.Failure]()},
		{Op: owner.Cancel, Request: name, Job: 8, Cause: []byte("why")},
		{Op: owner.Leave, Request: name, Job: 8, Cause: []byte("why")},
		{Op: owner.Revive, Request: name, Job: 8},
		{Op: owner.OpenSession, Request: name, Name: "worker", Remote: true},
		{Op: owner.EndSession, Request: name, Session: 9},
		{Op: owner.OpenClient},
		{Op: owner.Pause, Request: name, Name: "q", Paused: true},
		{Op: owner.Pause, Request: name, Name: "q", Paused: true, Asker: owner.Asker{Job: 8, Epoch: 1}},
		{Op: owner.Schedule, Request: name, Schedule: &schedule},
		{Op: owner.Unschedule, Request: name, Name: "nightly"},
		{Op: owner.Job, Job: 8},
		{Op: owner.Counts, Name: "q"},
		{Op: owner.View},
		{Op: owner.Progress, Job: 8},
		{Op: owner.Report, Session: 9, Job: 8, Epoch: 7, Report: filled[owner.Reported]()},
		{Op: owner.Beat, Session: 9},
		{Op: owner.Attach, Session: 9, Leases: []owner.Lease{{Job: 1, Epoch: 2}, {Job: 1 << 50, Epoch: 1}}},
		{Op: owner.Await, Job: 8, Watched: true, Seen: 3},
		{Op: owner.Await, Job: 8, Asker: owner.Asker{Job: 8, Epoch: 1, Endless: true}},
		{Op: owner.Listen, Session: 9, Seen: 3},
		{Op: owner.Drained, Name: "q"},
	}
}

// answers are to every Op that can cross, the fields of what was asked left out.
func answers() []owner.Request {
	info, report := filled[state.Info](), filled[owner.Reported]()
	return []owner.Request{
		{Op: owner.Enqueue, IDs: []uint64{7, 8, 3}, Existing: []bool{false, false, true}},
		{Op: owner.Enqueue, IDs: []uint64{7}, Existing: []bool{true}, Follow: true, Job: 7, Jobs: []state.Info{info}},
		{Op: owner.Enqueue, IDs: []uint64{7}, Existing: []bool{false}, Follow: true, Job: 7, Report: report},
		{Op: owner.Enqueue, IDs: []uint64{7}, Err: owner.ErrDropped},
		{Op: owner.Claim},
		{Op: owner.Claim, Jobs: []state.Info{info, {ID: 1, Task: "t", Queue: "q"}}},
		{Op: owner.Return, Status: state.Ready},
		{Op: owner.Complete, Status: state.Done},
		{Op: owner.Fail, Status: state.Dead},
		{Op: owner.Cancel, Status: state.Cancelled},
		{Op: owner.Cancel, Status: state.Done, Err: state.ErrEnded},
		{Op: owner.Leave, Status: state.Cancelled},
		{Op: owner.Revive, Status: state.Ready},
		{Op: owner.OpenSession, IDs: []uint64{1 << 63}},
		{Op: owner.OpenClient, IDs: []uint64{2}},
		{Op: owner.EndSession},
		{Op: owner.Pause},
		{Op: owner.Schedule},
		{Op: owner.Unschedule},
		{Op: owner.Job, Jobs: []state.Info{info}},
		{Op: owner.Counts, Counts: filled[state.Counts](), Depth: 5},
		{Op: owner.View},
		{Op: owner.Progress, Report: report},
		{Op: owner.Report},
		{Op: owner.Beat},
		{Op: owner.Attach, IDs: []uint64{5}},
		{Op: owner.Await, Jobs: []state.Info{info}},
		{Op: owner.Await, Report: report},
		{Op: owner.Listen, Cancels: []owner.Cancelled{filled[owner.Cancelled]()}},
		{Op: owner.Drained},
	}
}

// errs are those that keep what they are.
func errs() []error {
	return []error{
		state.ErrNoJob, state.ErrForgotten, state.ErrOutdated, state.ErrDifferent, owner.ErrDropped,
		pointer(filled[state.FullError]()), pointer(filled[state.KnotError]()),
		&owner.LostError{MayHaveHappened: true, Err: owner.ErrDeposed},
		&owner.LowError{Err: owner.ErrFull}, &owner.TooLargeError{Bytes: 9, Most: 8},
		&fault.Error{Op: "op", Task: "t", Kind: fault.Invalid, Hint: "do", Err: fault.Sentinel("job: none")},
	}
}

// terms are a server's first word, with clocks as early and as late as can be.
func terms() []wire.Terms {
	some := wire.Terms{Name: "owner", Prompt: 2, Waiting: 3, Clock: 1_800_000_000_000_000}
	for i := range some.Log {
		some.Log[i] = byte(i)
	}
	last := some
	last.Clock = state.MaxTime
	return []wire.Terms{{Prompt: 1, Waiting: 1}, some, last}
}

func putTerms(v *wire.Terms) []byte {
	f := wire.Put(nil)
	f.Terms(v)
	return f.Bytes()
}

func takeTerms(b []byte) (v wire.Terms, ok bool) {
	f := wire.Take(b, nil)
	f.Terms(&v)
	return v, f.Whole()
}

func putClock(v int64) []byte {
	f := wire.Put(nil)
	f.Clock(&v)
	return f.Bytes()
}

func takeClock(b []byte) (v int64, ok bool) {
	f := wire.Take(b, nil)
	f.Clock(&v)
	return v, f.Whole()
}

func putRequest(r *owner.Request) []byte {
	f := wire.Put(nil)
	f.Request(r)
	return f.Bytes()
}

func takeRequest(b []byte) (r owner.Request, ok bool) {
	r.Schedule = &state.Schedule{}
	f := wire.Take(b, &wire.Names{})
	f.Request(&r)
	if r.Op != owner.Schedule {
		r.Schedule = nil
	}
	return r, f.Whole()
}

func putAnswer(r *owner.Request, room int) (b []byte, left int) {
	f := wire.Put(nil)
	left = f.Answer(r, room)
	return f.Bytes(), left
}

func takeAnswer(b []byte, op owner.Op) (r owner.Request, ok bool) {
	r.Op = op
	f := wire.Take(b, nil)
	f.Answer(&r, 0)
	return r, f.Whole()
}

func TestARequestIsWhatItWas(t *testing.T) {
	seen := make(map[owner.Op]bool)
	for _, want := range requests() {
		seen[want.Op] = true
		b := putRequest(&want)
		got, ok := takeRequest(b)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, %v; want %+v", want.Op, got, ok, want)
		}
		for n := range b {
			if _, ok := takeRequest(b[:n]); ok {
				t.Errorf("%v: %d of %d bytes were enough", want.Op, n, len(b))
			}
		}
		if _, ok := takeRequest(append(b, 0)); ok {
			t.Errorf("%v: a byte more was taken", want.Op)
		}
	}
	for op := owner.Op(1); op.String() != "no op"; op++ {
		if !seen[op] {
			t.Errorf("%v does not cross", op)
		}
	}
}

func TestAnAnswerIsWhatItWas(t *testing.T) {
	for _, want := range answers() {
		b, left := putAnswer(&want, wire.MaxBody)
		got, ok := takeAnswer(b, want.Op)
		if !ok || left != 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, %v; want %+v", want.Op, got, ok, want)
		}
		if _, ok := takeAnswer(b, want.Op%9+1); ok && want.Op != want.Op%9+1 {
			t.Errorf("an answer to %v was taken for another", want.Op)
		}
	}
}

func TestErrorsKeepWhatCallersLookFor(t *testing.T) {
	for _, want := range errs() {
		r := owner.Request{Op: owner.Revive, Err: want}
		b, _ := putAnswer(&r, 0)
		got, ok := takeAnswer(b, owner.Revive)
		if !ok || !reflect.DeepEqual(got.Err, want) {
			t.Errorf("%v (%T) became %v (%T)", want, want, got.Err, got.Err)
		}
	}
	r := owner.Request{Op: owner.Revive, Err: errors.New("some text")}
	b, _ := putAnswer(&r, 0)
	if got, ok := takeAnswer(b, owner.Revive); !ok || got.Err.Error() != "some text" {
		t.Errorf("got %v", got.Err)
	}
}

// TestNoErrorIsForgotten looks for errors in the source of the packages whose errors
// they are.
func TestNoErrorIsForgotten(t *testing.T) {
	kept := make(map[string]bool)
	for _, err := range wire.Sentinels() {
		kept[err.Error()] = true
	}
	for _, err := range errs() {
		kept[reflect.Indirect(reflect.ValueOf(err)).Type().Name()] = true
	}
	kept["DamageError"] = true // ends an owner, and answers nobody
	is := regexp.MustCompile(`(?m)^\s+Err\w+ += errors.New\("(.*)"\)|^type ([A-Z]\w*Error) struct`)
	for _, file := range []string{"../state/refusal.go", "../owner/errors.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all := is.FindAllStringSubmatch(string(source), -1)
		if len(all) < 10 {
			t.Errorf("only %d errors in %s", len(all), file)
		}
		for _, m := range all {
			if !kept[m[1]+m[2]] {
				t.Errorf("%s: %s%s does not keep what it is", file, m[1], m[2])
			}
		}
	}
}

func TestAnAnswerTakesNoMoreThanItsRoom(t *testing.T) {
	info := state.Info{Task: "t", Queue: "q", Input: make([]byte, 256<<10)}
	r := owner.Request{Op: owner.Claim, Jobs: []state.Info{info, info, info}}
	for room, want := range map[int]int{0: 2, 300 << 10: 2, 600 << 10: 1, 1 << 20: 0} {
		b, left := putAnswer(&r, room)
		got, ok := takeAnswer(b, owner.Claim)
		if !ok || left != want || len(got.Jobs) != 3-want {
			t.Errorf("in %d bytes: %d were left, %d arrived, %v", room, left, len(got.Jobs), ok)
		}
	}
	l := owner.Request{Op: owner.Listen, Cancels: []owner.Cancelled{{Seq: 1, Detail: make([]byte, 1000)}, {Seq: 2, Detail: make([]byte, 1000)}}}
	if b, left := putAnswer(&l, 1500); left != 1 {
		t.Errorf("%d were left of %d bytes", left, len(b))
	}
}

func TestTermsAreWhatTheyWere(t *testing.T) {
	for _, want := range terms() {
		b := putTerms(&want)
		if got, ok := takeTerms(b); !ok || got != want {
			t.Errorf("got %+v, %v; want %+v", got, ok, want)
		}
		for n := range b {
			if _, ok := takeTerms(b[:n]); ok {
				t.Errorf("%d of %d bytes were enough", n, len(b))
			}
		}
	}
}

func TestAClockSaysATimeThatTheLogCanHave(t *testing.T) {
	for _, want := range []int64{0, 1, 1_800_000_000_000_000, state.MaxTime} {
		if got, ok := takeClock(putClock(want)); !ok || got != want {
			t.Errorf("%d became %d, %v", want, got, ok)
		}
	}
	for _, wrong := range []int64{-1, state.MaxTime + 1} {
		if b := putClock(wrong); b != nil {
			t.Errorf("%d was put", wrong)
		}
	}
	for _, b := range [][]byte{nil, binary.AppendUvarint(nil, state.MaxTime+1), binary.AppendUvarint(nil, 1<<64-1), {0, 0}} {
		if got, ok := takeClock(b); ok {
			t.Errorf("%x was taken for %d", b, got)
		}
	}
}

func TestARequestThatNoFrameHoldsIsNotPut(t *testing.T) {
	r := owner.Request{Op: owner.Complete, Result: make([]byte, wire.MaxBody)}
	if putRequest(&r) != nil {
		t.Error("it was put")
	}
}
