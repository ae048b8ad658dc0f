package inspect_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// lines are the chains of a snapshot as text.
func lines(s *inspect.Snapshot) string {
	var b strings.Builder
	for _, c := range s.Waits() {
		b.WriteString(normal(c.String()) + "\n")
	}
	return b.String()
}

func TestWaitsFollowsEachWaitToItsEnd(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		price := scope.Go(s, func(c ctx) (int, error) { return 1, scope.Sleep(c, time.Minute) }, scope.Name("price"))
		synctest.Wait()
		inspect.Take()
		time.Sleep(time.Second)
		quote := scope.Go(s, func(c ctx) (int, error) {
			return scope.Value(c, func(c ctx, s *scope.Scope) (int, error) {
				s.Go(func(c ctx) error { _, err := price.Await(c); return err }, scope.Name("part"))
				s.Go(idle, scope.Name("other"))
				return 1, nil
			}, scope.Name("fanout"))
		}, scope.Name("quote"))
		s.Go(func(c ctx) error { _, err := quote.Await(c); return err }, scope.Name("checkout"))
		synctest.Wait()
		same(t, lines(inspect.Take()), `
	price#1 waits ≥1s for timer 1m0s
	quote#2 joins scope fanout → part#1 (one of 2) waits for future price#1 → price#1 waits ≥1s for timer 1m0s
	part#1 waits for future price#1 → price#1 waits ≥1s for timer 1m0s
	checkout#3 waits for future quote#2 → quote#2 joins scope fanout → part#1 (one of 2) waits for future price#1 → price#1 waits ≥1s for timer 1m0s
	`)
	})
}

// Waits that a context of their own can end are no deadlock, but they may go
// round all the same.
func TestWaitsGoingRoundAreShownAsACircle(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		var a, b *scope.Future[int]
		begin := make(chan struct{})
		await := func(c ctx, f **scope.Future[int]) (int, error) {
			<-begin
			c, cancel := context.WithTimeout(c, time.Minute)
			defer cancel()
			return (*f).Await(c)
		}
		a = scope.Try(s, func(c ctx) (int, error) { return await(c, &b) }, scope.Name("a"))
		b = scope.Try(s, func(c ctx) (int, error) { return await(c, &a) }, scope.Name("b"))
		close(begin)
		synctest.Wait()
		snap := inspect.Take()
		same(t, lines(snap), `
	a#1 waits for future b#2 → b#2 waits for future a#1 → a#1 again: a circle
	b#2 waits for future a#1 → a#1 waits for future b#2 → b#2 again: a circle
	`)
		if !snap.Waits()[0].Circle() {
			t.Error("it does not know that it is one")
		}
		if got := treeOf(t); !strings.Contains(got, "a#1  waits for future b#2 → b#2 waits for future a#1 → a#1 again: a circle  ") {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestWaitsOfALongChainAreCutShort(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		last := scope.Go(s, func(c ctx) (int, error) { return 1, idle(c) }, scope.Name("link"))
		for range 50 {
			before := last
			last = scope.Go(s, func(c ctx) (int, error) { return before.Await(c) }, scope.Name("link"))
		}
		synctest.Wait()
		for _, chain := range inspect.Take().Waits() {
			if len(chain) > 16 {
				t.Errorf("%d links: %v", len(chain), chain)
			}
			if text := chain.String(); len(chain) == 16 && !strings.HasSuffix(text, " → …") && !strings.HasSuffix(text, "running") {
				t.Errorf("it does not say that it goes on: %s", text)
			}
		}
	})
}

func TestWaitsListsFewOfManyAndTheOneThatWaitsItselfFirst(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		var on []*graph.Task
		for i := range 100 {
			s.Go(func(c ctx) error {
				on = append(on, graph.Current(c))
				if i == 70 {
					return scope.Sleep(c, time.Minute)
				}
				return idle(c)
			}, scope.Name("holder"))
			synctest.Wait()
		}
		s.Go(func(c ctx) error {
			return (&thing{kind: "mutex", name: "stock", on: func() []*graph.Task { return append(on, on...) }}).await(c)
		}, scope.Name("waiter"))
		synctest.Wait()
		w := find(t, inspect.Take(), "waiter").Wait
		if len(w.On) != 16 || w.On[0].Task != "holder#71" || w.On[1].Task != "holder#1" {
			t.Errorf("it waits for %v", w.On)
		}
	})
}

// Asking on behalf of each of n waiters who stands before it takes n²/2 steps.
func TestWaitsInALongQueueAreNotAllAskedAbout(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		var queue []*graph.Task
		x := &thing{kind: "mutex", name: "stock", on: func() []*graph.Task { return queue }}
		for range 1000 {
			s.Go(func(c ctx) error {
				queue = append(queue, graph.Current(c))
				return (&thing{kind: "turn"}).await(c)
			}, scope.Name("queued"))
			synctest.Wait()
		}
		for range 1000 {
			s.Go(x.await, scope.Name("waiter"))
			synctest.Wait()
		}
		x.answers = 0
		known, unknown := 0, 0
		for task := range inspect.Take().Tasks() {
			switch {
			case task.Name != "waiter":
			case len(task.Wait.On) > 0 && task.Wait.OnTotal > 0:
				known++
			case len(task.Wait.On) == 0 && task.Wait.OnTotal == 0:
				unknown++
			}
		}
		if known != 32 || unknown != 968 || x.answers != 32 {
			t.Errorf("%d answers, %d of 1000 are known, %d are not", x.answers, known, unknown)
		}
	})
}

func TestWaitsOfATaskThatWaitsForOneThatIsGoneEndThere(t *testing.T) {
	world(t, func(c ctx, s *scope.Scope) {
		var gone *graph.Task
		s.Go(func(c ctx) error { gone = graph.Current(c); return nil })
		synctest.Wait()
		s.Go((&thing{kind: "mutex", name: "m", on: func() []*graph.Task { return []*graph.Task{gone} }}).await, scope.Name("waiter"))
		synctest.Wait()
		same(t, lines(inspect.Take()), `
	waiter#2 waits for mutex m
	`)
	})
}
