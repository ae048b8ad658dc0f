package inspect_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
)

func TestDumpOfNothingSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		same(t, normal(dump(t)), `
	hem at 2000-01-01 00:00:00 UTC: no tasks
	`)
	})
}

func TestDumpShowsWhoWaitsForWhatAndWhy(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		price := scope.Go(s, func(c ctx) (int, error) { return 1, scope.Sleep(c, time.Minute) }, scope.Name("price"))
		quote := scope.Go(s, func(c ctx) (int, error) { return price.Await(c) }, scope.Name("quote"))
		s.Go(func(c ctx) error { _, err := quote.Await(c); return err }, scope.Name("checkout"))
		s.Go(idle, scope.Name("serve"))
		s.Daemon(scope.Every(time.Second, func(ctx) error { return nil }), scope.Name("flush"))
		synctest.Wait()
		inspect.Take()
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		same(t, normal(dump(t)), `
	hem at 2000-01-01 00:00:03 UTC: 6 tasks (2 running, 4 waiting) in 1 scope
	waiting: 2 for future, 2 for timer
	running: or blocked where Hem cannot see it, as in a channel of Go's own; inspect.WithStacks tells

	main#R  running  started ≥3s ago at world_test.go:N
	├─ price#1  waits ≥3s for timer 1m0s  started ≥3s ago at dump_test.go:N
	├─ quote#2  waits ≥3s for future price#1 → price#1 waits ≥3s for timer 1m0s  started ≥3s ago at dump_test.go:N
	├─ checkout#3  waits ≥3s for future quote#2 → quote#2 waits ≥3s for future price#1 → price#1 waits ≥3s for timer 1m0s  started ≥3s ago at dump_test.go:N
	├─ serve#4  running  started ≥3s ago at dump_test.go:N
	└─ flush#5  waits for timer 1s  [daemon]  started ≥3s ago at dump_test.go:N
	`)
	})
}

func TestDumpShowsScopesUnderTheTaskThatOpenedThemAndWhyTheyWereCancelled(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			scope.Run(c, func(c ctx, s *scope.Scope) error {
				s.Go(func(c ctx) error { <-c.Done(); return scope.Sleep(context.WithoutCancel(c), time.Second) }, scope.Name("tail"))
				return scope.Run(c, func(c ctx, s *scope.Scope) error {
					s.Go(func(c ctx) error { return scope.Sleep(context.WithoutCancel(c), time.Second) }, scope.Name("inner"))
					return errors.New("no such\nitem")
				}, scope.Name("within"))
			}, scope.Name("fanout"))
			return nil
		}, scope.Name("handle"))
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	└─ handle#1  joins scope within  started at dump_test.go:N
	   ├─ scope fanout  opened at dump_test.go:N
	   │  └─ tail#1  running  started at dump_test.go:N
	   └─ scope within  [cancelled: no such item]  opened at dump_test.go:N
	      └─ inner#1  waits for timer 1s  started at dump_test.go:N
	`)
		s.Cancel(errors.New("enough"))
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  [cancelled: enough]  started at world_test.go:N
	└─ handle#1  joins scope within  started at dump_test.go:N
	   ├─ scope fanout  [cancelled: enough]  opened at dump_test.go:N
	   │  └─ tail#1  waits for timer 1s  started at dump_test.go:N
	   └─ scope within  [cancelled: no such item]  opened at dump_test.go:N
	      └─ inner#1  waits for timer 1s  started at dump_test.go:N
	`)
	})
}

func TestDumpShowsTheTaskWhoseOwnContextEnded(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			scope.Sleep(context.WithoutCancel(c), 3*time.Second)
			return nil
		}, scope.Name("late"), scope.Timeout(time.Second))
		time.Sleep(2 * time.Second)
		got := treeOf(t)
		if want := `late#1  waits for timer 3s  [cancelled: scope: task "late": context deadline exceeded]`; !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	})
}

func TestDumpShowsDeadlinesWhereTheyAreSet(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error {
				s.Go(idle, scope.Name("part"))
				return nil
			}, scope.Name("fanout"), scope.Timeout(30*time.Second))
		}, scope.Name("handle"), scope.Timeout(time.Minute))
		time.Sleep(1500 * time.Millisecond)
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	└─ handle#1  joins scope fanout  [deadline in 58s]  started at dump_test.go:N
	   └─ scope fanout  [deadline in 28s]  opened at dump_test.go:N
	      └─ part#1  running  started at dump_test.go:N
	`)
	})
}

func TestDumpShowsAnAdoptedGoroutineUnderTheContextItCameWith(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			done := make(chan struct{})
			go func() {
				defer close(done)
				scope.Run(c, func(c ctx, s *scope.Scope) error {
					s.Go(idle, scope.Name("query"))
					return nil
				}, scope.Name("handler"))
			}()
			<-done
			return nil
		}, scope.Name("serve"))
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	└─ serve#1  running  started at dump_test.go:N
	   └─ handler#R  joins scope handler  [adopted]  started at dump_test.go:N
	      └─ query#1  running  started at dump_test.go:N
	`)
		handler := find(t, inspect.Take(), "serve").Adopted
		if len(handler) != 1 || handler[0].Name != "handler" || handler[0].Under != nil {
			t.Errorf("serve's adopted are %v", handler)
		}
	})
}

func TestDumpShowsAnAdoptedGoroutineAtTheTopWhenTheTaskItCameFromHasEnded(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		var captured ctx
		s.Go(func(c ctx) error { captured = c; return nil }, scope.Name("gone"))
		synctest.Wait()
		inspect.Take() // so that the next root is known to be younger
		go scope.Run(captured, func(c ctx, s *scope.Scope) error { return idle(c) }, scope.Name("left"))
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	left#R  running  [adopted under gone#1]  started at dump_test.go:N
	`)
		if left := find(t, inspect.Take(), "left"); left.Under == nil || left.Under.Task != "gone#1" {
			t.Errorf("left came under %v", left.Under)
		}
	})
}

func TestDumpShowsAHandlerThatScopeDoAdoptedAsATaskOfThatScope(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		go s.Do(context.Background(), func(c ctx) error {
			<-s.Context().Done()
			return nil
		})
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	└─ inspect_test.TestDumpShowsAHandlerThatScopeDoAdoptedAsATaskOfThatScope.func1.1#1  running  started at dump_test.go:N
	`)
	})
}

func TestDumpCountsWhatIsDeeperThanItShows(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		nest(c, s, 1000)
		synctest.Wait()
		same(t, treeOf(t, inspect.Depth(3)), `
	main#R  running  started at world_test.go:N
	└─ nest#1  joins scope nested  started at dump_test.go:N
	   └─ scope nested  opened at dump_test.go:N
	      └─ nest#1  joins scope nested  started at dump_test.go:N
	         └─ … 998 tasks deeper (inspect.Depth shows more)
	`)
		if n := strings.Count(treeOf(t, inspect.Depth(1001)), "nest#1"); n != 1000 {
			t.Errorf("%d of 1000 levels are shown", n)
		}
		depth := 0
		for task := find1(inspect.Take().Roots[0]); task != nil; task = find1(task) {
			depth++
		}
		if depth != 1000 {
			t.Errorf("the snapshot is %d tasks deep", depth)
		}
	})
}

func find1(t *inspect.Task) *inspect.Task {
	if len(t.Scopes) == 0 || len(t.Scopes[0].Tasks) == 0 {
		return nil
	}
	return t.Scopes[0].Tasks[0]
}

func nest(c ctx, s *scope.Scope, levels int) {
	s.Go(func(c ctx) error {
		if levels == 1 {
			return idle(c)
		}
		return scope.Run(c, func(c ctx, s *scope.Scope) error {
			nest(c, s, levels-1)
			return nil
		}, scope.Name("nested"))
	}, scope.Name("nest"))
}

func TestDumpKeepsHostileNamesOnOneLine(t *testing.T) {
	names := []string{
		"two\nlines", "\x1b[31mred\x1b[0m", "bad\xff\xfeutf8", "right\u202eleft", "tab\tand\x00zero", strings.Repeat("long", 2560), "× 3 └─",
	}
	world(t, func(c ctx, s *scope.Scope) {
		for _, name := range names {
			s.Go(func(c ctx) error { return (&thing{kind: name, name: name}).await(c) }, scope.Name(name))
		}
		s.Go(func(c ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error { return idle(c) }, scope.Name(names[0]))
		}, scope.Name("owner"))
		synctest.Wait()
		text := dump(t)
		tree := treeOf(t)
		if n := strings.Count(tree, "\n"); n != len(names)+3 {
			t.Errorf("%d lines:\n%s", n, tree)
		}
		for _, bad := range []string{"\x1b", "\xff", "\u202e", "\x00", strings.Repeat("long", 40)} {
			if strings.Contains(text, bad) {
				t.Errorf("the text has %q", bad)
			}
		}
		if !strings.Contains(tree, `"two\nlines#1"`) {
			t.Errorf("the name is gone:\n%s", tree)
		}
		for task := range inspect.Take().Tasks() {
			if len(task.Name) > 300 {
				t.Errorf("a name of %d bytes is kept", len(task.Name))
			}
		}
	})
}

func TestDumpSurvivesACauseThatPanics(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		s.Go(func(c ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error {
				s.Go(func(c ctx) error { return scope.Sleep(context.WithoutCancel(c), time.Second) }, scope.Name("inner"))
				s.Cancel(evil{})
				return nil
			}, scope.Name("within"))
		}, scope.Name("outer"))
		synctest.Wait()
		if got := treeOf(t); !strings.Contains(got, "[cancelled: (an error whose Error method panics)]") {
			t.Errorf("got\n%s", got)
		}
		time.Sleep(time.Second)
	})
}

type evil struct{}

func (evil) Error() string { panic("evil") }

func TestOptionsRefuseLessThanOne(t *testing.T) {
	for name, option := range map[string]func(int) inspect.Option{
		"Depth": inspect.Depth, "Limit": inspect.Limit, "WithStacks": inspect.WithStacks,
	} {
		func() {
			defer func() {
				if got, want := recover(), "inspect: "+name+" of less than one"; got != want {
					t.Errorf("got %v, want %v", got, want)
				}
			}()
			option(0)
		}()
	}
}
