package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

func TestTakeOfNothingIsEmptyAndNotNull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inspect.Take()
		if len(s.Roots) != 0 || s.Totals.Tasks != 0 || s.Totals.Scopes != 0 {
			t.Errorf("got %+v", s)
		}
		text, err := json.Marshal(s)
		if err != nil || !strings.Contains(string(text), `"roots":[],"places":[]`) {
			t.Errorf("%s, %v", text, err)
		}
	})
}

func TestTakeTellsWhatThereIs(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		price := scope.Go(s, func(c ctx) (int, error) { return 1, scope.Sleep(c, time.Minute) }, scope.Name("price"))
		s.Go(func(c ctx) error {
			c, cancel := context.WithTimeout(c, time.Hour)
			defer cancel()
			_, err := price.Await(c)
			return err
		}, scope.Name("quote"), scope.Timeout(2*time.Hour))
		s.Daemon(idle, scope.Name("flush"))
		s.Go(func(c ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error {
				s.Go(idle, scope.Name("part"))
				s.Cancel(errors.New("boom"))
				return nil
			}, scope.Name("fanout"), scope.Timeout(time.Hour))
		}, scope.Name("handle"))
		born := time.Now()
		synctest.Wait()
		inspect.Take()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		snap := inspect.Take()

		if !snap.Time.Equal(born.Add(3 * time.Second)) {
			t.Errorf("time is %v", snap.Time)
		}
		if want := (inspect.Totals{Tasks: 4, Scopes: 1, Running: 2, Waiting: 2, WaitingFor: map[string]int{"future": 1, "timer": 1}}); !reflect.DeepEqual(snap.Totals, want) {
			t.Errorf("totals are %+v", snap.Totals)
		}
		main := find(t, snap, "main")
		if main.State != inspect.Running || len(main.Scopes) != 1 || main.Scopes[0].Name != "main" || main.Scopes[0].TaskCount != 3 {
			t.Errorf("main is %+v", main)
		}
		quote := find(t, snap, "quote")
		want := &inspect.Wait{
			Kind: "future", Name: "price#1", Age: 3 * time.Second, Timed: true,
			On: []inspect.Ref{{ID: find(t, snap, "price").ID, Task: "price#1"}}, OnTotal: 1,
		}
		if !reflect.DeepEqual(quote.Wait, want) {
			t.Errorf("quote waits as %+v", quote.Wait)
		}
		if !quote.Deadline.Equal(born.Add(2*time.Hour)) || quote.Age != 3*time.Second || quote.State != inspect.Waiting {
			t.Errorf("quote is %+v", quote)
		}
		if !strings.HasSuffix(quote.Started.File, "take_test.go") || !strings.Contains(quote.Started.Func, "TestTakeTellsWhatThereIs") || quote.Started.Line == 0 {
			t.Errorf("quote was started at %+v", quote.Started)
		}
		if flush := find(t, snap, "flush"); !flush.Daemon || flush.Cause != "" {
			t.Errorf("flush is %+v", flush)
		}
		if slices.ContainsFunc(slices.Collect(snap.Tasks()), func(t *inspect.Task) bool { return t.Name == "part" }) {
			t.Error("a task that has ended is shown")
		}
	})
}

func TestTakeTellsTheCauseOfACancelledScope(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error {
				s.Go(func(c ctx) error { time.Sleep(time.Second); return nil }, scope.Name("part"))
				s.Cancel(errors.New("boom"))
				return nil
			}, scope.Name("fanout"))
		}, scope.Name("handle"))
		synctest.Wait()
		snap := inspect.Take()
		handle := find(t, snap, "handle")
		if handle.State != inspect.Joining || handle.Cause != "" || handle.Scopes[0].Cause != "boom" {
			t.Errorf("handle is %+v of %+v", handle, handle.Scopes[0])
		}
		part := find(t, snap, "part")
		if part.Cause != "boom" {
			t.Errorf("part's cause is %q", part.Cause)
		}
		if want := []inspect.Ref{{ID: part.ID, Task: "part#1"}}; !slices.Equal(handle.Wait.On, want) {
			t.Errorf("handle waits for %v", handle.Wait.On)
		}
	})
}

func TestTakeIsInOrderOldestFirst(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		for range 100 {
			s.Go(idle)
		}
		for i, task := range inspect.Take().Roots[0].Scopes[0].Tasks {
			if task.Number != number(i+1) {
				t.Errorf("task %d is %s", i, task)
			}
		}
	})
}

func number(i int) string { return strings.TrimSpace(jsonOf(i)) }

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestTakeGivesATaskTheSameIDEachTimeAndNoOtherTaskThat(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		for range 50 {
			s.Go(idle)
		}
		first, second := inspect.Take(), inspect.Take()
		ids := make(map[string]bool)
		for task := range first.Tasks() {
			ids[task.ID] = true
		}
		if len(ids) != 51 {
			t.Errorf("51 tasks have %d IDs", len(ids))
		}
		for task := range second.Tasks() {
			if !ids[task.ID] {
				t.Errorf("%s has another ID", task)
			}
		}
	})
}

func TestTakeMovesTheCoarseClockSoThatAgesBecomeKnown(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(idle, scope.Name("old"))
		if old := find(t, inspect.Take(), "old"); old.Age != 0 {
			t.Errorf("its age is known too early: %v", old.Age)
		}
		time.Sleep(time.Second)
		s.Go(idle, scope.Name("young"))
		snap := inspect.Take()
		if old, young := find(t, snap, "old"), find(t, snap, "young"); old.Age != time.Second || young.Age != 0 {
			t.Errorf("old is %v, young is %v", old.Age, young.Age)
		}
	})
}

func TestTakeMarksATaskWhoseContextAnotherGoroutineWaitsUnder(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			done := make(chan struct{})
			go func() { defer close(done); scope.Sleep(c, time.Second) }()
			<-done
			return nil
		}, scope.Name("lender"))
		synctest.Wait()
		if lender := find(t, inspect.Take(), "lender"); !lender.Shared || lender.State != inspect.Running {
			t.Errorf("lender is %+v", lender)
		}
		if got := treeOf(t); !strings.Contains(got, "lender#1  running  [context shared]") {
			t.Errorf("got\n%s", got)
		}
		time.Sleep(time.Second)
	})
}

func TestTakeKeepsNothingOfTheProgram(t *testing.T) {
	var snap *inspect.Snapshot
	var ref weak.Pointer[graph.Task]
	func() {
		scope.Run(context.Background(), func(c ctx, s *scope.Scope) error {
			s.Go(func(c ctx) error {
				ref = weak.Make(graph.FromContext(c))
				snap = inspect.Take()
				return nil
			})
			return nil
		})
	}()
	for range 10 {
		runtime.GC()
	}
	if ref.Value() != nil {
		t.Error("the task is still alive")
	}
	runtime.KeepAlive(snap)
}

// An adopted goroutine's foster parent may end between the look at the roots
// and its own turn. Places are asked in between.
func TestTakeLosesNobodyWhoseFosterParentEndsMeanwhile(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		end := make(chan struct{})
		s.Go(func(c ctx) error {
			go scope.Run(context.WithoutCancel(c), func(c ctx, inner *scope.Scope) error {
				<-s.Context().Done()
				return nil
			}, scope.Name("orphan"))
			<-end
			return nil
		}, scope.Name("parent"))
		synctest.Wait()
		place(t, &trap{spring: func() { close(end); synctest.Wait() }})
		if orphan := find(t, inspect.Take(), "orphan"); orphan.Under == nil || orphan.Under.Task != "parent#1" {
			t.Errorf("the orphan is under %v", orphan.Under)
		}
	})
}

type trap struct{ spring func() }

func (p *trap) Label() graph.Label { return graph.Label{Kind: "trap"} }
func (p *trap) Figures() []graph.Figure {
	p.spring()
	return nil
}

func TestStacksTellsWhereTasksAre(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(idle, scope.Name("idle"))
		synctest.Wait()
		id := find(t, inspect.Take(), "idle").ID
		stacks := inspect.Stacks(id, "nobody")
		if len(stacks) != 1 || !slices.ContainsFunc(stacks[id], func(f inspect.Frame) bool {
			return strings.HasSuffix(f.Func, "inspect_test.idle")
		}) {
			t.Errorf("got %v", stacks)
		}
		if len(inspect.Stacks()) != 0 || len(inspect.Stacks("nobody")) != 0 {
			t.Error("stacks of nobody")
		}
	})
}
