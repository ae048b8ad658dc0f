package scopetest_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/scope/scopetest"
)

// nest locks two mutexes, of which the second is wanted while the first is held.
func nest(ctx context.Context, first, second *lock.Mutex) error {
	h, err := first.Lock(ctx)
	if err != nil {
		return err
	}
	defer h.Unlock()
	return lockOnce(ctx, second)
}

func lockOnce(ctx context.Context, m *lock.Mutex) error {
	h, err := m.Lock(ctx)
	if err == nil {
		h.Unlock()
	}
	return err
}

// shop is what a user's test tests.
type shop struct{ stock, price *lock.Mutex }

func newShop() *shop {
	stock, price := lock.NewClass("stock"), lock.NewClass("price")
	return &shop{&lock.Mutex{Class: stock}, &lock.Mutex{Class: price}}
}

func (s *shop) checkout(ctx context.Context) error { return nest(ctx, s.stock, s.price) }
func (s *shop) reprice(ctx context.Context) error  { return nest(ctx, s.price, s.stock) }

// inTurn runs tasks one after the other.
func inTurn(fs ...func(ctx context.Context) error) func(context.Context, *scope.Scope) error {
	return func(ctx context.Context, s *scope.Scope) error {
		for _, f := range fs {
			if _, err := scope.Go(s, func(ctx context.Context) (int, error) { return 0, f(ctx) }).Await(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestContraryOrdersFailTheTestWithBothStacks(t *testing.T) {
	s := newShop()
	stand := trial(t, inTurn(s.checkout, s.reprice))
	stand.wantFails(t, `lock.order-cycle: price → stock stock → price order_test.go hint: path:
		shop).reprice shop).checkout took price took stock wants`)
	if text := strings.Join(stand.fails, ""); strings.Contains(text, ":0\n") {
		t.Errorf("a heading has a place in\n%s", text)
	}
	trial(t, inTurn(newShop().checkout, newShop().reprice)).wantFails(t) // other classes
}

func TestContraryOrdersThatAreAllowedDoNot(t *testing.T) {
	s := newShop()
	scopetest.Run(t, inTurn(s.checkout, s.reprice), scopetest.Allow("lock.order-cycle"))
}

// What one test teaches holds for the next.
func TestTheTestWithTheContraryOrderFails(t *testing.T) {
	s := newShop()
	trial(t, inTurn(s.checkout)).wantFails(t)
	trial(t, inTurn(s.reprice)).wantFails(t, "lock.order-cycle")
	trial(t, inTurn(s.reprice)).wantFails(t) // once
}

func TestOfParallelTestsOnlyTheGuiltyFails(t *testing.T) {
	var beside sync.WaitGroup
	beside.Add(2)
	meet := func(context.Context) error { beside.Done(); beside.Wait(); return nil }
	right, wrong := newShop(), newShop()
	stands := make(chan *standIn, 1)
	go func() { stands <- trial(t, inTurn(meet, right.checkout, right.checkout)) }()
	stand := &standIn{TB: t, name: t.Name() + "/another"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		scopetest.Run(stand, inTurn(meet, wrong.checkout, wrong.reprice))
	}()
	<-done
	stand.wantFails(t, "lock.order-cycle another")
	(<-stands).wantFails(t)
}

func TestOrdersAreNotCheckedAfterwards(t *testing.T) {
	before := graph.Watched.Load()
	scopetest.Run(t, func(context.Context, *scope.Scope) error {
		if graph.Watched.Load() == 0 {
			t.Error("orders are not checked")
		}
		return nil
	})
	if got := graph.Watched.Load(); got != before {
		t.Errorf("locks are watched %d times, before %d", got, before)
	}
}

func TestALongWaitFailsNoTest(t *testing.T) {
	for code, fails := range map[string]bool{"lock.long-wait": false, "lock.long-hold": false, "lock.abandoned": true} {
		stand := trial(t, func(ctx context.Context, s *scope.Scope) error {
			graph.Report(graph.Finding{Code: code, Task: graph.FromContext(ctx), Detail: "as found"})
			return nil
		})
		if fails {
			stand.wantFails(t, code)
		} else {
			stand.wantFails(t)
		}
	}
}
