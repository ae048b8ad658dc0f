package graph_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

func TestAgeIsZeroUntilTheClockTicksAndThenAtLeastTheTimeSince(t *testing.T) {
	in(t, func(ctx context.Context, s *scope.Scope) {
		graph.Tick()
		tasks, release := live(s, 1)
		defer release()
		if age := tasks[0].Age(); age != 0 {
			t.Errorf("before a tick the age is %v", age)
		}
		graph.Tick()
		start := time.Now()
		time.Sleep(2 * time.Millisecond)
		least := time.Since(start)
		if age := tasks[0].Age(); age < least {
			t.Errorf("the age is %v, %v after the tick", age, least)
		}
		for range 3000 { // more than the clock remembers
			graph.Tick()
		}
		if age := tasks[0].Age(); age < 0 || age > time.Minute {
			t.Errorf("of a task older than the clock remembers the age is %v", age)
		}
	})
}

func TestFindingsKeepTheNewestAndCountAll(t *testing.T) {
	code := "graph_test.many"
	_, before := graph.Findings()
	for i := range 300 {
		graph.Report(graph.Finding{Code: code, Detail: fmt.Sprint(i)})
	}
	newest, count := graph.Findings()
	if n := count[code] - before[code]; n != 300 {
		t.Errorf("counted %d of 300", n)
	}
	if len(newest) != 256 || newest[0].Detail != "44" || newest[255].Detail != "299" {
		t.Errorf("%d findings are kept, from %v to %v", len(newest), newest[0].Detail, newest[len(newest)-1].Detail)
	}
	if newest[0].Time.IsZero() {
		t.Error("a finding has no time")
	}
}

func TestSubscriberHearsUntilItCancels(t *testing.T) {
	var heard []string
	cancel := graph.Subscribe(func(f graph.Finding) {
		heard = append(heard, f.Detail)
		if f.Detail == "first" {
			graph.Report(graph.Finding{Code: "graph_test.nested", Detail: "from within"})
		}
	})
	graph.Report(graph.Finding{Code: "graph_test.sub", Detail: "first"})
	cancel()
	cancel()
	graph.Report(graph.Finding{Code: "graph_test.sub", Detail: "late"})
	if got := strings.Join(heard, ", "); got != "first, from within" {
		t.Errorf("heard %s", got)
	}
}

func TestWaitingUnderAnotherTasksContextIsAFindingOnce(t *testing.T) {
	var found atomic.Int64
	cancel := graph.Subscribe(func(f graph.Finding) {
		if f.Code == "scope.shared-context" {
			found.Add(1)
		}
	})
	defer cancel()
	in(t, func(ctx context.Context, _ *scope.Scope) {
		m := &mutex{name: "m"}
		m.Lock(ctx)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := m.Lock(ctx); err != nil {
					t.Error(err)
				}
				m.Unlock()
			})
		}
		for len(m.waiting()) < 5 {
			time.Sleep(time.Millisecond)
		}
		m.Unlock()
		wg.Wait()
	})
	if n := found.Load(); n != 1 {
		t.Errorf("%d findings for one task", n)
	}
}

func (m *mutex) waiting() []*graph.Wait {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.queue)
}

type place struct {
	name string
	_    [64]byte // not in the tiny allocator, which frees in company
}

func (p *place) Label() graph.Label      { return graph.Label{Kind: "place", Name: p.name} }
func (p *place) Figures() []graph.Figure { return nil }

func placesCalled(prefix string) (names []string) {
	for _, p := range graph.Places() {
		if name := p.Label().Name; strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

func TestPlacesAreListedOldestFirstUntilRemovedOrForgotten(t *testing.T) {
	var places []*place
	var removes []func()
	for i := range 3 {
		p := &place{name: fmt.Sprint("here", i)}
		places, removes = append(places, p), append(removes, graph.AddPlace(p))
	}
	if got := fmt.Sprint(placesCalled("here")); got != "[here0 here1 here2]" {
		t.Errorf("places are %s", got)
	}
	removes[1]()
	removes[1]()
	if got := fmt.Sprint(placesCalled("here")); got != "[here0 here2]" {
		t.Errorf("after a removal places are %s", got)
	}
	runtime.KeepAlive(places)
	places = nil
	for range 100 {
		runtime.GC()
		if len(placesCalled("here")) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("a forgotten place is kept")
}

//go:noinline
func spinUntil(stop *atomic.Bool) {
	for !stop.Load() {
	}
}

func TestStacksFindsBusyTasksByTheirAddresses(t *testing.T) {
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		var stop atomic.Bool
		defer stop.Store(true)
		got := make(chan *graph.Task)
		s.Go(func(ctx context.Context) error { got <- graph.Current(ctx); spinUntil(&stop); return nil })
		go s.Do(ctx, func(ctx context.Context) error { got <- graph.Current(ctx); spinUntil(&stop); return nil })
		tasks := []*graph.Task{<-got, <-got}
		parked, release := live(s, 1)
		defer release()
		var stacks map[*graph.Task]fault.Stack
		for range 1000 { // one of them may not have come to spin yet
			stacks = graph.Stacks(append(tasks, parked...))
			if strings.Contains(stacks[tasks[0]].String(), "spinUntil") && strings.Contains(stacks[tasks[1]].String(), "spinUntil") {
				break
			}
		}
		for _, x := range tasks {
			if stack := stacks[x].String(); !strings.Contains(stack, "spinUntil") {
				t.Errorf("the stack of %v is\n%s", x, stack)
			}
		}
		if stack := stacks[parked[0]].String(); !strings.Contains(stack, "graph_test.live") {
			t.Errorf("the stack of a task that receives is\n%s", stack)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
