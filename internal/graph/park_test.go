package graph_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// thing is waited for until somebody grants it by hand.
type thing struct {
	wait  *graph.Wait
	stuck bool // its waiters wait for themselves
}

func (x *thing) Label() graph.Label { return graph.Label{Kind: "thing"} }
func (x *thing) Blocked(t *graph.Task, stuck func(*graph.Task) bool) bool {
	return stuck(t) && x.stuck
}

func (x *thing) Wait(ctx context.Context) error {
	x.wait = new(graph.Wait)
	x.wait.Begin(ctx, x)
	x.wait.Publish()
	return x.wait.Park()
}

func TestEveryKindOfWaitLetsTheTimeOfABubblePass(t *testing.T) {
	out := play(t, func(sc *scene) {
		m, s, cpu := &mutex{name: "m"}, newSemaphore("s", 1), &slots{name: "cpu", size: 1}
		day := 24 * time.Hour / 100
		slow := sc.task("slow", func(ctx context.Context) error {
			return units(ctx, s, 1, func() error {
				return hold(ctx, m, func() error {
					return cpu.Run(ctx, func() { time.Sleep(day) })
				})
			})
		})
		sc.task("mutex", func(ctx context.Context) error { return hold(ctx, m, func() error { return nil }) })
		sc.task("semaphore", func(ctx context.Context) error { return units(ctx, s, 1, func() error { return nil }) })
		sc.task("slot", func(ctx context.Context) error { return cpu.Run(ctx, func() {}) })
		sc.task("future", func(ctx context.Context) error { _, err := slow.Await(ctx); return err })
		sc.task("sleep", func(ctx context.Context) error { return scope.Sleep(ctx, day) })
		sc.task("place", func(ctx context.Context) error {
			return scope.Each(ctx, 1, func(yield func(int) bool) { _ = yield(1) && yield(2) },
				func(ctx context.Context, _ int) error { return scope.Sleep(ctx, day) })
		})
		sc.task("outside", func(ctx context.Context) error { return hold(context.Background(), m, func() error { return nil }) })
	})
	for name, err := range out.errs {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if out.hung {
		t.Error("a wait was not durable")
	}
}

func TestGrantThatWasClaimedBeatsTheEndOfTheContext(t *testing.T) {
	out := play(t, func(sc *scene) {
		var x thing
		end, cancel := context.WithCancel(context.Background())
		sc.task("waiter", func(ctx context.Context) error {
			ctx, stop := context.WithCancel(ctx)
			context.AfterFunc(end, stop)
			return x.Wait(ctx)
		})
		if !x.wait.Claim() {
			t.Error("an open wait was not claimed")
		}
		cancel()
		synctest.Wait()
		x.wait.Wake()
	})
	if err := out.errs["waiter"]; err != nil || out.hung {
		t.Errorf("got %v, hung %v", err, out.hung)
	}
}

func TestContextThatEndedFirstLeavesTheGrantWithTheWaker(t *testing.T) {
	out := play(t, func(sc *scene) {
		var x thing
		sc.task("waiter", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return x.Wait(ctx)
		})
		time.Sleep(time.Minute)
		if x.wait.Claim() {
			t.Error("claimed a waiter that has left")
		}
	})
	if err := out.errs["waiter"]; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A wait that ends by itself is told nothing before, and all after.
func TestExpiryOfAWaitThatWasPartOfAKnotCarriesIt(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(ctx context.Context) (context.Context, context.CancelFunc)
		kind fault.Kind
		is   error
	}{
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, fault.Deadline, context.DeadlineExceeded},
		"cancel": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		}, fault.Cancelled, context.Canceled},
		"cause of one's own": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Minute, func() { cancel(errEnough) })
			return ctx, func() { cancel(nil) }
		}, fault.Cancelled, errEnough},
	} {
		t.Run(name, func(t *testing.T) {
			var waited time.Duration
			out := play(t, func(sc *scene) {
				sc.task("self", func(ctx context.Context) error {
					m := &mutex{name: "m"}
					return hold(ctx, m, func() error {
						ctx, cancel := test.end(ctx)
						defer cancel()
						start := time.Now()
						err := m.Lock(ctx)
						waited = time.Since(start)
						return err
					})
				})
			})
			err := out.errs["self"]
			if waited != time.Minute {
				t.Errorf("told after %v", waited)
			}
			if kind := fault.KindOf(err); kind != test.kind {
				t.Errorf("its kind is %v, want %v", kind, test.kind)
			}
			if !errors.Is(err, test.is) {
				t.Errorf("it is not %v", test.is)
			}
			var d *fault.Deadlock
			if !errors.As(err, &d) || len(d.Members) != 1 || len(d.Members[0].Stack) == 0 {
				t.Errorf("it carries %v", d)
			}
		})
	}
}

func TestAwaitGivesTheCauseItsKindAlsoWithinAKnot(t *testing.T) {
	out := play(t, func(sc *scene) {
		var self *scope.Future[int]
		begin := make(chan struct{})
		self = sc.start("self", func(ctx context.Context) error {
			<-begin
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Minute, func() { cancel(errEnough) })
			_, err := self.Await(ctx)
			return err
		})
		close(begin)
	})
	if err := out.errs["self"]; fault.KindOf(err) != fault.Cancelled || !errors.Is(err, errEnough) {
		t.Errorf("got kind %v: %v", fault.KindOf(err), err)
	}
}

// A join that was told goes on waiting. If it were told again it would turn in
// circles, and the bubble never rest.
func TestJoinThatWasToldIsNotToldAgain(t *testing.T) {
	out := play(t, func(sc *scene) {
		m := toldJoin(sc, func(ctx context.Context, f func(context.Context) error) error { return f(ctx) })
		time.Sleep(time.Minute)
		m.Unlock()
	})
	if out.hung || len(out.verdicts) != 1 || out.errs["child"] != nil || fault.KindOf(out.errs["owner"]) != fault.Deadlocked {
		t.Errorf("hung %v, errors %v", out.hung, out.errs)
	}
}

// Who comes to wait for a join that was told would hang on it in silence.
func TestWhoWaitsForAJoinThatWasToldIsToldToo(t *testing.T) {
	out := play(t, func(sc *scene) {
		n := &mutex{name: "n"}
		m := toldJoin(sc, func(ctx context.Context, f func(context.Context) error) error {
			return hold(ctx, n, func() error { return f(ctx) })
		})
		sc.task("late", func(ctx context.Context) error { return hold(ctx, n, func() error { return nil }) })
		time.Sleep(time.Minute)
		m.Unlock()
	})
	if out.hung || fault.KindOf(out.errs["late"]) != fault.Deadlocked {
		t.Errorf("hung %v, errors %v", out.hung, out.errs)
	}
}

// toldJoin brings an owner to join a child that waits for the mutex it holds,
// and does not hear of the verdict. Only who unlocks m for the owner ends it.
func toldJoin(sc *scene, around func(context.Context, func(context.Context) error) error) (m *mutex) {
	m = &mutex{name: "m"}
	begin := make(chan struct{})
	sc.task("owner", func(ctx context.Context) error {
		return around(ctx, func(ctx context.Context) error {
			if err := m.Lock(ctx); err != nil {
				return err
			}
			return scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
				sc.startIn(s, "child", func(ctx context.Context) error {
					return hold(context.WithoutCancel(ctx), m, func() error { return nil })
				})
				return sc.until(begin)
			})
		})
	})
	close(begin)
	synctest.Wait()
	return m
}

// ending is a context that has ended, but nobody has heard of it yet.
type ending struct {
	context.Context
	ended *atomic.Bool
}

func (c ending) Err() error {
	if c.ended.Load() {
		return context.Canceled
	}
	return c.Context.Err()
}

// Whoever is about to leave helps the others: it is not part of a knot.
func TestWaiterWhoseContextHasEndedIsNotStuck(t *testing.T) {
	out := play(t, func(sc *scene) {
		a, b := &mutex{name: "a"}, &mutex{name: "b"}
		bHeld := make(chan struct{})
		var ended atomic.Bool
		sc.task("leaver", func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			return scope.Run(ctx, func(ctx context.Context, _ *scope.Scope) error {
				return hold(ctx, a, func() error {
					<-bHeld
					time.AfterFunc(time.Minute, cancel) // then it hears
					return hold(ending{ctx, &ended}, b, func() error { return nil })
				})
			})
		})
		sc.task("stayer", func(ctx context.Context) error {
			return hold(ctx, b, func() error {
				close(bHeld)
				time.Sleep(time.Second)
				ended.Store(true)
				return hold(ctx, a, func() error { return nil })
			})
		})
	})
	if out.hung || len(out.verdicts) != 0 || out.errs["stayer"] != nil || !errors.Is(out.errs["leaver"], context.Canceled) {
		t.Errorf("hung %v, errors %v", out.hung, out.errs)
	}
}

func TestWaitThatIsWithdrawnGivesTheSlotBack(t *testing.T) {
	cpu := &slots{name: "cpu", size: 1}
	in(t, func(ctx context.Context, _ *scope.Scope) {
		cpu.Run(ctx, func() {
			for _, end := range []func(*graph.Wait){
				(*graph.Wait).Abandon,
				func(w *graph.Wait) { w.Publish(); w.Withdraw() },
				func(w *graph.Wait) { w.Publish(); w.Grant(); w.Withdraw(); w.Park() },
			} {
				w := new(graph.Wait)
				w.Begin(ctx, &thing{})
				if cpu.busy != 0 {
					t.Error("the slot is not lent")
				}
				end(w)
				if cpu.busy != 1 || graph.Current(ctx).Wait() != nil {
					t.Errorf("%d slots are busy, waiting for %v", cpu.busy, graph.Current(ctx).Wait())
				}
			}
		})
	})
	if err := cpu.idle(); err != nil {
		t.Error(err)
	}
}
