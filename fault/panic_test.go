package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hemgo/hem/fault"
)

func TestPanicPrintsValuePathAndOriginalStack(t *testing.T) {
	p := &fault.Panic{
		Value: "no such item",
		Stack: "goroutine 18 [running]:\nmain.checkout()\n\t/src/order.go:58\n",
		Task:  "checkout#7",
		Path:  fault.Path{{Task: "checkout#7", Site: fault.Frame{File: "order.go", Line: 41}}, {Task: "serve#1"}},
		Others: []*fault.Panic{
			{Value: errors.New("index out of range"), Task: "reprice#3", Stack: "goroutine 19 [running]:\nmain.reprice()\n"},
			{Task: "audit#4", Goexit: true},
		},
	}
	want := `checkout#7 panicked: no such item
path: checkout#7 (order.go:41) < serve#1

goroutine 18 [running]:
main.checkout()
	/src/order.go:58

meanwhile reprice#3 panicked: index out of range

goroutine 19 [running]:
main.reprice()

meanwhile audit#4 called runtime.Goexit`
	if got := p.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPanicInShortIsOneLine(t *testing.T) {
	tests := []struct {
		panic fault.Panic
		want  string
	}{
		{fault.Panic{Value: "boom", Task: "a#1", Stack: "stack"}, "a#1 panicked: boom"},
		{fault.Panic{Value: 7}, "panicked: 7"},
		{fault.Panic{Value: "two\nlines", Task: "a#1"}, "a#1 panicked: two …"},
		{fault.Panic{Goexit: true, Task: "a#1"}, "a#1 called runtime.Goexit"},
		{fault.Panic{Value: "boom", Others: make([]*fault.Panic, 2)}, "panicked: boom (and 2 more)"},
		{fault.Panic{Value: formatted{}}, "panicked: error text"},
		{fault.Panic{Value: rude{}}, "panicked: fault_test.rude whose Error method panics: rude"},
	}
	for _, test := range tests {
		if got := test.panic.Short(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestPanicUnwrapsItsValueOnlyIfThatIsAnError(t *testing.T) {
	cause := errors.New("cause")
	if !errors.Is(&fault.Panic{Value: cause}, cause) {
		t.Error("an error passed to panic is not found")
	}
	for _, value := range []any{nil, "cause", 7} {
		if err := errors.Unwrap(&fault.Panic{Value: value}); err != nil {
			t.Errorf("panic(%v) unwraps to %v", value, err)
		}
	}
}

// formatted has two texts; the one of Error counts.
type formatted struct{}

func (formatted) Error() string                 { return "error text" }
func (formatted) Format(s fmt.State, verb rune) { fmt.Fprint(s, "format text") }

// rude panics whatever it is asked.
type rude struct{}

func (rude) Error() string { panic("rude") }
func (rude) Unwrap() error { panic("rude") }
func (rude) Is(error) bool { panic("rude") }
