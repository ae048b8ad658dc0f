package fault_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
)

func TestFrameIsShort(t *testing.T) {
	tests := []struct {
		frame fault.Frame
		want  string
	}{
		{fault.Frame{Func: "main.fetch", File: "/src/shop/order.go", Line: 41}, "fetch (order.go:41)"},
		{fault.Frame{Func: "example.com/shop/v2.(*Cart).Add.func1", File: "/src/cart.go", Line: 7}, "(*Cart).Add.func1 (cart.go:7)"},
		{fault.Frame{Func: "gopkg.in/yaml%2ev3.Unmarshal", File: "yaml.go", Line: 1}, "Unmarshal (yaml.go:1)"},
		{fault.Frame{Func: "example.com/shop.Map[example.com/a/b.T]", File: "map.go", Line: 3}, "Map[example.com/a/b.T] (map.go:3)"},
		{fault.Frame{Func: "example.com/shop.(*Set[...]).Add", File: "set.go", Line: 3}, "(*Set[...]).Add (set.go:3)"},
		{fault.Frame{Func: "main.fetch"}, "fetch"},
		{fault.Frame{File: "/src/order.go", Line: 41}, "order.go:41"},
		{fault.Frame{Func: "cgo"}, "cgo"},
		{fault.Frame{}, ""},
	}
	for _, test := range tests {
		if got := test.frame.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestFramesResolvesCountersInnermostFirst(t *testing.T) {
	pcs := make([]uintptr, 16)
	pcs = pcs[:runtime.Callers(1, pcs)]
	stack := fault.Frames(pcs)
	const here = "TestFramesResolvesCountersInnermostFirst"
	if len(stack) < 2 || !strings.HasSuffix(stack[0].Func, here) || stack[1].Func != "testing.tRunner" {
		t.Fatalf("got\n%v", stack)
	}
	if at := fault.FrameAt(pcs[0]); at != stack[0] {
		t.Errorf("FrameAt gives %v, Frames %v", at, stack[0])
	}
	if !strings.HasPrefix(stack.String(), stack[0].Func+"\n\t"+stack[0].File+":") {
		t.Errorf("String gives\n%v", stack)
	}
}

func TestFramesOfNothingIsNothing(t *testing.T) {
	if s := fault.Frames(nil); s != nil {
		t.Errorf("got %v", s)
	}
	if f := fault.FrameAt(0); f != (fault.Frame{}) {
		t.Errorf("got %v", f)
	}
}

func TestSiteIsTheLineThatTheReaderWrote(t *testing.T) {
	user := fault.Frame{Func: "main.checkout", File: "/src/order.go", Line: 58}
	machinery := fault.Stack{
		{Func: "runtime.gopark", File: "/go/src/runtime/proc.go", Line: 460},
		{Func: "internal/sync.(*Mutex).Lock", File: "/go/src/internal/sync/mutex.go", Line: 70},
		{Func: "sync.(*Mutex).Lock", File: "/go/src/sync/mutex.go", Line: 70},
		{Func: "github.com/hemgo/hem/internal/graph.Park", File: "/hem/internal/graph/park.go", Line: 9},
		{Func: "github.com/hemgo/hem/lock.(*Mutex).Lock", File: "/hem/lock/mutex.go", Line: 30},
	}
	tests := []struct {
		name  string
		stack fault.Stack
		want  fault.Frame
	}{
		{"a program", append(machinery[:len(machinery):len(machinery)], user, fault.Frame{Func: "main.main"}), user},
		{"a test of Hem", append(machinery[:len(machinery):len(machinery)], fault.Frame{Func: "github.com/hemgo/hem/lock_test.TestX", File: "/hem/lock/mutex_test.go"}, user),
			fault.Frame{Func: "github.com/hemgo/hem/lock_test.TestX", File: "/hem/lock/mutex_test.go"}},
		{"an example of Hem", fault.Stack{machinery[3], {Func: "github.com/hemgo/hem/examples/shop.serve", File: "shop.go"}},
			fault.Frame{Func: "github.com/hemgo/hem/examples/shop.serve", File: "shop.go"}},
		{"nobody", machinery, machinery[0]},
		{"nothing", nil, fault.Frame{}},
	}
	for _, test := range tests {
		if got := test.stack.Site(); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestPathReadsFromTheTaskOutwards(t *testing.T) {
	path := fault.Path{
		{Task: "checkout#7", Site: fault.Frame{Func: "main.order", File: "/src/order.go", Line: 41}},
		{Task: "serve#1", Site: fault.Frame{Func: "main.main", File: "/src/main.go", Line: 20}},
		{Task: "main"},
	}
	if got, want := path.String(), "checkout#7 (order.go:41) < serve#1 (main.go:20) < main"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := fault.Path(nil).String(); got != "" {
		t.Errorf("no path is %q", got)
	}
}

func BenchmarkFrames(b *testing.B) {
	pcs := make([]uintptr, 32)
	pcs = pcs[:runtime.Callers(0, pcs)]
	b.Run("take", func(b *testing.B) {
		buf := make([]uintptr, 32)
		for b.Loop() {
			runtime.Callers(0, buf)
		}
	})
	b.Run("resolve", func(b *testing.B) {
		for b.Loop() {
			fault.Frames(pcs)
		}
	})
}
