package inspect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
)

func TestFoldMakesOneLineOfManyAlike(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		gate := scope.Go(s, func(c ctx) (int, error) { return 1, scope.Sleep(c, time.Hour) }, scope.Name("gate"))
		for i := range 2000 {
			if i%2 == 0 {
				s.Go(idle, scope.Name("fetch"))
			} else {
				s.Go(func(c ctx) error { _, err := gate.Await(c); return err }, scope.Name("fetch"))
			}
		}
		for range 3 {
			s.Go(idle, scope.Name("few"))
		}
		synctest.Wait()
		inspect.Take()
		time.Sleep(time.Minute)
		same(t, treeOf(t), `
	main#R  running  started ≥1m0s ago at world_test.go:N
	├─ gate#1  waits ≥1m0s for timer 1h0m0s  started ≥1m0s ago at fold_test.go:N
	├─ × 1,000 fetch  running  the oldest, fetch#2, started ≥1m0s ago at fold_test.go:N
	├─ × 1,000 fetch  waits ≥1m0s for future gate#1, fetch#3 → gate#1 waits ≥1m0s for timer 1h0m0s  the oldest, fetch#3, started ≥1m0s ago at fold_test.go:N
	├─ few#2002  running  started ≥1m0s ago at fold_test.go:N
	├─ few#2003  running  started ≥1m0s ago at fold_test.go:N
	└─ few#2004  running  started ≥1m0s ago at fold_test.go:N
	`)
	})
}

func TestFoldTakesFuturesOfTasksThatDifferByNumberForAlike(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		for range 5 {
			price := scope.Go(s, func(c ctx) (int, error) { return 1, idle(c) }, scope.Name("price"))
			s.Go(func(c ctx) error { _, err := price.Await(c); return err }, scope.Name("quote"))
		}
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	├─ × 5 price  running  the oldest, price#1, started at fold_test.go:N
	└─ × 5 quote  waits for future price#…, quote#2 → price#1 running  the oldest, quote#2, started at fold_test.go:N
	`)
	})
}

func TestFoldKeepsApartWhatOwnsDifferentThings(t *testing.T) {
	handle := func(s *scope.Scope, inner ...string) {
		s.Go(func(c ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error {
				for _, name := range inner {
					s.Go(idle, scope.Name(name))
				}
				return nil
			}, scope.Name("fanout"))
		}, scope.Name("handle"))
	}
	world(t, func(c ctx, s *scope.Scope) {
		for range 10 {
			handle(s, "a", "b")
		}
		handle(s, "a", "b", "odd")
		handle(s, "b", "a", "a") // how many of a sort makes no difference
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	├─ × 11 handle  joins scope fanout  the oldest, handle#1, started at fold_test.go:N
	│  └─ as in handle#1
	│     └─ scope fanout  opened at fold_test.go:N
	│        ├─ a#1  running  started at fold_test.go:N
	│        └─ b#2  running  started at fold_test.go:N
	└─ handle#11  joins scope fanout  started at fold_test.go:N
	   └─ scope fanout  opened at fold_test.go:N
	      ├─ a#1  running  started at fold_test.go:N
	      ├─ b#2  running  started at fold_test.go:N
	      └─ odd#3  running  started at fold_test.go:N
	`)
	})
}

func TestFoldKeepsApartWhatAdoptedDifferentThings(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		done := make(chan struct{})
		for i := range 6 {
			s.Go(func(c ctx) error {
				if i == 5 {
					go func() {
						defer close(done)
						scope.Run(c, func(c ctx, s *scope.Scope) error { return idle(c) }, scope.Name("guest"))
					}()
				}
				return idle(c)
			}, scope.Name("host"))
		}
		synctest.Wait()
		same(t, treeOf(t), `
	main#R  running  started at world_test.go:N
	├─ × 5 host  running  the oldest, host#1, started at fold_test.go:N
	└─ host#6  running  started at fold_test.go:N
	   └─ guest#R  running  [adopted]  started at fold_test.go:N
	`)
		s.Cancel(nil)
		<-done
	})
}

func TestFoldSaysWhatItLeavesOut(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		for i := range 10 {
			s.Go(idle, scope.Name(fmt.Sprint("idle-", i)))
		}
		for range 7 {
			s.Go(func(c ctx) error { return scope.Sleep(c, time.Minute) }, scope.Name("sleep"))
		}
		synctest.Wait()
		same(t, treeOf(t, inspect.Limit(2)), `
	main#R  running  started at world_test.go:N
	├─ idle-0#1  running  started at fold_test.go:N
	├─ idle-1#2  running  started at fold_test.go:N
	└─ … and 15 tasks of 9 other sorts: 8 running, 7 waiting (inspect.Limit shows more)
	`)
	})
}

func TestFoldOfMoreSortsThanItRemembersKeepsTheOldestAndCountsEveryone(t *testing.T) {
	const n = 6000
	world(t, func(c ctx, s *scope.Scope) {
		for i := range n {
			s.Go(idle, scope.Name(fmt.Sprint("job-", i)))
		}
		synctest.Wait()
		got := treeOf(t, inspect.Limit(1))
		if !strings.Contains(got, "├─ job-0#1  ") || !strings.Contains(got, "└─ … and 5,999 tasks of 5,999 other sorts: 5,999 running") {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestFoldLeavesNoSpawnerWaitingForAStuckReader(t *testing.T) {
	scope.Run(context.Background(), func(c ctx, s *scope.Scope) error {
		for range 1000 {
			s.Go(idle)
		}
		reader := make(stuck)
		defer close(reader)
		s.Go(func(ctx) error { return inspect.DumpJSON(reader) })
		reader <- struct{}{} // the first write has begun
		for range 1000 {
			done := make(chan struct{})
			s.Go(func(ctx) error { close(done); return nil })
			<-done
		}
		s.Cancel(nil)
		return nil
	})
}

// stuck is a writer that does not return before it is closed.
type stuck chan struct{}

func (s stuck) Write(p []byte) (int, error) {
	for range s {
	}
	return len(p), nil
}
