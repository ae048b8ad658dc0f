package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
)

var (
	errSoldOut = fault.Sentinel("shop: sold out")
	errClosed  = fault.Sentinel("shop: closed")
	errOdd     = fault.Sentinel("not \xff UTF-8")
)

// answers is all that a caller can learn from an error.
type answers struct {
	Text                string
	Kind                fault.Kind
	Started, Retryable  bool
	Hint                string
	Delay               time.Duration
	Delayed             bool
	SoldOut, Closed     bool
	Odd                 bool
	Cancelled, Deadline bool
	Error               fault.Error
	Panic               string
	Deadlock            *fault.Deadlock
}

func ask(err error) answers {
	a := answers{
		Text:      err.Error(),
		Kind:      fault.KindOf(err),
		Started:   fault.Started(err),
		Retryable: fault.Retryable(err),
		Hint:      fault.HintOf(err),
		SoldOut:   errors.Is(err, errSoldOut),
		Closed:    errors.Is(err, errClosed),
		Odd:       errors.Is(err, errOdd),
		Cancelled: errors.Is(err, context.Canceled),
		Deadline:  errors.Is(err, context.DeadlineExceeded),
	}
	a.Delay, a.Delayed = fault.RetryDelay(err)
	if e, ok := errors.AsType[*fault.Error](err); ok {
		a.Error = *e
		a.Error.Err = nil // its text and answers are among ours
	}
	if p, ok := errors.AsType[*fault.Panic](err); ok {
		a.Panic = fmt.Sprintf("%s %s %s %v %v %d", p.Short(), p.Stack, p.Task, p.Path, p.Goexit, len(p.Others))
	}
	a.Deadlock, _ = errors.AsType[*fault.Deadlock](err)
	return a
}

func checkRoundTrip(t *testing.T, err error) {
	t.Helper()
	wire := fault.Encode(err)
	got, want := ask(fault.Decode(wire)), ask(err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v\nwire %s", got, want, wire)
	}
}

func TestErrorsGiveTheSameAnswersOnTheOtherSide(t *testing.T) {
	plain := errors.New("plain")
	tests := map[string]error{
		"a foreign error":            plain,
		"an empty text":              errors.New(""),
		"a foreign chain":            fmt.Errorf("a: %w", fmt.Errorf("b: %w", plain)),
		"a chain written backwards":  fmt.Errorf("%w, after b", plain),
		"a text that is not UTF-8":   fmt.Errorf("a\xff: %w", errors.New("b\x00\xfe")),
		"a text that is JSON":        errors.New(`{"v":1,"nil":true}`),
		"an Error":                   &fault.Error{Op: "pool: submit", Task: "resize", Kind: fault.Overloaded, Hint: "later", Err: plain},
		"an Error without a cause":   &fault.Error{Op: "pool: submit", Kind: fault.Lost, Started: true},
		"an Error without a kind":    &fault.Error{Op: "pool: submit", Err: errSoldOut},
		"an Error over an empty one": &fault.Error{Op: "x", Kind: fault.Lost, Err: errors.New("")},
		"an Error over an Error":     &fault.Error{Kind: fault.Failed, Started: true, Err: &fault.Error{Kind: fault.Lost, Hint: "inner"}},
		"a Sentinel":                 fmt.Errorf("x: %w", errSoldOut),
		"a Sentinel not in UTF-8":    errOdd,
		"branches":                   errors.Join(plain, errSoldOut, errors.Join(errClosed, context.Canceled)),
		"one branch":                 errors.Join(errSoldOut),
		"two verbs":                  fmt.Errorf("%w, since %w", errSoldOut, &fault.Error{Kind: fault.Lost}),
		"branches with a nil":        branches{nil, errSoldOut},
		"context.Canceled":           context.Canceled,
		"context.DeadlineExceeded":   fmt.Errorf("x: %w", context.DeadlineExceeded),
		"says it is a deadline":      dialTimeout(t),
		"branches, Is a deadline":    lateBranches{plain, errSoldOut},
		"Permanent":                  fault.Permanent(errSoldOut),
		"RetryAfter":                 &fault.Error{Kind: fault.Overloaded, Err: fault.RetryAfter(plain, time.Minute)},
		"a Panic with a text":        &fault.Panic{Value: "boom", Task: "a#1", Stack: "goroutine 1", Path: knot().Members[0].Path},
		"a Panic with an error":      &fault.Error{Kind: fault.Panicked, Started: true, Err: &fault.Panic{Value: fmt.Errorf("x: %w", errClosed)}},
		"a Panic with a number":      &fault.Panic{Value: 7},
		"a Panic with nothing":       &fault.Panic{Value: ""},
		"a Goexit":                   &fault.Panic{Goexit: true, Task: "a#1"},
		"a Panic with others":        &fault.Panic{Value: 1, Others: []*fault.Panic{{Value: errClosed}, {Value: 3, Stack: "s"}}},
		"a Panic with a formatter":   &fault.Panic{Value: formatted{}},
		"a Deadlock":                 &fault.Error{Op: "lock: lock", Kind: fault.Deadlocked, Started: true, Err: knot()},
		"an uncomparable error":      uncomparable{"x"},
	}
	for name, err := range tests {
		t.Run(name, func(t *testing.T) { checkRoundTrip(t, err) })
	}
}

func TestRandomErrorsGiveTheSameAnswersOnTheOtherSide(t *testing.T) {
	for seed := range uint64(5000) {
		checkRoundTrip(t, randomError(rand.New(rand.NewPCG(seed, 0)), 5))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func randomError(r *rand.Rand, depth int) error {
	word := func() string { return []string{"", "a", "ß", "x: y", "<&>", "\xff\xfe", "l1\nl2"}[r.IntN(7)] }
	leaves := []error{io.EOF, context.Canceled, context.DeadlineExceeded, errSoldOut, errClosed, errOdd, errors.New(word()), knot(), &fault.Panic{Value: word(), Stack: word()}}
	if depth == 0 {
		return leaves[r.IntN(len(leaves))]
	}
	below := func() error { return randomError(r, r.IntN(depth)) }
	switch r.IntN(9) {
	case 0:
		return fmt.Errorf("%s: %w", word(), below())
	case 1:
		return fmt.Errorf("%w %s", below(), word())
	case 2:
		return errors.Join(below(), below(), below())
	case 3:
		return fmt.Errorf("%w%s%w", below(), word(), below())
	case 4:
		return fault.Permanent(below())
	case 5:
		return fault.RetryAfter(below(), time.Duration(r.IntN(1000)-100))
	case 6:
		return &fault.Panic{Value: below(), Task: word(), Path: fault.Path{{Task: word()}}, Others: []*fault.Panic{{Value: below()}}}
	case 7:
		return lateBranches{below()}
	default:
		return &fault.Error{Op: word(), Task: word(), Kind: fault.Kind(r.IntN(10)), Started: r.IntN(2) > 0, Hint: word(), Err: below()}
	}
}

func TestNilHasAFormAndAnEmptyMessageIsNotIt(t *testing.T) {
	wire := fault.Encode(nil)
	if len(wire) == 0 {
		t.Fatal("nil is an empty message")
	}
	if err := fault.Decode(wire); err != nil {
		t.Errorf("nil became %v", err)
	}
}

func TestWhatIsNotAnErrorIsLostAndMayHaveBegun(t *testing.T) {
	tests := []struct{ name, wire, want string }{
		{"nothing", "", "fault: decode: the message is empty"},
		{"white space", " \n", "fault: decode: the message is empty"},
		{"no JSON", "hello", "fault: decode: invalid character 'h' looking for beginning of value"},
		{"half a message", `{"v":1,"err":{"te`, "fault: decode: unexpected end of JSON input"},
		{"two messages", `{"v":1,"nil":true}{}`, "fault: decode: invalid character '{' after top-level value"},
		{"other JSON", `[1]`, ""},
		{"JSON's null", `null`, "fault: decode: the message has no version"},
		{"no version", `{"err":{"text":"x"}}`, "fault: decode: the message has no version"},
		{"a later version", `{"v":2,"err":"x"}`, "fault: decode: the message has version 2 and this program reads 1 (upgrade the reader before the writer)"},
		{"neither", `{"v":1}`, "fault: decode: the message has neither an error nor the word that there is none"},
		{"a text that is a number", `{"v":1,"err":{"text":1}}`, ""},
		{"a text that is no base64", `{"v":1,"err":{"text":["-"]}}`, ""},
		{"too much", strings.Repeat(" ", 17<<20), "fault: decode: 17825792 bytes are more than the 16777216 an error may take"},
	}
	for _, test := range tests {
		err := fault.Decode([]byte(test.wire))
		if fault.KindOf(err) != fault.Lost || !fault.Started(err) {
			t.Errorf("%s: got %v, a %v", test.name, err, fault.KindOf(err))
		} else if test.want != "" && err.Error() != test.want {
			t.Errorf("%s: got %q, want %q", test.name, err, test.want)
		}
	}
}

func TestLaterReleasesMayAddFieldsFormsAndKinds(t *testing.T) {
	err := fault.Decode([]byte(`{"v":1,"new":{},"err":{"form":"error","op":"x: y","kind":"bewildered","new":1,"errs":[{"form":"riddle","text":"why","errs":[{"form":"sentinel","text":"shop: closed"}]}]}}`))
	if err.Error() != "x: y: why" || !errors.Is(err, errClosed) || fault.KindOf(err) != fault.Failed || !fault.Started(err) {
		t.Errorf("got %+v", ask(err))
	}
}

// The wire form of an error in a durable log is read by later releases, so
// what this one writes is pinned here.
func TestTheWireFormIsPinned(t *testing.T) {
	err := &fault.Error{Op: "job: run", Task: "resize", Kind: fault.Failed, Started: true,
		Err: fmt.Errorf("page 3: %w", errors.Join(fault.RetryAfter(errClosed, time.Second), context.Canceled))}
	want := `{"v":1,"err":{"form":"error","errs":[{"text":"page 3: ","tail":true,"errs":[{"form":"join","errs":[{"form":"retry","errs":[{"form":"sentinel","text":"shop: closed"}],"after":1000000000},{"form":"canceled"}]}]}],"op":"job: run","task":"resize","kind":"failed"}}`
	if got := string(fault.Encode(err)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := string(fault.Encode(nil)), `{"v":1,"nil":true}`; got != want {
		t.Errorf("nil is %s, want %s", got, want)
	}
}

func TestAnErrorWhoseMethodsPanicTravelsAsThatNews(t *testing.T) {
	for _, err := range []error{rude{}, fmt.Errorf("x: %w", errors.Join(rude{}, errSoldOut)), (*fault.Error)(nil)} {
		got := fault.Decode(fault.Encode(err))
		if !strings.Contains(strings.ToLower(got.Error()), "panic") {
			t.Errorf("%T became %q", err, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(fault.Encode(randomError(rand.New(rand.NewPCG(seed, 1)), 5)))
	}
	f.Add([]byte(`{"v":1,"err":{"form":"panic","others":[null,{},{"form":"panic"}],"errs":[null]}}`))
	f.Add([]byte(`{"v":1,"err":{"form":"retry","after":-5,"tail":true,"ctx":"deadline"}}`))
	f.Fuzz(func(t *testing.T, wire []byte) {
		err := fault.Decode(wire)
		if err == nil || len(wire) > 16<<10 {
			return // long ones may be cut, as Encode promises
		}
		checkRoundTrip(t, err)
	})
}

func BenchmarkEncodeDecode(b *testing.B) {
	err := &fault.Error{Op: "proc: run", Task: "resize", Kind: fault.Failed, Started: true, Err: fmt.Errorf("page 3: %w", errSoldOut)}
	b.ReportAllocs()
	for b.Loop() {
		_ = fault.Decode(fault.Encode(err))
	}
}

// lateBranches says that it is a deadline and wraps some more.
type lateBranches []error

func (l lateBranches) Error() string        { return errors.Join(l...).Error() }
func (l lateBranches) Unwrap() []error      { return l }
func (l lateBranches) Is(target error) bool { return target == context.DeadlineExceeded }
