package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
)

// shop runs body while a task works out a price, and another one waits for it.
func shop(body func()) {
	scope.Run(context.Background(), func(c context.Context, s *scope.Scope) error {
		price := scope.Try(s, func(c context.Context) (int, error) {
			return 3, scope.Sleep(c, time.Minute)
		}, scope.Name("price"))
		for range 2000 {
			s.Go(func(c context.Context) error { <-c.Done(); return nil }, scope.Name("serve"))
		}
		s.Go(func(c context.Context) error {
			_, err := price.Await(c)
			return err
		}, scope.Name("checkout"))
		for inspect.Take().Totals.Waiting < 2 {
			time.Sleep(time.Millisecond)
		}
		body()
		s.Cancel(errors.New("the shop closes"))
		return nil
	}, scope.Name("shop"))
}

// Every task is shown under the scope that owns it, every wait with its reason.
// What looks alike is one line.
func ExampleDump() {
	shop(func() {
		var text bytes.Buffer
		if err := inspect.Dump(&text); err != nil {
			fmt.Println(err)
		}
		for line := range strings.Lines(text.String()) {
			if strings.HasPrefix(line, "├") || strings.HasPrefix(line, "└") {
				what, _, _ := strings.Cut(strings.ReplaceAll(line, " ≥", "  ≥"), "  started")
				what, _, _ = strings.Cut(what, "  the oldest")
				fmt.Println(withoutAges(what))
			}
		}
	})
	// Output:
	// ├─ price#1  waits for timer 1m0s
	// ├─ × 2,000 serve  running
	// └─ checkout#2002  waits for future price#1 → price#1 waits for timer 1m0s
}

func withoutAges(s string) string {
	var words []string
	for _, word := range strings.Split(s, " ") {
		if !strings.HasPrefix(word, "≥") {
			words = append(words, word)
		}
	}
	return strings.ReplaceAll(strings.Join(words, " "), "waits  for", "waits for")
}

// A snapshot is plain data: ask it what you like, as long as you like.
func ExampleTake() {
	var s *inspect.Snapshot
	shop(func() { s = inspect.Take() })

	fmt.Println(s.Totals.Tasks, "tasks,", s.Totals.WaitingFor)
	for t := range s.Tasks() {
		if t.Wait != nil {
			fmt.Println(t, t.State, "for", t.Wait.Kind, t.Wait.Name)
		}
	}
	// Output:
	// 2003 tasks, map[future:1 timer:1]
	// price#1 waiting for timer 1m0s
	// checkout#2002 waiting for future price#1
}

// Why does it wait? Link by link, down to what runs or ends by itself.
func ExampleSnapshot_Waits() {
	var s *inspect.Snapshot
	shop(func() { s = inspect.Take() })

	for _, chain := range s.Waits() {
		if chain[0].Task != "checkout#2002" {
			continue
		}
		for _, link := range chain {
			fmt.Println(link.Task, "waits for", link.Wait.Kind, link.Wait.Name)
		}
	}
	// Output:
	// checkout#2002 waits for future price#1
	// price#1 waits for timer 1m0s
}

// What DumpJSON streams is a Snapshot. The names of the fields stay.
func ExampleDumpJSON() {
	shop(func() {
		var text bytes.Buffer
		if err := inspect.DumpJSON(&text, inspect.Depth(2)); err != nil {
			fmt.Println(err)
		}
		var s inspect.Snapshot
		if err := json.Unmarshal(text.Bytes(), &s); err != nil {
			fmt.Println(err)
		}
		shop := s.Roots[0]
		fmt.Println(shop.Name, "owns", shop.Scopes[0].TaskCount, "tasks")
	})
	// Output: shop owns 2002 tasks
}

// A finding has a code and says what to do.
func ExampleOnFinding() {
	heard := make(chan inspect.Finding, 1)
	stop := inspect.OnFinding(func(f inspect.Finding) {
		select {
		case heard <- f:
		default: // never block whoever came upon it
		}
	})
	defer stop()

	scope.Run(context.Background(), func(c context.Context, s *scope.Scope) error {
		s.Go(func(c context.Context) error {
			done := make(chan struct{})
			go func() { // not a task, but under a task's context
				defer close(done)
				scope.Sleep(c, time.Millisecond)
			}()
			<-done
			return nil
		}, scope.Name("fetch"))
		return nil
	})

	f := <-heard
	fmt.Println(f.Code, "of", f.Task)
	fmt.Println(f.Hint)
	// Output:
	// scope.shared-context of fetch#1
	// start that goroutine with Scope.Go, or adopt it with Scope.Do, so that its waits are seen and cannot hang in silence
}

// Stacks are read for few, when asked for.
func ExampleWithStacks() {
	if err := inspect.Dump(os.Stderr, inspect.Depth(5), inspect.Limit(10), inspect.WithStacks(10)); err != nil {
		fmt.Println(err)
	}
}
