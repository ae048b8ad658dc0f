package tasktest

import (
	"bytes"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/task"
)

func largeArrives(t *testing.T, x *exercise) {
	n := 1 << 20
	if x.MaxPayload > 0 {
		n = min(n, x.MaxPayload-1)
	}
	in := bytes.Repeat([]byte{0xa5, 0, 0xff}, n/3)
	out, err := echoBytes.Do(x.ctx, x.r, in)
	if err != nil || !bytes.Equal(in, out) {
		t.Errorf("sent %d bytes, got %d, and they are the same: %v; error %v", len(in), len(out), bytes.Equal(in, out), err)
	}
}

func memoryIsShared(t *testing.T, x *exercise) {
	in := full()
	if out, err := echoPointer.Do(x.ctx, x.r, &in); err != nil || out != &in {
		t.Errorf("sent %p, got %p, %v", &in, out, err)
	}
	if err := failWith(t, x, "plain"); err != errPlain {
		t.Errorf("the function's error came back as another value, %#v", err)
	}
}

func memoryIsNotShared(t *testing.T, x *exercise) {
	in := parcel{Text: "mine"}
	out, err := scribble.Do(x.ctx, x.r, &in)
	if err != nil || out == nil || out.Text != "scribbled" {
		t.Fatalf("got %+v, %v", out, err)
	}
	if in.Text != "mine" || out == &in {
		t.Errorf("the function wrote to the caller's memory: %+v", in)
	}
}

func unencodableIsRefused(t *testing.T, x *exercise) {
	_, err := echoFloat.Do(x.ctx, x.r, math.NaN())
	wantRefusal(t, "an input that is not a number", err, false, echoFloat.Name())
	_, err = echo.Do(x.ctx, x.r, parcel{ByName: map[string]item{"k": {Name: "\xff"}}})
	wantRefusal(t, "an input that is not UTF-8", err, false, echo.Name(), "In.ByName[k].Name")
	_, err = inflate.Do(x.ctx, x.r, -1)
	wantRefusal(t, "an output that is not a number", err, true, inflate.Name())
}

func limitHolds(t *testing.T, x *exercise) {
	n := x.MaxPayload - 1 // bytes have a mark before them
	in := make([]byte, n)
	if out, err := echoBytes.Do(x.ctx, x.r, in); err != nil || len(out) != n {
		t.Errorf("a payload of %d bytes: got %d, %v", n+1, len(out), err)
	}
	limit := strconv.Itoa(x.MaxPayload)
	_, err := echoBytes.Do(x.ctx, x.r, make([]byte, n+1))
	wantRefusal(t, "an input over the limit", err, false, echoBytes.Name(), limit, strconv.Itoa(n+2))
	_, err = inflate.Do(x.ctx, x.r, n+1)
	wantRefusal(t, "an output over the limit", err, true, inflate.Name(), limit)
	if out, err := echoBytes.Do(x.ctx, x.r, []byte("still")); err != nil || string(out) != "still" {
		t.Errorf("the call after a refusal: got %q, %v", out, err)
	}
}

func commandObeys(t *testing.T, x *exercise) {
	if out, err := obey.Do(x.ctx, x.r, ""); err != nil || out != (task.Void{}) {
		t.Errorf("got %v, %v", out, err)
	}
	if _, err := obey.Do(x.ctx, x.r, "no such thing"); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("the error is %v", err)
	}
}

func unknownIsRefused(t *testing.T, x *exercise) {
	_, err := unknown.Do(x.ctx, x.r, 1)
	wantRefusal(t, "an unknown task", err, false, unknown.Name())
	if out, err := square.Do(x.ctx, x.r, 3); err != nil || out != 9 {
		t.Errorf("the call after it: got %d, %v", out, err)
	}
}

func nilIsRefused(t *testing.T, x *exercise) {
	runners := []task.Runner{nil, (*Loopback)(nil), task.Retry(task.RetryPolicy{}, nil)}
	if own := reflect.TypeOf(x.r); own.Kind() == reflect.Pointer {
		runners = append(runners, reflect.Zero(own).Interface().(task.Runner))
	}
	for _, r := range runners {
		_, err := square.Do(x.ctx, r, 3)
		wantRefusal(t, reflect.ValueOf(r).String(), err, false, square.Name())
	}
}

// wantRefusal checks that err is Invalid, tells whether the work had started,
// and names what a reader must know.
func wantRefusal(t *testing.T, what string, err error, started bool, names ...string) {
	t.Helper()
	if fault.KindOf(err) != fault.Invalid || fault.Started(err) != started {
		t.Errorf("%s: got %v, kind %v, started %v; want Invalid, started %v", what, err, fault.KindOf(err), fault.Started(err), started)
		return
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error does not say %q: %v", what, name, err)
		}
	}
}
