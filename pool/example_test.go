package pool_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

var ctx = context.Background()

func Example() {
	cpu, err := pool.New(pool.Config{Name: "cpu"})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		sum := pool.Go(s, cpu, func(context.Context) (uint32, error) {
			return crc32.ChecksumIEEE([]byte("much data")), nil
		})
		n, err := sum.Await(ctx)
		fmt.Printf("%08x\n", n)
		return err
	})
	fmt.Println(err)
	// Output:
	// bc1a359d
	// <nil>
}

// The caller waits, so it runs the work: no goroutine is started, and no more
// than Size run at once.
func ExamplePool_Do() {
	cpu, _ := pool.New(pool.Config{Size: 1})
	running, most := 0, 0 // one slot, so no lock is needed
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			cpu.Do(ctx, func(context.Context) error {
				running++
				most = max(most, running)
				running--
				return nil
			})
		})
	}
	all.Wait()
	fmt.Println("at most", most)
	// Output: at most 1
}

// Work may wait for work of its own pool, even with one slot.
func ExamplePool_Go() {
	cpu, _ := pool.New(pool.Config{Size: 1})
	err := cpu.Do(ctx, func(ctx context.Context) error {
		return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			for i := range 3 {
				cpu.Go(s, func(context.Context) error { fmt.Println("part", i); return nil })
			}
			return nil
		})
	})
	fmt.Println(err)
	// Output:
	// part 0
	// part 1
	// part 2
	// <nil>
}

var Square = task.Define("square", func(_ context.Context, n int) (int, error) { return n * n, nil })

// A named task moves to the pool by one word.
func ExamplePool_Run() {
	cpu, _ := pool.New(pool.Config{})
	fmt.Println(Square.Do(ctx, task.Here, 7))
	fmt.Println(Square.Do(ctx, cpu, 7))
	// Output:
	// 49 <nil>
	// 49 <nil>
}

// A context covers queueing too, and the error says that nothing had begun.
func ExamplePool_Do_cancelled() {
	cpu, _ := pool.New(pool.Config{Size: 1})
	cpu.Do(ctx, func(context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		done := make(chan error)
		go func() { done <- cpu.Do(ctx, func(context.Context) error { return nil }) }()
		err := <-done
		fmt.Println(fault.KindOf(err), fault.Started(err), errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	// Output: deadline false true
}

func ExampleOverflow() {
	cpu, _ := pool.New(pool.Config{Name: "thumbnails", Size: 1, Queue: 1, Overflow: pool.Reject})
	busy, free := make(chan struct{}), make(chan struct{})
	go cpu.Do(ctx, func(context.Context) error { close(busy); <-free; return nil })
	<-busy
	err := scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		defer close(free)
		cpu.Go(s, func(context.Context) error { return nil })
		err := cpu.Do(ctx, func(context.Context) error { return nil })
		fmt.Println(fault.KindOf(err), fault.Retryable(err))
		fmt.Println(fault.HintOf(err))
		return nil
	})
	fmt.Println(err)
	// Output:
	// overloaded true
	// try later, or raise Config.Size or Config.Queue
	// <nil>
}

func ExamplePriority() {
	cpu, _ := pool.New(pool.Config{Size: 1})
	urgent := cpu.With(pool.Priority(pool.Highest))
	scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		return cpu.Do(ctx, func(context.Context) error { // the slot is taken
			cpu.Go(s, func(context.Context) error { fmt.Println("report"); return nil })
			urgent.Go(s, func(context.Context) error { fmt.Println("login"); return nil })
			return nil
		})
	})
	// Output:
	// login
	// report
}

func ExampleYield() {
	cpu, _ := pool.New(pool.Config{})
	ctx, cancel := context.WithCancelCause(ctx)
	err := cpu.Do(ctx, func(ctx context.Context) error {
		for i := 0; ; i++ {
			if i == 1_000 {
				cancel(errors.New("the client has gone"))
			}
			if err := pool.Yield(ctx); err != nil {
				return err
			}
		}
	})
	fmt.Println(err)
	// Output: the client has gone
}

// Close finishes what was accepted.
func ExamplePool_Close() {
	cpu, _ := pool.New(pool.Config{Name: "cpu", Size: 1})
	scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		for i := range 3 {
			cpu.Go(s, func(context.Context) error { fmt.Println("work", i); return nil })
		}
		fmt.Println("closed:", cpu.Close(ctx))
		return nil
	})
	fmt.Println(cpu.Do(ctx, func(context.Context) error { return nil }) != nil)
	// Output:
	// work 0
	// work 1
	// work 2
	// closed: <nil>
	// true
}
