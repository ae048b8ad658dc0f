package task_test

import (
	"strings"
	"testing"

	"github.com/hemgo/hem/task"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestATraceIsKeptIfItIsOne(t *testing.T) {
	for _, c := range []struct{ parent, state, wantState string }{
		{parent, "", ""},
		{parent, "a=1,b@c=2", "a=1,b@c=2"},
		{parent, "a=1, ,\tb=2", "a=1, ,\tb=2"},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "a=1", "a=1"},
		{"01" + parent[2:], "a=1", "a=1"},
		{"cc" + parent[2:] + "-what.the-future.will-be", "a=1", "a=1"},
		{parent, "a", ""},
		{parent, "=1", ""},
		{parent, "a=ü", ""},
		{parent, "a=1\n", ""},
		{parent, strings.Repeat("a=1,", 32), ""},
		{parent, strings.Repeat("a=1,", 31) + "b=2", strings.Repeat("a=1,", 31) + "b=2"},
		{parent, "a=" + strings.Repeat("x", 511), ""},
		{parent, "a=" + strings.Repeat("x", 510), "a=" + strings.Repeat("x", 510)},
	} {
		got := task.TraceOf(task.WithTrace(t.Context(), task.Trace{Parent: c.parent, State: c.state}))
		if want := (task.Trace{Parent: c.parent, State: c.wantState}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestATraceThatIsNoneLeavesTheOneThereIs(t *testing.T) {
	before := task.Trace{Parent: parent, State: "a=1"}
	ctx := task.WithTrace(t.Context(), before)
	for _, s := range []string{
		"", "00", parent[1:], parent + "-", parent + "-x", parent + "0", "ff" + parent[2:],
		strings.ToUpper(parent),
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
		"0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1g",
		"01" + parent[2:] + "x", "01" + parent[2:] + "-\x00", "01" + parent[2:] + "-" + strings.Repeat("x", 500),
	} {
		if got := task.TraceOf(task.WithTrace(ctx, task.Trace{Parent: s, State: "b=2"})); got != before {
			t.Errorf("%q: got %+v", s, got)
		}
	}
	if got := task.TraceOf(t.Context()); got != (task.Trace{}) {
		t.Errorf("without one: got %+v", got)
	}
}

func FuzzTracesAreKeptOrLeft(f *testing.F) {
	f.Add(parent, "a=1")
	f.Fuzz(func(t *testing.T, p, s string) {
		got := task.TraceOf(task.WithTrace(t.Context(), task.Trace{Parent: p, State: s}))
		if got != (task.Trace{}) && (got.Parent != p || got.State != s && got.State != "") {
			t.Errorf("got %+v", got)
		}
		if again := task.TraceOf(task.WithTrace(t.Context(), got)); again != got {
			t.Errorf("%+v is not accepted again", got)
		}
		if strings.ContainsAny(got.Parent+got.State, "\r\n\x00") {
			t.Errorf("%+v would break a header", got)
		}
	})
}
