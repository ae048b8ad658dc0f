package frame_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/frame"
)

func TestRequestsArriveAsTheyLeft(t *testing.T) {
	for _, want := range []frame.Request{
		{},
		{Task: "resize"},
		{Task: "resize", Deadline: time.Unix(1789000000, 123456789), Watched: true},
		{Task: strings.Repeat("a", 255), TraceParent: strings.Repeat("b", 65535), TraceState: strings.Repeat("c", 65535)},
		{TraceState: "vendor=1"},
		{Task: "resize", Job: strings.Repeat("d", 65535), Watched: true},
		{TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Watched: true},
	} {
		for _, input := range []string{"", "{}", strings.Repeat("x", 100_000)} {
			body := append(frame.AppendRequest(nil, want), input...)
			got, in, err := frame.ParseRequest(body)
			if err != nil || got != want || string(in) != input {
				t.Errorf("got %+v and %d bytes, %v; want %+v and %d bytes", got, len(in), err, want, len(input))
			}
			if len(body) > frame.MaxRequest+len(input) {
				t.Errorf("%d bytes more than the input: MaxRequest is wrong", len(body)-len(input))
			}
		}
	}
}

func TestADeadlineIsTheSameInstantOrTheNearestThatCanBeWritten(t *testing.T) {
	first, last := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	for _, test := range []struct {
		name       string
		sent, want time.Time
	}{
		{"none", time.Time{}, time.Time{}},
		{"now, elsewhere", time.Unix(1789000000, 5).In(time.FixedZone("there", 3600)), time.Unix(1789000000, 5)},
		{"the epoch, not none", time.Unix(0, 0), time.Unix(0, -1)},
		{"before the epoch", time.Unix(-1000, 7), time.Unix(-1000, 7)},
		{"in three thousand years", time.Date(5000, 1, 1, 0, 0, 0, 0, time.UTC), last},
		{"at the end of time", time.Unix(1<<62, 0), last},
		{"in the year 1", time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), first},
		{"the last nanosecond", last, last},
	} {
		got, _, err := frame.ParseRequest(frame.AppendRequest(nil, frame.Request{Task: "x", Deadline: test.sent}))
		if err != nil || !got.Deadline.Equal(test.want) || got.Deadline.IsZero() != test.want.IsZero() {
			t.Errorf("%s: %v became %v, %v", test.name, test.sent, got.Deadline, err)
		}
	}
}

func TestARequestThatCannotBeWrittenIsTheProgrammersMistake(t *testing.T) {
	for _, r := range []frame.Request{
		{Task: strings.Repeat("a", 256)},
		{TraceParent: strings.Repeat("a", 65536)},
		{TraceState: strings.Repeat("a", 65536)},
		{Job: strings.Repeat("a", 65536)},
	} {
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.HasPrefix(v, "frame: a Request with ") {
					t.Errorf("got %q", v)
				}
			}()
			frame.AppendRequest(nil, r)
		}()
	}
}

func TestBodiesThatAreNotAsTheirKindWantsThemAreRefused(t *testing.T) {
	request := frame.AppendRequest(nil, frame.Request{Task: "resize", TraceParent: "0", TraceState: "1"})
	with := func(at int, to byte) []byte {
		b := bytes.Clone(request)
		b[at] = to
		return b
	}
	parseCall := func(b []byte) error { _, _, err := frame.ParseRequest(b); return err }
	parseProgress := func(b []byte) error { _, _, _, err := frame.ParseProgress(b); return err }
	for _, test := range []struct {
		name  string
		parse func([]byte) error
		body  []byte
		want  string
	}{
		{"nothing", parseCall, nil, "malformed call: 0 bytes are less than the 16 before its name"},
		{"a short head", parseCall, request[:15], "malformed call: 15 bytes are less than the 16 before its name"},
		{"half a name", parseCall, request[:20], "malformed call: its names have 8 bytes, of which 4 are there"},
		{"a name that is too long", parseCall, with(9, 255), "malformed call: its names have 257 bytes, of which 8 are there"},
		{"a trace that is too long", parseCall, with(11, 255), "malformed call: its names have 65288 bytes, of which 8 are there"},
		{"a state that is too long", parseCall, with(13, 255), "malformed call: its names have 65288 bytes, of which 8 are there"},
		{"a flag from later", parseCall, with(8, 2), "malformed call: flags 0x02 have bits that version 1 leaves at zero"},
		{"a job that is too long", parseCall, with(15, 3), "malformed call: its names have 776 bytes, of which 8 are there"},
		{"no progress", parseProgress, nil, "malformed progress: 0 bytes are less than the 16 of its numbers"},
		{"half a progress", parseProgress, request[:15], "malformed progress: 15 bytes are less than the 16 of its numbers"},
	} {
		err := test.parse(test.body)
		if b, ok := errors.AsType[*frame.Broken](err); !ok || b.Why != frame.Malformed || err.Error() != test.want {
			t.Errorf("%s: got  %v\nwant %s", test.name, err, test.want)
		}
	}
}

func TestProgressArrivesAsItLeft(t *testing.T) {
	for _, test := range []struct {
		done, total int64
		sent, want  string
	}{
		{0, 0, "", ""},
		{3, 10, "page 3", "page 3"},
		{math.MinInt64, math.MaxInt64, "ß", "ß"},
		{1, 2, "a\xffb", "a\uFFFDb"},
	} {
		done, total, note, err := frame.ParseProgress(frame.AppendProgress(nil, test.done, test.total, test.sent))
		if err != nil || done != test.done || total != test.total || note != test.want {
			t.Errorf("%+v: got %d, %d, %q, %v", test, done, total, note, err)
		}
	}
	if _, _, note, err := frame.ParseProgress(append(make([]byte, 16), "a\xffb"...)); note != "a\uFFFDb" || err != nil {
		t.Errorf("from another language came %q, %v", note, err)
	}
}

func TestKindsHaveTheNamesOfTheReference(t *testing.T) {
	for k, want := range map[frame.Kind]string{frame.Hello: "hello", frame.Cancel: "cancel", frame.Failure: "failure", 0: "kind 0", 8: "kind 8"} {
		if k.String() != want {
			t.Errorf("%d is %q, want %q", uint8(k), k, want)
		}
	}
}
