package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
)

func TestALargeTextIsCutWithANote(t *testing.T) {
	err := fault.Decode(fault.Encode(fmt.Errorf("%s: %w", strings.Repeat("ä", 1<<20), errSoldOut)))
	if n := len(err.Error()); n > 65<<10 {
		t.Errorf("%d bytes arrived", n)
	}
	if !strings.HasSuffix(err.Error(), "ä … (2031642 bytes cut)shop: sold out") {
		t.Errorf("got …%q", err.Error()[64<<10:])
	}
	if !errors.Is(err, errSoldOut) {
		t.Error("the identity was cut with the text")
	}
	if again := fault.Decode(fault.Encode(err)); again.Error() != err.Error() {
		t.Error("it was cut again on the second journey")
	}
}

func TestNoErrorIsTooLargeToTravel(t *testing.T) {
	deep := error(errSoldOut)
	for range 10_000 {
		deep = fmt.Errorf("x: %w", deep)
	}
	places := error(errSoldOut)
	for range 10_000 {
		places = &fault.Error{Op: "x", Kind: fault.Lost, Err: places}
	}
	wide := make([]error, 10_000)
	names := make([]error, 10_000)
	for i := range wide {
		wide[i] = &fault.Error{Op: "x", Err: fmt.Errorf("%d: %w", i, fault.Permanent(errSoldOut))}
		names[i] = fault.Sentinel(fmt.Sprintf("%0256d", i))
	}
	frames := make(fault.Stack, 10_000)
	members := make([]fault.Member, 100)
	for i := range frames {
		frames[i] = fault.Frame{Func: strings.Repeat("\x01", 1000), File: "\xff"}
	}
	for i := range members {
		members[i] = fault.Member{Task: "a", Stack: frames}
	}
	loop := &fault.Panic{Value: 1}
	loop.Others = []*fault.Panic{loop, loop}
	tests := []struct {
		name string
		err  error
		keep fault.Kind
	}{
		{"deep", deep, fault.Failed},
		{"deep Errors", places, fault.Lost},
		{"wide", errors.Join(wide...), fault.Failed},
		{"many names", errors.Join(names...), fault.Failed},
		{"long stacks", &fault.Deadlock{Members: members}, fault.Deadlocked},
		{"many long texts", &fault.Panic{Value: strings.Repeat("\x01", 1<<20), Stack: strings.Repeat("\xff", 1<<20)}, fault.Panicked},
		{"a panic among its own others", loop, fault.Panicked},
	}
	for _, test := range tests {
		start := time.Now()
		wire := fault.Encode(test.err)
		got := fault.Decode(wire)
		if fault.KindOf(got) != test.keep || len(wire) > 8<<20 {
			t.Errorf("%s: %d bytes became a %v", test.name, len(wire), fault.KindOf(got))
		}
		t.Logf("%s: %d bytes, %v", test.name, len(wire), time.Since(start))
	}
	if got := fault.Decode(fault.Encode(deep)); got.Error() != deep.Error() {
		t.Error("with the deeper causes their text was left out")
	}
	if got := fault.Decode(fault.Encode(errors.Join(wide...))); fault.Retryable(got) || !errors.Is(got, errSoldOut) {
		t.Error("of many branches, not even the first arrived")
	}
}

func TestAMessageThatNestsTooDeepIsReadInPart(t *testing.T) {
	const depth = 3_000
	wire := `{"v":1,"err":` + strings.Repeat(`{"form":"error","op":"x","errs":[`, depth) + strings.Repeat(`]}`, depth) + `}`
	n := 0
	for err := fault.Decode([]byte(wire)); err != nil; err = errors.Unwrap(err) {
		n++
	}
	if n < 100 || n > 101 {
		t.Errorf("%d errors were read", n)
	}
}

func TestContextErrorsArriveAsThemselves(t *testing.T) {
	for _, err := range []error{context.Canceled, context.DeadlineExceeded} {
		if got := fault.Decode(fault.Encode(err)); got != err {
			t.Errorf("%#v became %#v", err, got)
		}
	}
}

func TestBranchesLeftOutPromiseNothing(t *testing.T) {
	refused := make([]error, 5_000)
	for i := range refused {
		refused[i] = &fault.Error{Op: "pool: submit", Kind: fault.Overloaded}
	}
	if fault.Started(fault.Decode(fault.Encode(errors.Join(refused[:100]...)))) {
		t.Error("the promise of all branches was lost")
	}
	if !fault.Started(fault.Decode(fault.Encode(errors.Join(refused...)))) {
		t.Error("branches that were left out are taken to have promised")
	}
}
