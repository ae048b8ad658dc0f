package lock_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// The habit: the error is looked at, and the hold is deferred.
func ExampleMutex() {
	var mu lock.Mutex
	visits := 0
	visit := func(ctx context.Context) error {
		h, err := mu.Lock(ctx)
		if err != nil {
			return err
		}
		defer h.Unlock()
		visits++
		return nil
	}
	err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		for range 100 {
			s.Go(visit)
		}
		return nil
	})
	fmt.Println(visits, err)
	// Output: 100 <nil>
}

// Two tasks take two locks in contrary orders. One of them is told so when it
// would close the circle. It gives up what it has, and the other goes on.
func ExampleMutex_deadlock() {
	stock, price := lock.NewMutex(lock.Name("stock")), lock.NewMutex(lock.Name("price"))
	hasStock, hasPrice := make(chan struct{}), make(chan struct{})
	sold := 0
	both := func(ctx context.Context, first, second *lock.Mutex, mine, theirs chan struct{}) error {
		h, err := first.Lock(ctx)
		if err != nil {
			return err
		}
		defer h.Unlock()
		close(mine)
		<-theirs // so that it happens here, and not once a year
		h, err = second.Lock(ctx)
		if err != nil {
			return err
		}
		defer h.Unlock()
		sold++
		return nil
	}
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			return both(ctx, stock, price, hasStock, hasPrice)
		}, scope.Name("checkout"))
		s.Go(func(ctx context.Context) error {
			return both(ctx, price, stock, hasPrice, hasStock)
		}, scope.Name("reprice"))
		return nil
	})

	var d *fault.Deadlock
	if errors.As(err, &d) { // d.Error() is the report, d.Report() has every stack
		fmt.Println(len(d.Members), "tasks wait for each other")
		for _, m := range d.Members {
			fmt.Println(m.Task, "holds", m.Holds, "and waits for", m.WaitsFor)
		}
	}
	fmt.Println("and", sold, "of them went on")
	// Unordered output:
	// 2 tasks wait for each other
	// checkout#1 holds [mutex stock] and waits for mutex price
	// reprice#2 holds [mutex price] and waits for mutex stock
	// and 1 of them went on
}

// ctx bounds the wait and nothing else: a lock that is free is locked.
func ExampleMutex_timeout() {
	stock := lock.NewMutex(lock.Name("stock"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()

	h, err := stock.Lock(ctx)
	fmt.Println("free:", err)

	_, err = stock.Lock(ctx)
	fmt.Println("held:", err)
	fmt.Println(fault.KindOf(err), errors.Is(err, context.DeadlineExceeded))

	h.Unlock()
	_, err = stock.Lock(ctx) // which has ended
	fmt.Println("free again:", err)
	// Output:
	// free: <nil>
	// held: lock: lock "stock": context deadline exceeded
	// deadline true
	// free again: <nil>
}

// Who tries does not wait. ctx says who it is that tries.
func ExampleMutex_TryLock() {
	ctx := context.Background()
	var refreshing lock.Mutex
	refresh := func() string {
		h, ok := refreshing.TryLock(ctx)
		if !ok {
			return "somebody else is at it"
		}
		defer h.Unlock()
		return "refreshed"
	}
	fmt.Println(refresh())
	h, _ := refreshing.Lock(ctx)
	fmt.Println(refresh())
	h.Unlock()
	// Output:
	// refreshed
	// somebody else is at it
}

// A task that ends with a lock leaves it lost: nobody gets what may be half
// changed without having been told.
func ExampleMutex_Reset() {
	ctx := context.Background()
	ledger := lock.NewMutex(lock.Name("ledger"))
	lines := []string{"opening 100"}
	scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			_, err := ledger.Lock(ctx) // and no defer h.Unlock()
			if err != nil {
				return err
			}
			lines = append(lines, "half a transfer")
			return errors.New("connection refused")
		}, scope.Name("transfer"))
		return nil
	})

	_, err := ledger.Lock(ctx)
	fmt.Println(err)
	fmt.Println(fault.KindOf(err))

	lines = lines[:1] // repaired
	fmt.Println(ledger.Reset())
	h, err := ledger.Lock(ctx)
	fmt.Println(lines, err)
	h.Unlock()
	// Output:
	// lock: lock "ledger": its holder ended without unlocking it: transfer#1 (unlock with defer; what the lock protects may be half changed: repair it, then call Reset)
	// lost
	// true
	// [opening 100] <nil>
}

// Readers read together; a writer is alone.
func ExampleRWMutex() {
	var mu lock.RWMutex
	routes := map[string]string{"/": "home"}
	route := func(ctx context.Context, path string) (string, error) {
		h, err := mu.RLock(ctx)
		if err != nil {
			return "", err
		}
		defer h.Unlock()
		return routes[path], nil
	}
	add := func(ctx context.Context, path, page string) error {
		h, err := mu.Lock(ctx)
		if err != nil {
			return err
		}
		defer h.Unlock()
		routes[path] = page
		return nil
	}
	ctx := context.Background()
	fmt.Println(add(ctx, "/ping", "pong"))
	fmt.Println(route(ctx, "/ping"))
	// Output:
	// <nil>
	// pong <nil>
}

// Two readers who both want to write would wait for each other. So it is
// refused, to the first already.
func ExampleRWMutex_upgrade() {
	scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		config := lock.NewRWMutex(lock.Name("config"))
		r, err := config.RLock(ctx)
		if err != nil {
			return err
		}
		_, err = config.Lock(ctx)
		fmt.Println(err)
		fmt.Println(errors.Is(err, lock.ErrUpgrade))
		r.Unlock()

		w, err := config.Lock(ctx) // and now look again at what was read
		fmt.Println(err)
		w.Unlock()
		return nil
	})
	// Output:
	// lock: lock "config": its reader cannot become its writer (unlock what is held for reading first, lock for writing, and look again at what was read)
	// true
	// <nil>
}

// The request is checked under the lock, and what is left of the work is done
// by another task, without a gap in which somebody else could come between.
func ExampleHeld_Handoff() {
	account := lock.NewMutex(lock.Name("account"))
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		h, err := account.Lock(ctx)
		if err != nil {
			return err
		}
		gift := h.Handoff() // h holds nothing from here on
		s.Go(func(ctx context.Context) error {
			h, err := gift.Take(ctx)
			if err != nil {
				return err
			}
			defer h.Unlock()
			fmt.Println("booked by the task that was given the lock")
			return nil
		})
		return nil
	})
	fmt.Println(err)
	// Output:
	// booked by the task that was given the lock
	// <nil>
}
