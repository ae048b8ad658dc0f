package origin_test

import (
	"strings"
	"testing"

	"github.com/hemgo/hem/internal/origin"
)

func TestAnAttemptArrivesAsItLeft(t *testing.T) {
	for _, want := range []origin.Attempt{
		{Log: [16]byte{1, 15: 255}, Job: 1, Epoch: 1, Number: 1},
		{Job: 1<<64 - 1, Epoch: 1<<32 - 1, Number: 1 << 30, Scheduled: true, Tick: -1},
		{Job: 7, Epoch: 2, Number: 1, Scheduled: true, Tick: 1789000000e6, TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: `a=1,b="<ü>"`},
	} {
		got, err := origin.Decode(want.Encode())
		if err != nil || *got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestWhatIsLocalDoesNotTravel(t *testing.T) {
	a := origin.Attempt{Job: 1, Epoch: 1, Local: t}
	if got, err := origin.Decode(a.Encode()); err != nil || got.Local != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFieldsOfLaterAreIgnored(t *testing.T) {
	a := origin.Attempt{Job: 1, Epoch: 1, Number: 1}
	if got, err := origin.Decode(`{"later":[1],` + a.Encode()[1:]); err != nil || *got != a {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatIsNoAttemptIsRefused(t *testing.T) {
	const log = `"log":"00000000000000000000000000000001"`
	for _, s := range []string{
		"", "{", "null", "{}", "[]", `"x"`,
		`{` + log + `,"job":0,"epoch":1}`,
		`{` + log + `,"job":1,"epoch":0}`,
		`{` + log + `,"job":-1,"epoch":1}`,
		`{` + log + `,"job":1,"epoch":4294967296}`,
		`{"log":"01","job":1,"epoch":1}`,
		`{"log":"0000000000000000000000000000000x","job":1,"epoch":1}`,
	} {
		if a, err := origin.Decode(s); err == nil || !strings.HasPrefix(err.Error(), "the attempt ") {
			t.Errorf("%q became %+v, %v", s, a, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("{}")
	a := origin.Attempt{Job: 7, Epoch: 2, Number: 1, Scheduled: true, TraceParent: "p", TraceState: "s"}
	f.Add(a.Encode())
	f.Fuzz(func(t *testing.T, s string) {
		a, err := origin.Decode(s)
		if err != nil {
			return
		}
		if again, err := origin.Decode(a.Encode()); err != nil || *again != *a {
			t.Fatalf("%q became %+v, and that %+v, %v", s, a, again, err)
		}
	})
}
