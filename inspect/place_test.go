package inspect_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

func TestDumpShowsPlacesAndWhoIsInThem(t *testing.T) {
	cpu := &hall{name: "cpu", figures: []graph.Figure{
		{Name: "workers", Value: int32(2)}, {Name: "busy", Value: uint8(1)}, {Name: "load", Value: 0.5},
		{Name: "full", Value: false}, {Name: "wait_p99", Value: 1499987 * time.Nanosecond}, {Name: "shed", Value: 0}, {Name: "wait_max", Value: time.Duration(0)}, {Name: "note", Value: "a\nb"},
	}}
	place(t, cpu)
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			var slot graph.Slot = cpu
			graph.Current(c).SetSlot(&slot)
			return idle(c)
		}, scope.Name("resize"))
		line := &waitingLine{name: "cpu"}
		s.Go(idle, scope.Name("thumb"), scope.Via(line, 0))
		synctest.Wait()
		inspect.Take()
		time.Sleep(time.Second)
		same(t, treeOf(t), `
	main#R  running  started ≥1s ago at world_test.go:N
	├─ resize#1  running  [on pool cpu]  started ≥1s ago at place_test.go:N
	└─ thumb#2  queued ≥1s for turn in cpu  started ≥1s ago at place_test.go:N

	places
	  pool cpu  workers 2  busy 1  load 0.5  full false  wait_p99 1.5ms  note a b
	`)
		snap := inspect.Take()
		if p := find(t, snap, "resize").Place; p == nil || *p != (inspect.Label{Kind: "pool", Name: "cpu"}) {
			t.Errorf("resize is on %v", p)
		}
		if q := find(t, snap, "thumb"); q.State != inspect.Queued || q.Wait == nil || q.Wait.Age < time.Second {
			t.Errorf("thumb is %+v", q)
		}
		if n := snap.Totals; n.Queued != 1 || n.WaitingFor["turn in"] != 1 {
			t.Errorf("totals are %+v", n)
		}
		line.serve()
	})
}

// A hall is a place and its slot.
type hall struct {
	name    string
	figures []graph.Figure
}

func (h *hall) Label() graph.Label      { return graph.Label{Kind: "pool", Name: h.name} }
func (h *hall) Figures() []graph.Figure { return h.figures }
func (h *hall) Lend(*graph.Task)        {}
func (h *hall) Resume(*graph.Task)      {}

// A waitingLine starts a task when it is told to.
type waitingLine struct {
	name string
	task *graph.Task
	next graph.Launched
}

func (l *waitingLine) Launch(t *graph.Task, r graph.Launched) {
	l.task, l.next = t, r
	t.Enqueue(graph.QueueFor(&thing{kind: "turn in", name: l.name}))
}

func (l *waitingLine) serve() {
	l.task.Enqueue(nil)
	go l.next.Run(nil)
}

func TestDumpShowsStacksOfTheTasksWithALineWhenAsked(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		for range 5 {
			s.Go(idle, scope.Name("idle"))
		}
		s.Go(func(c ctx) error { return scope.Sleep(c, time.Minute) }, scope.Name("sleeper"))
		synctest.Wait()
		if strings.Contains(dump(t), "\nstacks\n") {
			t.Error("stacks though nobody asked")
		}
		_, got, _ := strings.Cut(normal(dump(t, inspect.WithStacks(10))), "\nstacks\n")
		for _, want := range []string{"  idle#1\n    ", "inspect_test.idle\n", "  sleeper#6\n    ", "scope.Sleep\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		if strings.Contains(got, "idle#2") {
			t.Errorf("the stack of a folded task in\n%s", got)
		}
	})
}

func TestDumpShowsWhoRunsInAPoolAndWhoIsQueuedForIt(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		cpu, err := pool.New(pool.Config{Name: "cpu", Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			cpu.Go(s, func(ctx) error { time.Sleep(time.Second); return nil }, scope.Name("resize"))
		}
		s.Go(func(c ctx) error {
			return cpu.Do(c, func(ctx) error { return nil })
		}, scope.Name("caller"))
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	├─ resize#1  running  [on pool cpu]  started at place_test.go:N
	├─ × 5 resize  queued for slot of pool cpu  the oldest, resize#2, started at place_test.go:N
	└─ caller#7  waits for slot of pool cpu  started at place_test.go:N

	places
	  pool cpu  size 1  running 1  queued 6
	`)
		if err := cpu.Close(c); err != nil {
			t.Error(err)
		}
	})
}
