package task_test

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"image"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/hemgo/hem/task"
)

func define[T any]() any {
	return task.Define("x", func(_ context.Context, in T) (T, error) { return in, nil })
}

// refusal returns what f panics with, "" if it does not.
func refusal(f func() any) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

type (
	noCopy struct{}
	tree   struct {
		Left, Right *tree
		Leaves      map[string][]tree
	}
	box[T any] struct{ Value T }
	base       struct{ ID int }
	fine       struct {
		base    // embedded and unexported: its exported fields travel
		Addr    netip.Addr
		Number  *big.Int
		Wide    big.Int
		Raw     json.RawMessage
		ByAddr  map[netip.Addr]time.Time
		ByNum   map[uint8]box[[]string]
		hidden  int `json:"-"`
		_       noCopy
		nc      noCopy
		_       func()
		Named   base   `json:"named"`
		Skipped func() `json:"-"`
	}
	onlyTime   struct{ time.Time }
	ownsItself struct {
		time.Time
		Note string
	}
	ownsByPointer struct {
		big.Int
		Note string
	}
	generic[T any] struct {
		time.Time
		Value T
	}
)

func (ownsItself) MarshalJSON() ([]byte, error)     { return []byte("{}"), nil }
func (*ownsItself) UnmarshalJSON([]byte) error      { return nil }
func (*ownsByPointer) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }
func (*ownsByPointer) UnmarshalJSON([]byte) error   { return nil }
func (*generic[T]) MarshalJSON() ([]byte, error)    { return []byte("{}"), nil }
func (*generic[T]) UnmarshalJSON([]byte) error      { return nil }

// use names fields that are there to be refused.
func use() []any {
	return []any{fine{}.hidden, fine{}.nc, unexported{}.price, &(&locked{}).mu, embedsText{}.text, embedsSelf{}.embedsSelf}
}

func (onlyOut) MarshalJSON() ([]byte, error)    { return nil, nil }
func (*onlyIn) UnmarshalText([]byte) error      { return nil }
func (byPointer) UnmarshalJSON([]byte) error    { return nil }
func (*byPointer) MarshalJSON() ([]byte, error) { return nil, nil }
func (textKey) MarshalText() ([]byte, error)    { return nil, nil }
func (*textKey) UnmarshalText([]byte) error     { return nil }
func (halfKey) MarshalText() ([]byte, error)    { return nil, nil }

type (
	onlyOut   struct{}
	onlyIn    struct{}
	byPointer struct{ N int }
	textKey   string
	halfKey   int

	unexported struct {
		Name  string
		price float64
	}
	embedsTime struct {
		time.Time
		Note string
	}
	embedsInt struct {
		*big.Int
		Note string
	}
	embedsAddr struct {
		netip.Addr
		Note string
	}
	embedsTwice struct {
		base
		other
	}
	other   struct{ ID int }
	sameTag struct {
		A int `json:"B"`
		B int
	}
	embedsSelf struct {
		*embedsSelf
		X int
	}
	Self struct {
		*Self
		X int
	}
	embedsHidden struct{ *base }
	text         string
	embedsText   struct{ text }
	locked       struct {
		mu sync.Mutex
		N  int
	}
)

func TestDefineAcceptsWhatTravels(t *testing.T) {
	_ = use()
	for name, f := range map[string]func() any{
		"int": define[int], "Void": define[task.Void], "tree": define[tree], "*tree": define[*tree], "fine": define[fine],
		"time": define[time.Time], "bytes": define[[]byte], "array": define[[3]map[int]*string], "RawMessage": define[json.RawMessage],
		"onlyTime": define[onlyTime], "ownsItself": define[ownsItself], "ownsByPointer": define[*ownsByPointer], "generic": define[generic[int]],
		"byPointer": define[[]byPointer], "big.Int": define[big.Int], "map of pointers": define[map[string]*big.Int], "anonymous": define[struct{ X, Y int }],
		"image.Point": define[image.Point], "uintptr": define[uintptr], "map key": define[map[time.Time]int], "pointer to slice": define[*[]int],
	} {
		if text := refusal(f); text != "" {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestDefineRefusesWhatCannotTravelAndSaysWhere(t *testing.T) {
	for _, c := range []struct {
		f    func() any
		want []string // in the text, after the name of the task
	}{
		{define[func()], []string{"In, of type func()", "its own process"}},
		{define[chan int], []string{"In, of type chan int"}},
		{define[box[unsafe.Pointer]], []string{"In.Value, of type unsafe.Pointer"}},
		{define[[]complex128], []string{"In[], of type complex128", "two parts"}},
		{define[any], []string{"In, of type interface {}", "json.RawMessage"}},
		{define[error], []string{"In, of type error"}},
		{define[image.Image], []string{"In, of type image.Image", "concrete type"}},
		{define[map[string][]box[any]], []string{"In[string][].Value, of type interface {}"}},
		{define[[]unexported], []string{"In[].price, of type float64", "unexported", `json:"-"`, "task_test.unexported"}},
		{define[locked], []string{"In.mu, of type sync.Mutex"}},
		{define[*url.URL], []string{"In.User.username, of type string"}},
		{define[sync.Mutex], []string{"unexported"}},
		{define[onlyOut], []string{"MarshalJSON and no UnmarshalJSON"}},
		{define[onlyIn], []string{"UnmarshalText and no MarshalText"}},
		{define[map[string]big.Int], []string{"In[string], of type big.Int", "pointer receiver", "map of pointers"}},
		{define[map[string]byPointer], []string{"In[string]", "pointer receiver"}},
		{define[map[bool]int], []string{"In, of type map[bool]int", "key"}},
		{define[map[struct{ X int }]int], []string{"key"}},
		{define[map[float64]int], []string{"key"}},
		{define[map[textKey]int], []string{"UnmarshalText"}},
		{define[map[halfKey]int], []string{"half"}},
		{define[map[*int]int], []string{"ptr", "identity"}},
		{define[map[any]int], []string{"interface", "identity"}},
		{define[map[encoding.TextMarshaler]int], []string{"interface"}},
		{define[embedsTime], []string{"In, of type task_test.embedsTime", "encoded as the Time that it embeds"}},
		{define[[]embedsInt], []string{"In[], of type task_test.embedsInt", "encoded as the Int"}},
		{define[embedsAddr], []string{"encoded as the Addr"}},
		{define[embedsTwice], []string{"In.other.ID", "same name as In.base.ID"}},
		{define[sameTag], []string{"In.B", "same name as In.A", "json tag"}},
		{define[Self], []string{"In.Self", "embeds itself"}},
		{define[embedsSelf], []string{"embedded pointer to an unexported struct"}},
		{define[embedsHidden], []string{"In.base", "embedded pointer to an unexported struct"}},
		{define[embedsText], []string{"In.text", "unexported"}},
		{define[**int], []string{"In, of type **int", "one null"}},
		{define[tree2], []string{"In.Next.F, of type func()"}},
	} {
		text := refusal(c.f)
		for _, want := range append(c.want, `task: Define "x": `) {
			if !strings.Contains(text, want) {
				t.Errorf("got  %q\nwant %q in it", text, want)
			}
		}
	}
}

type tree2 struct {
	Next *struct {
		Up *tree2
		F  func()
	}
}

func TestDefineLooksAtTheOutputAsWell(t *testing.T) {
	text := refusal(func() any {
		return task.Define("render", func(context.Context, int) (image.Image, error) { return nil, nil })
	})
	if !strings.HasPrefix(text, `task: Define "render": Out, of type image.Image, cannot travel: `) {
		t.Error(text)
	}
	text = refusal(func() any { return task.Command("log", func(context.Context, func()) error { return nil }) })
	if !strings.HasPrefix(text, `task: Command "log": In, of type func(), cannot travel: `) {
		t.Error(text)
	}
}

func TestDefineRefusesMalformedNamesAndNilFunctions(t *testing.T) {
	f := func(context.Context, int) (int, error) { return 0, nil }
	for name, want := range map[string]string{
		"":                       "the name is empty",
		"a b":                    `' ' at byte 1`,
		".a":                     `'.' at byte 0`,
		"a/":                     `'/' at byte 1`,
		"größe":                  "at byte 2",
		"a\n":                    `'\n' at byte 1`,
		strings.Repeat("a", 129): "129 bytes",
	} {
		if text := refusal(func() any { return task.Define(name, f) }); !strings.HasPrefix(text, "task: Define ") || !strings.Contains(text, want) {
			t.Errorf("%q: %s", name, text)
		}
	}
	for _, name := range []string{"a", "7", "img.resize-to_2/v1", strings.Repeat("a", 128)} {
		if text := refusal(func() any { return task.Define(name, f) }); text != "" {
			t.Error(text)
		}
	}
	if text := refusal(func() any { return task.Define[int, int]("x", nil) }); text != `task: Define "x": the function is nil` {
		t.Error(text)
	}
	if text := refusal(func() any { return task.Command[int]("x", nil) }); text != `task: Command "x": the function is nil` {
		t.Error(text)
	}
	if text := refusal(func() any { return task.Define("x", f).Keyed(nil) }); text != "task: Keyed with a nil function, of x" {
		t.Error(text)
	}
	var noContext context.Context
	var undefined *task.Def[int, int]
	if text := refusal(func() any { _, err := undefined.Do(t.Context(), task.Here, 1); return err }); text != "task: Do of a Def that Define has not made" {
		t.Error(text)
	}
	if text := refusal(func() any { _, err := task.Define("x", f).Do(noContext, task.Here, 1); return err }); text != "task: Do with a nil context, of x" {
		t.Error(text)
	}
}
