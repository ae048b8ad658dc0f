package scope_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// Every task has ended when Run returns; the first failure is its result.
func Example() {
	err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error {
			return errors.New("orders: connection refused")
		})
		s.Go(func(ctx context.Context) error {
			<-ctx.Done() // told by the failure of the other
			return ctx.Err()
		})
		return nil
	})
	fmt.Println(err)
	// Output: orders: connection refused
}

// A panic cancels its siblings; Run panics with who it was, and who started it,
// when they have ended.
func Example_panic() {
	defer func() {
		p := recover().(*fault.Panic)
		fmt.Println(p.Short())
		fmt.Println(strings.Contains(p.Stack, "Example_panic"))
	}()
	scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { panic("no such item") }, scope.Name("checkout"))
		s.Go(func(ctx context.Context) error {
			<-ctx.Done()
			fmt.Println("sibling has cleaned up")
			return nil
		})
		return nil
	})
	// Output:
	// sibling has cleaned up
	// checkout#1 panicked: no such item
	// true
}

// Two tasks that wait for each other are told so, one of them by an error.
func Example_deadlock() {
	err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		price := make(chan *scope.Future[int], 1)
		stock := scope.Go(s, func(ctx context.Context) (int, error) { return (<-price).Await(ctx) }, scope.Name("stock"))
		price <- scope.Go(s, func(ctx context.Context) (int, error) { return stock.Await(ctx) }, scope.Name("price"))
		return nil
	})
	var knot *fault.Deadlock
	if errors.As(err, &knot) {
		fmt.Println(len(knot.Members), "tasks wait for each other")
	}
	// Output: 2 tasks wait for each other
}

// Load three things at once; the failure of the third one can be lived with.
func ExampleValue() {
	type page struct{ user, orders, ads string }
	load := func(v string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return v, nil }
	}
	p, err := scope.Value(context.Background(), func(ctx context.Context, s *scope.Scope) (page, error) {
		user := scope.Go(s, load("ann"))
		orders := scope.Go(s, load("3 orders"))
		ads := scope.Try(s, func(context.Context) (string, error) { return "", errors.New("too slow") })
		var p page
		var err error
		if p.user, err = user.Await(ctx); err != nil {
			return p, fmt.Errorf("load user: %w", err)
		}
		if p.orders, err = orders.Await(ctx); err != nil {
			return p, fmt.Errorf("load orders: %w", err)
		}
		p.ads, _ = ads.Await(ctx)
		return p, nil
	}, scope.Timeout(time.Minute))
	fmt.Printf("%+v %v\n", p, err)
	// Output: {user:ann orders:3 orders ads:} <nil>
}

func ExampleMap() {
	lengths, err := scope.Map(context.Background(), 8, []string{"one", "three", "fifteen"},
		func(_ context.Context, s string) (int, error) { return len(s), nil })
	fmt.Println(lengths, err)
	// Output: [3 5 7] <nil>
}

func ExampleEach() {
	lines := strings.Lines("a\nb\nc\n")
	err := scope.Each(context.Background(), 2, lines, func(_ context.Context, line string) error {
		if line == "b\n" {
			return errors.New("line b is bad")
		}
		return nil
	})
	fmt.Println(err)
	// Output: line b is bad
}

func ExampleFirst() {
	slow := func(ctx context.Context) (string, error) { return "slow", scope.Sleep(ctx, time.Hour) }
	fast := func(context.Context) (string, error) { return "fast", nil }
	v, err := scope.First(context.Background(), slow, fast)
	fmt.Println(v, err)
	// Output: fast <nil>
}

func ExampleQuorum() {
	ack := func(context.Context) (string, error) { return "ack", nil }
	down := func(context.Context) (string, error) { return "", errors.New("down") }
	acks, err := scope.Quorum(context.Background(), 2, ack, down, ack)
	fmt.Println(acks, err)
	// Output: [ack ack] <nil>
}

func ExampleSettle() {
	up := func(context.Context) (string, error) { return "up", nil }
	down := func(context.Context) (string, error) { return "", errors.New("no route") }
	for i, o := range scope.Settle(context.Background(), up, down) {
		fmt.Println(i, o.Value, o.Err)
	}
	// Output:
	// 0 up <nil>
	// 1  no route
}

// A service: what serves the others ends after them, what they use is closed
// last.
func ExampleScope_Daemon() {
	scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Defer(func() error { fmt.Println("database closed"); return nil })
		s.Daemon(func(ctx context.Context) error {
			<-ctx.Done()
			fmt.Println("metrics flushed")
			return ctx.Err()
		})
		s.Go(func(context.Context) error { fmt.Println("work done"); return nil })
		return nil
	})
	// Output:
	// work done
	// metrics flushed
	// database closed
}

// Requests in flight are finished before anybody is cancelled.
func ExampleScope_Stop() {
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		s.OnStop(func(context.Context) error { fmt.Println("drained"); return nil })
		s.Go(func(ctx context.Context) error {
			<-ctx.Done()
			fmt.Println("told:", context.Cause(ctx))
			return ctx.Err()
		})
		s.Stop(errors.New("a new version"))
		return nil
	}, scope.Grace(30*time.Second))
	fmt.Println(err)
	// Output:
	// drained
	// told: a new version
	// a new version
}

// A goroutine that somebody else started, as net/http does for each request,
// becomes a task of the scope while f runs.
func ExampleScope_Do() {
	scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		served := make(chan error)
		go func() { // somebody else's
			served <- s.Do(context.Background(), func(context.Context) error { return errors.New("404") })
		}()
		fmt.Println(<-served, "is the request's affair")
		return nil
	})
	// Output: 404 is the request's affair
}

func ExampleContain() {
	err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { panic("bad plugin") }, scope.Name("plugin"))
		return nil
	}, scope.Contain())
	var p *fault.Panic
	if errors.As(err, &p) {
		fmt.Println(p.Short())
	}
	// Output: plugin#1 panicked: bad plugin
}

func ExampleSupervise() {
	err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { return errors.New("disk full") }, scope.Name("audit"))
		return nil
	}, scope.Supervise(func(err error) { fmt.Println("reported:", err) }))
	fmt.Println(err)
	// Output:
	// reported: scope: task "audit#1": disk full
	// <nil>
}

func ExampleFuture_OnDone() {
	scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		f := scope.Go(s, func(context.Context) (int, error) { return 7, nil })
		f.OnDone(func(v int, err error) { fmt.Println(v, err) })
		return nil
	})
	// Output: 7 <nil>
}

// However many ask for tea at once, the supplier is asked once.
func ExampleFlight() {
	fetch := func(context.Context) (int, error) {
		fmt.Println("asking the supplier")
		return 42, nil
	}
	scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		prices := scope.NewFlight[string, int](s)
		price, err := prices.Do(ctx, "tea", fetch)
		fmt.Println(price, err)
		return nil
	})
	// Output:
	// asking the supplier
	// 42 <nil>
}

// What must be finished once begun gets a bound of its own.
func ExampleShield() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the caller has gone
	err := scope.Shield(ctx, 20*time.Second, func(ctx context.Context) error {
		fmt.Println("committing:", ctx.Err())
		return nil
	})
	fmt.Println(err)
	// Output:
	// committing: <nil>
	// <nil>
}

func ExampleEvery() {
	scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		refreshed := make(chan struct{})
		s.Daemon(scope.Every(time.Millisecond, func(ctx context.Context) error {
			select {
			case refreshed <- struct{}{}:
			case <-ctx.Done():
			}
			return nil
		}))
		<-refreshed
		<-refreshed
		fmt.Println("refreshed twice")
		return nil
	})
	// Output: refreshed twice
}

func ExampleMain() {
	// func main() {
	scope.Main(func(ctx context.Context, s *scope.Scope) error {
		// SIGTERM runs the OnStop hooks, and then ends ctx.
		<-ctx.Done()
		return ctx.Err()
	})
	// }
}
