package lock_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// The data cannot be reached without its lock.
func ExampleNewGuard() {
	ctx := context.Background()
	type stock struct{ apples, pears int }
	g := lock.NewGuard(stock{apples: 3})
	err := g.Update(ctx, func(s *stock) error {
		s.apples--
		s.pears++
		return nil
	})
	fmt.Println(err)
	fmt.Println(g.Get(ctx))
	// Output:
	// <nil>
	// {2 1} <nil>
}

// prices has a map, so it needs a Clone: a copy by assignment would share it.
type prices struct{ of map[string]int }

func (p prices) Clone() prices { return prices{maps.Clone(p.of)} }

func ExampleNewGuard_clone() {
	ctx := context.Background()
	g := lock.NewGuard(prices{map[string]int{"apple": 30}})
	mine, _ := g.Get(ctx)
	mine.of["apple"] = 1 // a copy
	theirs, _ := g.Get(ctx)
	fmt.Println(theirs.of["apple"])

	defer func() { fmt.Println(recover()) }()
	lock.NewGuard(struct{ Rows []int }{})
	// Output:
	// 30
	// lock: NewGuard of struct { Rows []int }: field Rows is a slice ([]int), which copies would share; in its place, define a type with a method Clone that returns a copy which shares nothing with it
}

// An update that fails, in whatever way, has not been.
func ExampleGuard_Update() {
	ctx := context.Background()
	balance := lock.NewGuard(100)
	withdraw := func(cents int) error {
		return balance.Update(ctx, func(b *int) error {
			*b -= cents
			if *b < 0 {
				return errors.New("not enough")
			}
			return nil
		})
	}
	fmt.Println(withdraw(70))
	fmt.Println(withdraw(70))
	fmt.Println(balance.Get(ctx))
	// Output:
	// <nil>
	// not enough
	// 30 <nil>
}

// Several goroutines update the same column of a row, others another one; no
// update is lost.
func ExampleGuard_Update_sameColumn() {
	type row struct {
		Name          string
		Visits, Likes int
	}
	page := lock.NewGuard(row{Name: "index"}, lock.Name("page"))
	err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		for i := range 100 {
			s.Go(func(ctx context.Context) error {
				return page.Update(ctx, func(r *row) error {
					r.Visits++
					if i%10 == 0 {
						r.Likes++
					}
					return nil
				})
			})
		}
		return nil
	})
	fmt.Println(err)
	fmt.Println(page.Get(context.Background()))
	// Output:
	// <nil>
	// {index 100 10} <nil>
}

// View looks without copying, beside others who look.
func ExampleGuard_View() {
	ctx := context.Background()
	g := lock.NewGuard(prices{map[string]int{"apple": 30, "pear": 40}})
	err := g.View(ctx, func(p prices) error {
		fmt.Println(len(p.of), "prices")
		return nil
	})
	fmt.Println(err)
	// Output:
	// 2 prices
	// <nil>
}

// Wait is a condition variable that cannot be waited for in the wrong way.
func ExampleGuard_Wait() {
	workers := lock.NewGuard(3)
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		for range 3 {
			s.Go(func(ctx context.Context) error {
				return workers.Update(ctx, func(n *int) error { *n--; return nil })
			})
		}
		left, err := workers.Wait(ctx, func(n int) bool { return n == 0 })
		fmt.Println(left, "left")
		return err
	})
	fmt.Println(err)
	// Output:
	// 0 left
	// <nil>
}

// Who waits for something that does not happen gives up with its context.
func ExampleGuard_Wait_deadline() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	ready := lock.NewGuard(false, lock.Name("ready"))
	_, err := ready.Wait(ctx, func(ready bool) bool { return ready })
	fmt.Println(err)
	fmt.Println(fault.KindOf(err))
	// Output:
	// lock: wait "ready": context deadline exceeded
	// deadline
}

// Tickets are taken while there are some; who comes too early waits for more.
func ExampleGuard_UpdateWhen() {
	tickets := lock.NewGuard(0)
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		for range 4 {
			s.Go(func(ctx context.Context) error {
				return tickets.UpdateWhen(ctx,
					func(n int) bool { return n > 0 },
					func(n *int) error { *n--; return nil })
			})
		}
		return tickets.Update(ctx, func(n *int) error { *n += 5; return nil })
	})
	fmt.Println(err)
	fmt.Println(tickets.Get(context.Background()))
	// Output:
	// <nil>
	// 1 <nil>
}

// A transfer is seen whole or not at all, and two that cross do not wait for
// each other.
func ExampleUpdate2() {
	ctx := context.Background()
	ann, bob := lock.NewGuard(100, lock.Name("ann")), lock.NewGuard(0, lock.Name("bob"))
	transfer := func(from, to *lock.Guard[int], cents int) error {
		return lock.Update2(ctx, from, to, func(from, to *int) error {
			*to += cents
			if *from -= cents; *from < 0 {
				return errors.New("not enough")
			}
			return nil
		})
	}
	fmt.Println(transfer(ann, bob, 70))
	fmt.Println(transfer(ann, bob, 70))
	fmt.Println(transfer(bob, ann, 10))
	fmt.Println(ann.Get(ctx))
	fmt.Println(bob.Get(ctx))
	fmt.Println(transfer(ann, ann, 1))
	// Output:
	// <nil>
	// not enough
	// <nil>
	// 40 <nil>
	// 60 <nil>
	// lock: update several "ann": the same guard is given twice (a and b are one: give it once)
}

// Any number of guards are read, or changed, at one moment.
func ExampleUpdateAll() {
	ctx := context.Background()
	shelves := []*lock.Guard[int]{lock.NewGuard(7), lock.NewGuard(0), lock.NewGuard(2)}
	err := lock.UpdateAll(ctx, shelves, func(counts []*int) error {
		all := 0
		for _, n := range counts {
			all += *n
		}
		for _, n := range counts {
			*n = all / len(counts)
		}
		return nil
	})
	fmt.Println(err)
	for _, shelf := range shelves {
		n, _ := shelf.Get(ctx)
		fmt.Print(n, " ")
	}
	// Output:
	// <nil>
	// 3 3 3
}

// What is too large to copy is changed in place. If a task ends in the middle
// of that, others are told instead of being given half a change.
func ExampleGuard_Reset() {
	ctx := context.Background()
	cache := lock.NewGuard(prices{}, lock.Name("cache"))
	scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			p, _, err := cache.Lock(ctx) // and no defer h.Unlock()
			if err != nil {
				return err
			}
			p.of = map[string]int{"apple": -1}
			return errors.New("connection refused")
		}, scope.Name("refill"))
		return nil
	})
	_, err := cache.Get(ctx)
	fmt.Println(fault.KindOf(err))
	fmt.Println(cache.Reset(prices{}))
	p, err := cache.Get(ctx)
	fmt.Println(len(p.of), err)
	// Output:
	// lost
	// true
	// 0 <nil>
}
