package inspect_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// busy starts one of everything, and returns when all of it stands.
func busy(c ctx, s *scope.Scope) {
	price := scope.Go(s, func(c ctx) (int, error) { return 1, scope.Sleep(c, time.Minute) }, scope.Name("price\n\xff<&>"))
	for range 20 {
		s.Go(func(c ctx) error { _, err := price.Await(c); return err }, scope.Name("quote"), scope.Timeout(time.Hour))
	}
	s.Daemon(idle)
	s.Go(func(c ctx) error {
		go scope.Run(c, func(c ctx, s *scope.Scope) error { return idle(c) }, scope.Name("guest"))
		return scope.Run(c, func(c ctx, s *scope.Scope) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error {
				s.Go(func(ctx) error { time.Sleep(time.Second); return nil }, scope.Name("slow"))
				s.Cancel(errors.New("boom"))
				return nil
			}, scope.Name("within"))
		}, scope.Name("fanout"))
	}, scope.Name("handle"))
	synctest.Wait()
	graph.Report(graph.Finding{Code: "test.busy", Task: graph.Current(c), Detail: "busy"})
	inspect.Take()
	time.Sleep(500 * time.Millisecond)
}

// decoded reads what is one snapshot in JSON and nothing else.
func decoded(t *testing.T, text []byte) *inspect.Snapshot {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	s := new(inspect.Snapshot)
	if err := d.Decode(s); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if d.More() {
		t.Fatalf("more after the end of\n%s", text)
	}
	return s
}

func TestTakeIsTheSameAfterATripThroughJSON(t *testing.T) {
	place(t, &hall{name: "cpu", figures: []graph.Figure{{Name: "load", Value: 0.5}, {Name: "full", Value: true}, {Name: "mean", Value: time.Second}}})
	world(t, func(c ctx, s *scope.Scope) {
		busy(c, s)
		want := inspect.Take()
		if got := decoded(t, []byte(jsonOf(want))); !reflect.DeepEqual(got, want) {
			t.Error(difference(jsonOf(got), jsonOf(want)))
		}
	})
}

func TestDumpJSONWritesWhatTakeReturns(t *testing.T) {
	place(t, &hall{name: "cpu"})
	world(t, func(c ctx, s *scope.Scope) {
		busy(c, s)
		var b bytes.Buffer
		if err := inspect.DumpJSON(&b); err != nil {
			t.Fatal(err)
		}
		got, want := decoded(t, b.Bytes()), inspect.Take()
		for _, snap := range []*inspect.Snapshot{got, want} {
			for task := range snap.Tasks() {
				sortTasks(task.Adopted)
				for _, s := range task.Scopes {
					sortTasks(s.Tasks)
					if len(s.Tasks) == 0 {
						s.Tasks = nil
					}
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Error(difference(jsonOf(got), jsonOf(want)))
		}
	})
}

// difference is where two long texts part.
func difference(got, want string) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	begin := max(0, i-200)
	return "got\n…" + got[begin:min(len(got), i+200)] + "…\nwant\n…" + want[begin:min(len(want), i+200)] + "…"
}

func sortTasks(ts []*inspect.Task) {
	slices.SortFunc(ts, func(a, b *inspect.Task) int { return cmp.Compare(a.ID, b.ID) })
}

func TestDumpJSONPutsEachTaskOnALine(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		for range 100 {
			s.Go(idle)
		}
		var b strings.Builder
		inspect.DumpJSON(&b)
		if n := strings.Count(b.String(), "\n{\"id\":"); n != 101 {
			t.Errorf("%d lines", n)
		}
	})
}

func TestDumpJSONOfNothingIsASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		if err := inspect.DumpJSON(&b); err != nil {
			t.Fatal(err)
		}
		if s := decoded(t, b.Bytes()); len(s.Roots) != 0 || s.Totals.Tasks != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestDumpJSONOfDeepNestingCanBeReadAgain(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		nest(c, s, 2500)
		synctest.Wait()
		var b bytes.Buffer
		if err := inspect.DumpJSON(&b); err != nil {
			t.Fatal(err)
		}
		for name, snap := range map[string]*inspect.Snapshot{
			"DumpJSON": decoded(t, b.Bytes()),
			"Take":     decoded(t, []byte(jsonOf(inspect.Take()))),
		} {
			shown, deeper := 0, 0
			for task := range snap.Tasks() {
				shown++
				deeper += task.Deeper
			}
			if shown != 2000 || deeper != 501 || snap.Totals.Tasks != 2501 || snap.Totals.Scopes != 2500 {
				t.Errorf("%s: %d shown, %d deeper, totals %+v", name, shown, deeper, snap.Totals)
			}
		}
		b.Reset()
		if err := inspect.DumpJSON(&b, inspect.Depth(2)); err != nil {
			t.Fatal(err)
		}
		if s := decoded(t, b.Bytes()); s.Roots[0].Scopes[0].Tasks[0].Deeper != 2499 {
			t.Errorf("got\n%s", b.Bytes())
		}
	})
}

// The names of the fields are an interface. Who has to change this list breaks
// programs that read it.
func TestJSONFieldNamesStay(t *testing.T) {
	want := map[reflect.Type]string{
		reflect.TypeFor[inspect.Snapshot](): "time roots places findings finding_counts totals",
		reflect.TypeFor[inspect.Task]():     "id name number state age_ns started daemon shared cause deadline place wait under scopes adopted deeper",
		reflect.TypeFor[inspect.Scope]():    "id name opened age_ns cause deadline tasks task_count",
		reflect.TypeFor[inspect.Wait]():     "kind name age_ns timed on on_total",
		reflect.TypeFor[inspect.Ref]():      "id task",
		reflect.TypeFor[inspect.Label]():    "kind name",
		reflect.TypeFor[inspect.Frame]():    "func file line",
		reflect.TypeFor[inspect.Place]():    "Label figures", // the fields of Label are its own
		reflect.TypeFor[inspect.Figure]():   "name value",
		reflect.TypeFor[inspect.Totals]():   "tasks scopes running waiting joining queued waiting_for",
		reflect.TypeFor[inspect.Finding]():  "code task task_id path detail hint time stack",
		reflect.TypeFor[inspect.Link]():     "id task state wait",
	}
	for typ, want := range want {
		var names []string
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			names = append(names, cmp.Or(name, typ.Field(i).Name))
		}
		if got := strings.Join(names, " "); !strings.HasPrefix(got, want) {
			t.Errorf("%v has %s, not %s", typ, got, want)
		}
	}
}

var errBroken = errors.New("broken pipe")

// A broken writer takes n bytes and then fails.
type broken struct{ n, calls int }

func (w *broken) Write(p []byte) (int, error) {
	w.calls++
	if len(p) <= w.n {
		w.n -= len(p)
		return len(p), nil
	}
	return w.n, errBroken
}

func TestDumpsReturnTheWritersErrorAndStop(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		for i := range 3000 {
			s.Go(idle, scope.Name(strings.Repeat("x", 60)+number(i)))
		}
		synctest.Wait()
		for _, room := range []int{0, 1, 40_000, 100_000} {
			w := &broken{n: room}
			if err := inspect.DumpJSON(w); !errors.Is(err, errBroken) || w.calls > 5 {
				t.Errorf("DumpJSON with room for %d: %v after %d calls", room, err, w.calls)
			}
			w = &broken{n: room}
			if err := inspect.Dump(w, inspect.Limit(3000), inspect.WithStacks(5)); !errors.Is(err, errBroken) || w.calls > 5 {
				t.Errorf("Dump with room for %d: %v after %d calls", room, err, w.calls)
			}
		}
		if err := inspect.Dump(&broken{}); err == nil || err.Error() != "inspect: dump: broken pipe" {
			t.Errorf("got %v", err)
		}
	})
}

func TestDumpsRefuseANilWriter(t *testing.T) {
	for want, f := range map[string]func(){
		"inspect: Dump to a nil writer":     func() { inspect.Dump(nil) },
		"inspect: DumpJSON to a nil writer": func() { inspect.DumpJSON(nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
			}()
			f()
		}()
	}
}
