package lock_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// At most three connections, however many want one.
func ExampleNewSemaphore() {
	connections := lock.NewSemaphore(3, lock.Name("connections"))
	var mu sync.Mutex
	open, most := 0, 0
	scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		for range 10 {
			s.Go(func(ctx context.Context) error {
				if err := connections.Acquire(ctx, 1); err != nil {
					return err
				}
				defer connections.Release(1)
				mu.Lock()
				open++
				most = max(most, open)
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				open--
				mu.Unlock()
				return nil
			})
		}
		return nil
	})
	fmt.Println(most <= 3, open)
	// Output: true 0
}

// What can never be served is an error that says what to do. Whoever is
// served, however late, was in front of all who came after.
func ExampleSemaphore_Acquire() {
	memory := lock.NewSemaphore(64, lock.Name("memory"))
	fmt.Println(memory.Acquire(context.Background(), 65))
	fmt.Println(memory.Acquire(context.Background(), 64))

	soon, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	fmt.Println(memory.Acquire(soon, 1))
	memory.Release(64)
	// Output:
	// lock: acquire "memory": 65 units were asked for, of 64 (ask for at most 64, or Resize)
	// <nil>
	// lock: acquire "memory": context deadline exceeded
}

// A task that takes units by With is known to hold them. Who would wait for
// ever is told, and by whom it is kept waiting: here by itself.
func ExampleSemaphore_With() {
	db := lock.NewSemaphore(3, lock.Name("db"))
	err := scope.Run(context.Background(), func(ctx context.Context, _ *scope.Scope) error {
		return db.With(ctx, 2, func(ctx context.Context) error {
			return db.With(ctx, 2, func(context.Context) error { return nil })
		})
	})
	fmt.Println(fault.KindOf(err))
	fmt.Println(db.TryAcquire(3)) // all have come back
	// Output:
	// deadlocked
	// true
}

// The urgent are served first, but nobody starves: a request gains a level for
// each 100 ms that it waits.
func ExamplePriority() {
	s := lock.NewSemaphore(1)
	s.TryAcquire(1)
	var served sync.WaitGroup
	ask := func(name string, n int) {
		served.Go(func() {
			s.With(context.Background(), 1, func(context.Context) error {
				fmt.Println(name)
				return nil
			}, lock.Priority(n))
		})
	}
	ask("batch", lock.Lowest)
	ask("page", 0)
	ask("payment", lock.Highest)
	for s.Waiting() < 3 {
		time.Sleep(time.Millisecond)
	}
	s.Release(1)
	served.Wait()
	// Output:
	// payment
	// page
	// batch
}

// A limit may follow the load. Nothing is taken from those who hold; units that
// come back are not given out again until no more than the new size are held.
func ExampleSemaphore_Resize() {
	s := lock.NewSemaphore(2, lock.Name("workers"))
	s.TryAcquire(2)
	fmt.Println(s.Resize(1))
	s.Release(1)
	fmt.Println(s.TryAcquire(1))
	fmt.Println(s.Resize(2))
	fmt.Println(s.TryAcquire(1))
	fmt.Println(s.Resize(0))
	// Output:
	// <nil>
	// false
	// <nil>
	// true
	// lock: resize "workers": 0 units (it takes 1 to 4611686018427387903)
}
