package graph_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

type key struct{}

// in runs f as the only task of a scope.
func in(t *testing.T, f func(ctx context.Context, s *scope.Scope)) {
	t.Helper()
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error { f(ctx, s); return nil }, scope.Name("only"))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTaskIsCurrentUnderItsOwnContextAndWhateverWrapsIt(t *testing.T) {
	in(t, func(ctx context.Context, _ *scope.Scope) {
		self := graph.Current(ctx)
		if self == nil || self.Name() != "only" {
			t.Fatalf("current is %v", self)
		}
		cancelled, cancel := context.WithCancel(ctx)
		defer cancel()
		for name, wrapped := range map[string]context.Context{
			"value":    context.WithValue(ctx, key{}, 1),
			"cancel":   cancelled,
			"uncancel": context.WithoutCancel(ctx),
			"twice":    context.WithValue(cancelled, key{}, 1),
		} {
			if got := graph.Current(wrapped); got != self {
				t.Errorf("%s: current is %v", name, got)
			}
		}
	})
}

func TestBodyActsForTheTaskThatOpenedItsScope(t *testing.T) {
	in(t, func(ctx context.Context, _ *scope.Scope) {
		self := graph.Current(ctx)
		scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			if got := graph.Current(ctx); got != self {
				t.Errorf("in the body current is %v", got)
			}
			return nil
		})
	})
}

func TestNobodyIsCurrentOnAnotherGoroutineOrUnderAForeignContext(t *testing.T) {
	if graph.Current(t.Context()) != nil {
		t.Error("a test is a task")
	}
	in(t, func(ctx context.Context, s *scope.Scope) {
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := graph.Current(ctx); got != nil {
				t.Errorf("on another goroutine current is %v", got)
			}
			if graph.FromContext(ctx) == nil {
				t.Error("the context forgot its task")
			}
		})
		wg.Wait()
		if got := graph.Current(context.Background()); got != nil {
			t.Errorf("under Background current is %v", got)
		}
		scope.Try(s, func(context.Context) (int, error) {
			if got := graph.Current(ctx); got != nil {
				t.Errorf("in a sibling current is %v", got)
			}
			return 0, nil
		}).Await(ctx)
	})
}

func TestAdoptedGoroutineActsForItsNewTaskOnly(t *testing.T) {
	in(t, func(ctx context.Context, s *scope.Scope) {
		outer := graph.Current(ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			s.Do(ctx, func(ctx context.Context) error {
				if got := graph.Current(ctx); got == nil || got == outer {
					t.Errorf("adopted, current is %v", got)
				}
				return nil
			})
			if got := graph.Current(ctx); got != nil {
				t.Errorf("after Do current is %v", got)
			}
		})
		wg.Wait()
	})
}

// The runtime gives a goroutine's descriptor to the next one. A context that
// outlives its task must not make that one the task.
func TestEndedTaskIsNobodyThoughItsDescriptorIsUsedAgain(t *testing.T) {
	again := 0
	for range 2000 {
		var kept context.Context
		var g uintptr
		in(t, func(ctx context.Context, _ *scope.Scope) { kept, g = ctx, graph.Self() })
		next := make(chan bool)
		go func() {
			if graph.Self() == g {
				again++
			}
			next <- graph.Current(kept) == nil
		}()
		if !<-next {
			t.Fatal("a goroutine is taken for a task that has ended")
		}
	}
	t.Logf("%d of 2000 descriptors were used again", again)
	if graph.Certain && again == 0 {
		t.Error("none was used again: the test shows nothing")
	}
}

func TestGoroutinesThatLiveAtOnceAreToldApart(t *testing.T) {
	if !graph.Certain {
		t.Skip("this architecture does not tell goroutines apart: a knot is a finding here, not an error")
	}
	const n = 1000
	var mu sync.Mutex
	seen := make(map[uintptr]bool)
	var ready, wg sync.WaitGroup
	ready.Add(n)
	for range n {
		wg.Go(func() {
			mu.Lock()
			seen[graph.Self()] = true
			mu.Unlock()
			ready.Done()
			ready.Wait()
			runtime.Gosched()
		})
	}
	wg.Wait()
	if len(seen) != n {
		t.Errorf("%d goroutines have %d identities", n, len(seen))
	}
}

// here returns the line after its caller's.
func nextLine() int {
	_, _, line, _ := runtime.Caller(1)
	return line + 1
}

// Run also with -cover, with -race and with -gcflags=-N\ -l: each lays frames
// out differently.
func TestSiteIsTheLineThatWroteTheCall(t *testing.T) {
	type sites struct{ task, group int }
	got := make(map[string]sites)
	want := make(map[string]int)
	note := func(name string, ctx context.Context) {
		t := graph.FromContext(ctx)
		got[name] = sites{t.Site().Line, t.Group().Site().Line}
	}
	item := func(name string) func(context.Context, int) error {
		return func(ctx context.Context, _ int) error { note(name, ctx); return nil }
	}
	ctx := t.Context()
	want["Run"] = nextLine()
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		inner := graph.FromContext(ctx).Inner()
		got["Run"] = sites{inner.Site().Line, 0}
		var all []*scope.Future[int]
		want["Go"] = nextLine()
		all = append(all, scope.Go(s, func(ctx context.Context) (int, error) { note("Go", ctx); return 0, nil }))
		all[0].Await(ctx)
		want["Try"] = nextLine()
		all = append(all, scope.Try(s, func(ctx context.Context) (int, error) { note("Try", ctx); return 0, nil }))
		all[1].Await(ctx)
		done := make(chan bool)
		want["Scope.Go"] = nextLine()
		s.Go(func(ctx context.Context) error { note("Scope.Go", ctx); done <- true; return nil })
		<-done
		want["Daemon"] = nextLine()
		s.Daemon(func(ctx context.Context) error { note("Daemon", ctx); done <- true; return nil })
		<-done
		want["Each"] = nextLine()
		scope.Each(ctx, 1, slices.Values([]int{1}), item("Each"))
		want["Do"] = nextLine()
		return s.Do(ctx, func(ctx context.Context) error { note("Do", ctx); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, line := range want {
		if got[name].task != line {
			t.Errorf("%s: started at line %d, reported as %d", name, line, got[name].task)
		}
	}
	for _, name := range []string{"Go", "Try", "Scope.Go", "Daemon", "Do"} {
		if got[name].group != want["Run"] {
			t.Errorf("%s: its scope was opened at line %d, reported as %d", name, want["Run"], got[name].group)
		}
	}
}

func TestPathNamesEveryOwnerOutwards(t *testing.T) {
	var path string
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			return scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
				s.Go(func(ctx context.Context) error {
					path = graph.FromContext(ctx).Path().String()
					return nil
				}, scope.Name("child"))
				return nil
			})
		}, scope.Name("parent"))
		return nil
	}, scope.Name("root"))
	if err != nil {
		t.Fatal(err)
	}
	steps := strings.Split(path, " < ")
	for i, want := range []string{"child#1 (identity_test.go:", "parent#1 (identity_test.go:", "root#"} {
		if i >= len(steps) || !strings.HasPrefix(steps[i], want) {
			t.Fatalf("path is %s", path)
		}
	}
}
