package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/hemgo/hem/scope"
)

// A crowd starts n that block at once. arrived is called by each before it
// blocks; gone ends them and returns when they have.
type crowd func(n int, arrived func()) (gone func())

// bytesPerTask compares a task that blocks on a channel with a goroutine that
// does: what being one of Hem's costs as long as it lives.
func bytesPerTask(p plan) (outcome, error) {
	return compareHeap(p, "goroutine", taskCrowd, goroutineCrowd, quantity{400, bytes})
}

// bytesPerParked compares a task that awaits a future, and so is parked, with a
// goroutine that selects on a channel and its context.
func bytesPerParked(p plan) (outcome, error) {
	return compareHeap(p, "chan+select", parkedCrowd, selectCrowd, quantity{})
}

// compareHeap measures what each of a crowd keeps alive on the heap. Stacks are
// not on it; they are told in a comment.
func compareHeap(p plan, name string, ours, theirs crowd, beyond quantity) (o outcome, err error) {
	const rounds = 5
	crowds := []crowd{ours, theirs}
	// The runtime gives new goroutines stacks as large as it found in use. With
	// as many idle ones about it keeps to the smallest for either side.
	defer goroutineCrowd(p.crowd, func() {})()
	heap := make([][]float64, len(crowds))
	stack := make([][]float64, len(crowds))
	for round := range rounds + 1 {
		for _, i := range rand.Perm(len(crowds)) {
			h, s := crowds[i].weigh(p.crowd)
			if round == 0 {
				continue // it paid for goroutine descriptors, which are kept for ever
			}
			heap[i] = append(heap[i], h)
			stack[i] = append(stack[i], s)
		}
	}
	o.ours = quantity{median(heap[0]), bytes}
	o.rivals = []compared{rival(name, heap[0], heap[1], bytes)}
	more := quantity{o.ours.n - o.rivals[0].value.n, bytes}
	o.notes = []string{
		fmt.Sprintf("beyond %v", more),
		fmt.Sprintf("stacks %v against %v", quantity{median(stack[0]), bytes}, quantity{median(stack[1]), bytes}),
	}
	if beyond.unit != "" {
		o.debts = []debt{{"beyond", beyond, more}}
	}
	return o, nil
}

// weigh returns what each of a crowd of n holds on the heap and in stacks.
func (c crowd) weigh(n int) (heap, stack float64) {
	before := settled()
	var arrived sync.WaitGroup
	arrived.Add(n)
	gone := c(n, arrived.Done)
	arrived.Wait()
	time.Sleep(10 * time.Millisecond) // the last are about to block
	after := settled()
	gone()
	each := func(after, before uint64) float64 { return (float64(after) - float64(before)) / float64(n) }
	return each(after.HeapAlloc, before.HeapAlloc), each(after.StackInuse, before.StackInuse)
}

// settled returns what is in use once all garbage is gone: the second
// collection takes what pools had kept over the first.
func settled() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

func goroutineCrowd(n int, arrived func()) (gone func()) {
	return goroutines(n, func(_ context.Context, end chan struct{}) {
		arrived()
		<-end
	})
}

func selectCrowd(n int, arrived func()) (gone func()) {
	return goroutines(n, func(ctx context.Context, end chan struct{}) {
		arrived()
		select {
		case <-end:
		case <-ctx.Done():
		}
	})
}

func goroutines(n int, f func(ctx context.Context, end chan struct{})) (gone func()) {
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan struct{})
	var wg sync.WaitGroup
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(ctx, end)
		}()
	}
	return func() {
		close(end)
		wg.Wait()
		cancel()
	}
}

func taskCrowd(n int, arrived func()) (gone func()) {
	end := make(chan struct{})
	return tasks(n, func() { close(end) }, func(context.Context) error {
		arrived()
		<-end
		return nil
	})
}

func parkedCrowd(n int, arrived func()) (gone func()) {
	end := make(chan struct{})
	first := make(chan *scope.Future[struct{}], 1)
	made := sync.OnceValue(func() *scope.Future[struct{}] { return <-first })
	return tasks(n, func() { close(end) }, func(ctx context.Context) error {
		arrived()
		_, err := made().Await(ctx)
		return err
	}, func(s *scope.Scope) {
		first <- scope.Go(s, func(context.Context) (struct{}, error) {
			<-end
			return struct{}{}, nil
		})
	})
}

// tasks starts n tasks that run f, and what besides starts. For gone it calls
// end and joins them all.
func tasks(n int, end func(), f func(context.Context) error, besides ...func(*scope.Scope)) (gone func()) {
	started, over := make(chan struct{}), make(chan error)
	go func() {
		over <- scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			for _, start := range besides {
				start(s)
			}
			for range n {
				s.Go(f)
			}
			close(started)
			return nil
		})
	}()
	<-started
	return func() {
		end()
		must(<-over)
	}
}
