package tasktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
)

const declined = "tasktest: declined"

var (
	errDeclined = fault.Sentinel(declined)
	errUpset    = fault.Sentinel("tasktest: upset")
	errPlain    = errors.New("tasktest: plain")
)

// A failure is one way in which a function fails. It is compared with itself:
// what make returns here is what the runner must bring back from there.
type failure struct {
	make func() error
	is   []error // what errors.Is finds in it, also from afar
}

var failures = map[string]failure{
	"plain":         {func() error { return errPlain }, nil},
	"sentinel":      {func() error { return errDeclined }, []error{errDeclined}},
	"wrapped":       {func() error { return fmt.Errorf("order 7: %w", errDeclined) }, []error{errDeclined}},
	"wrapped twice": {func() error { return fmt.Errorf("a: %w", fmt.Errorf("b (%w), c", errDeclined)) }, []error{errDeclined}},
	"joined":        {func() error { return errors.Join(errDeclined, io.EOF, errUpset) }, []error{errDeclined, errUpset}},
	"wrapped join":  {func() error { return fmt.Errorf("all: %w", errors.Join(errUpset, errDeclined)) }, []error{errDeclined, errUpset}},
	"two wrapped":   {func() error { return fmt.Errorf("%w after %w", errUpset, errDeclined) }, []error{errDeclined, errUpset}},
	"canceled":      {func() error { return fmt.Errorf("query: %w", context.Canceled) }, []error{context.Canceled}},
	"deadline":      {func() error { return fmt.Errorf("query: %w", context.DeadlineExceeded) }, []error{context.DeadlineExceeded}},
	"permanent":     {func() error { return fault.Permanent(fmt.Errorf("gone: %w", errDeclined)) }, []error{errDeclined}},
	"retry after":   {func() error { return fault.RetryAfter(errUpset, 90*time.Second) }, []error{errUpset}},
	"retry at once": {func() error { return fault.RetryAfter(context.Canceled, 0) }, []error{context.Canceled}},
	"fault over join": {func() error {
		return &fault.Error{Op: "x", Kind: fault.Lost, Started: true, Err: errors.Join(errUpset)}
	}, []error{errUpset}},
	"promise": {func() error { return &fault.Error{Op: "inner: submit", Kind: fault.Overloaded, Err: errUpset} }, []error{errUpset}},
	"permanent promise": {func() error {
		return fault.Permanent(&fault.Error{Op: "inner: submit", Kind: fault.Overloaded, Err: errUpset})
	}, []error{errUpset}},
	"timed promise": {func() error {
		return fault.RetryAfter(&fault.Error{Op: "inner: submit", Kind: fault.Invalid, Err: errUpset}, time.Hour)
	}, []error{errUpset}},
}

// kinded is a failure of one kind.
func kinded(k fault.Kind) error {
	return &fault.Error{Op: "tasktest: fail", Task: "inner", Kind: k, Started: true, Hint: "look at " + k.String(), Err: errUpset}
}

// failWith has the runner fail in the given way. It does not return nil.
func failWith(t *testing.T, x *exercise, how string) error {
	t.Helper()
	_, err := fail.Do(x.ctx, x.r, how)
	if err == nil {
		t.Fatalf("%s: the function failed and the call did not", how)
	}
	return err
}

func errorsAnswer(t *testing.T, x *exercise) {
	for how, f := range failures {
		err, want := failWith(t, x, how), f.make()
		for _, target := range f.is {
			if !errors.Is(err, target) {
				t.Errorf("%s: errors.Is does not find %q in %v", how, target, err)
			}
		}
		for _, target := range []error{errDeclined, errUpset, context.Canceled, context.DeadlineExceeded} {
			if errors.Is(err, target) && !errors.Is(want, target) {
				t.Errorf("%s: errors.Is finds %q in %v", how, target, err)
			}
		}
		if !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%s: the text is %q, without %q", how, err, want)
		}
		sameAnswers(t, how, err, want)
	}
}

// sameAnswers checks what package fault says of err by what it says of want,
// the error as the function made it.
func sameAnswers(t *testing.T, how string, err, want error) {
	t.Helper()
	if got, want := fault.Retryable(err), fault.Retryable(want); got != want {
		t.Errorf("%s: Retryable is %v, want %v", how, got, want)
	}
	d, ok := fault.RetryDelay(err)
	if wantD, wantOK := fault.RetryDelay(want); d != wantD || ok != wantOK {
		t.Errorf("%s: RetryDelay is %v, %v, want %v, %v", how, d, ok, wantD, wantOK)
	}
	if got, want := fault.HintOf(err), fault.HintOf(want); got != want {
		t.Errorf("%s: the hint is %q, want %q", how, got, want)
	}
	if !fault.Started(err) {
		t.Errorf("%s: the function ran, and the error promises that it has not started: %v", how, err)
	}
	if fault.Started(want) && fault.KindOf(err) != fault.KindOf(want) {
		t.Errorf("%s: the kind is %v, want %v", how, fault.KindOf(err), fault.KindOf(want))
	}
}

func kindsAnswer(t *testing.T, x *exercise) {
	for k := fault.Failed; k <= fault.Invalid; k++ {
		err := failWith(t, x, "kind "+k.String())
		sameAnswers(t, k.String(), err, kinded(k))
		if !errors.Is(err, errUpset) {
			t.Errorf("%v: the cause is not in %v", k, err)
		}
		if e := (*fault.Error)(nil); !errors.As(err, &e) {
			t.Errorf("%v: errors.As finds no *fault.Error in %v", k, err)
		}
	}
}

func promisesStay(t *testing.T, x *exercise) {
	for _, how := range []string{"promise", "permanent promise", "timed promise"} {
		if err := failWith(t, x, how); fault.Started(err) {
			continue
		} else {
			t.Errorf("%s: what the function asked of others had not started, but the function had: %v", how, err)
		}
	}
}
