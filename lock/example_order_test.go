package lock_test

import (
	"context"
	"fmt"
	"regexp"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// Two tasks take two locks in contrary orders. They do not meet, so nothing
// hangs; it is told all the same. In tests scopetest.Run does that.
func ExampleCheckOrder() {
	defer lock.CheckOrder()()
	line := regexp.MustCompile(`\w+\.go:\d+`)
	defer inspect.OnFinding(func(f inspect.Finding) {
		fmt.Println(f.Code)
		fmt.Println(line.ReplaceAllString(f.Detail, "a.go:7"))
	})()

	stock := &lock.Mutex{Class: lock.NewClass("stock")}
	price := &lock.Mutex{Class: lock.NewClass("price")}
	both := func(ctx context.Context, first, second *lock.Mutex) error {
		h, err := first.Lock(ctx)
		if err != nil {
			return err
		}
		defer h.Unlock()
		h, err = second.Lock(ctx)
		if err != nil {
			return err
		}
		h.Unlock()
		return nil
	}
	scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		f := scope.Go(s, func(ctx context.Context) (int, error) {
			return 0, both(ctx, stock, price)
		}, scope.Name("checkout"))
		f.Await(ctx)
		s.Go(func(ctx context.Context) error { return both(ctx, price, stock) }, scope.Name("reprice"))
		return nil
	})
	// Output:
	// lock.order-cycle
	// lock order: price → stock at a.go:7 (price taken at a.go:7, by reprice#2); stock → price at a.go:7 (stock taken at a.go:7, by checkout#1)
}

// What keeps two orders apart may be something that no lock knows.
func ExampleSuppressOrder() {
	lock.SuppressOrder("reload runs before the first request", "config", "routes")
}

// With ranks a wrong order is told the first time it is taken, though nobody
// has taken the right one yet.
func ExampleRank() {
	defer lock.CheckOrder()()
	defer inspect.OnFinding(func(f inspect.Finding) { fmt.Println(f.Code, f.Task) })()
	bank := lock.NewMutex(lock.In(lock.NewClass("bank", lock.Rank(1))))
	account := lock.NewMutex(lock.In(lock.NewClass("account", lock.Rank(2))))

	scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			a, _ := account.Lock(ctx)
			b, _ := bank.Lock(ctx)
			b.Unlock()
			a.Unlock()
			return nil
		}, scope.Name("audit"))
		return nil
	})
	// Output: lock.rank audit#1
}
