package lock_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

func TestWaitReturnsTheValueForWhichThePredicateHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0)
		var waits []func(context.Context) error
		for want := range 10 {
			waits = append(waits, func(ctx context.Context) error {
				start := time.Now()
				got, err := g.Wait(ctx, func(v int) bool { return v >= want })
				if got != want || err != nil || time.Since(start) != time.Duration(want)*time.Second {
					t.Errorf("who waits for %d got %d, %v after %v", want, got, err, time.Since(start))
				}
				return err
			})
		}
		err := inGuardTasks(t, append(waits, func(ctx context.Context) error {
			for range 10 {
				time.Sleep(time.Second)
				if err := g.Update(ctx, func(v *int) error { *v++; return nil }); err != nil {
					return err
				}
			}
			return nil
		})...)
		if err != nil {
			t.Error(err)
		}
	})
}

func TestWaitReturnsACopy(t *testing.T) {
	g := lock.NewGuard(cloneByValue{map[string]int{"a": 1}})
	v, err := g.Wait(t.Context(), func(v cloneByValue) bool { return v.m["a"] == 1 })
	if err != nil {
		t.Fatal(err)
	}
	v.m["a"] = 2
	if v, _ := g.Get(t.Context()); v.m["a"] != 1 {
		t.Error("it was the guard's own")
	}
}

// changes are the ways to change a guard's value so that waiters must hear of
// it.
var changes = map[string]func(ctx context.Context, t *testing.T, g *lock.Guard[int]){
	"Update": func(ctx context.Context, t *testing.T, g *lock.Guard[int]) {
		g.Update(ctx, func(v *int) error { *v = 7; return nil })
	},
	"UpdateWhen": func(ctx context.Context, t *testing.T, g *lock.Guard[int]) {
		g.UpdateWhen(ctx, func(v int) bool { return v == 0 }, func(v *int) error { *v = 7; return nil })
	},
	"Update2": func(ctx context.Context, t *testing.T, g *lock.Guard[int]) {
		lock.Update2(ctx, ones(1)[0], g, func(_, v *int) error { *v = 7; return nil })
	},
	"UpdateAll": func(ctx context.Context, t *testing.T, g *lock.Guard[int]) {
		lock.UpdateAll(ctx, append(ones(2), g), func(vs []*int) error { *vs[2] = 7; return nil })
	},
	"Lock": func(ctx context.Context, t *testing.T, g *lock.Guard[int]) {
		v, h, _ := g.Lock(ctx)
		defer h.Unlock()
		time.Sleep(time.Second) // who waits is awake long before the change
		*v = 7
		time.Sleep(time.Second)
	},
	"Reset": func(ctx context.Context, t *testing.T, g *lock.Guard[int]) {
		abandonGuard(t, g, func() error { return nil })
		g.Reset(7)
	},
}

func TestEveryChangeIsSeenByWhoWaits(t *testing.T) {
	for name, change := range changes {
		synctest.Test(t, func(t *testing.T) {
			g := lock.NewGuard(0)
			err := inGuardTasks(t, func(ctx context.Context) error {
				v, err := g.Wait(ctx, func(v int) bool { return v == 7 })
				for name == "Reset" && fault.KindOf(err) == fault.Lost {
					time.Sleep(time.Second) // the repair is to come
					v, err = g.Wait(ctx, func(v int) bool { return v == 7 })
				}
				if v != 7 || err != nil {
					t.Errorf("%s: got %d, %v", name, v, err)
				}
				return nil
			}, func(ctx context.Context) error {
				time.Sleep(time.Second)
				change(ctx, t, g)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnUpdateThatDidNotCommitWakesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0)
		looks := 0
		err := inGuardTasks(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			if _, err := g.Wait(ctx, func(int) bool { looks++; return false }); fault.KindOf(err) != fault.Deadline {
				t.Errorf("got %v", err)
			}
			return nil
		}, func(ctx context.Context) error {
			time.Sleep(time.Second)
			g.Update(ctx, func(*int) error { return errRefused })
			return nil
		})
		if err != nil || looks != 1 {
			t.Errorf("%d looks: %v", looks, err)
		}
	})
}

func TestAWaitGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0, lock.Name("stock"))
		never := func(int) bool { return false }
		for _, c := range []struct {
			ctx  func() (context.Context, context.CancelFunc)
			kind fault.Kind
			is   error
		}{
			{func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), time.Second) },
				fault.Deadline, context.DeadlineExceeded},
			{func() (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(t.Context(), time.Second, errRefused)
			}, fault.Deadline, errRefused},
			{func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(errRefused) })
				return ctx, func() { cancel(nil) }
			}, fault.Cancelled, errRefused},
			{func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(t.Context())
				cancel() // it has ended before
				return ctx, cancel
			}, fault.Cancelled, context.Canceled},
		} {
			for name, wait := range map[string]func(context.Context) error{
				"lock: wait":   func(ctx context.Context) error { return second(g.Wait(ctx, never)) },
				"lock: update": func(ctx context.Context) error { return g.UpdateWhen(ctx, never, nil2) },
			} {
				ctx, cancel := c.ctx()
				err := wait(ctx)
				cancel()
				if fault.KindOf(err) != c.kind || !errors.Is(err, c.is) || fault.Started(err) || !strings.HasPrefix(err.Error(), name+` "stock": `) {
					t.Errorf("got %v, want %v of kind %v", err, c.is, c.kind)
				}
			}
		}
		wantValue(t, g, 0)
	})
}

func TestAValueThatIsThereIsReturnedThoughTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := lock.NewGuard(7)
	is7 := func(v int) bool { return v == 7 }
	if v, err := g.Wait(ctx, is7); v != 7 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
	if err := g.UpdateWhen(ctx, is7, func(v *int) error { *v = 8; return nil }); err != nil {
		t.Error(err)
	}
	wantValue(t, g, 8)
}

// Changes that do not satisfy the predicate are no reason to look for ever.
func TestAWaitEndsWithItsContextThoughTheValueKeepsChanging(t *testing.T) {
	g := lock.NewGuard(0)
	var over atomic.Bool
	err := inGuardTasks(t, func(ctx context.Context) error {
		for !over.Load() {
			if err := g.Update(ctx, func(v *int) error { *v++; return nil }); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		defer over.Store(true)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		looks := 0
		_, err := g.Wait(ctx, func(int) bool {
			if looks++; looks == 10 {
				cancel()
			}
			return false
		})
		if fault.KindOf(err) != fault.Cancelled {
			t.Errorf("got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A change may come when a waiter has looked and does not wait yet: then it
// looks again instead of waiting for the next one.
func TestAChangeBetweenLookingAndWaitingIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0)
		err := inGuardTasks(t, func(ctx context.Context) error {
			return second(g.Wait(ctx, func(v int) bool { return v == 1 })) // must be woken all the same
		}, func(ctx context.Context) error {
			synctest.Wait()
			for _, update := range []func(context.Context) error{
				func(ctx context.Context) error { return g.Update(ctx, nil2) },
				func(ctx context.Context) error {
					return lock.Update2(ctx, g, ones(1)[0], func(*int, *int) error { return nil })
				},
				func(ctx context.Context) error {
					_, h, err := g.Lock(ctx)
					h.Unlock()
					return err
				},
			} {
				seen := lock.Changes(g)
				if err := update(ctx); err != nil {
					return err
				}
				bound, cancel := context.WithTimeout(ctx, time.Minute)
				if err := lock.AwaitChange(bound, g, seen); err != nil {
					t.Errorf("it waited for the next change: %v", err)
				}
				cancel()
				if err := lock.AwaitChange(bound, g, seen); err != context.Canceled {
					t.Errorf("under a context that has ended it got %v", err)
				}
			}
			synctest.Wait() // the first waiter waits again, and is not forgotten
			lock.AwaitChange(ctx, g, lock.Changes(g)-1)
			return g.Update(ctx, func(v *int) error { *v = 1; return nil })
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAWaiterThatGivesUpTakesNoWakeUpFromOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0)
		wait := func(ctx context.Context) error {
			return second(g.Wait(ctx, func(v int) bool { return v == 1 }))
		}
		err := inGuardTasks(t, wait, func(ctx context.Context) error {
			bound, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if err := wait(bound); fault.KindOf(err) != fault.Deadline {
				t.Errorf("got %v", err)
			}
			return nil
		}, wait, func(ctx context.Context) error {
			time.Sleep(2 * time.Second)
			return g.Update(ctx, func(v *int) error { *v = 1; return nil })
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Between a change and the waking of those who wait for it, a reader may begin
// to wait for one of them. That is no knot: it is about to be woken.
func TestAWaiterThatIsAboutToBeWokenIsNotBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0)
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			waiter := make(chan *graph.Task, 1)
			s.Go(func(ctx context.Context) error {
				waiter <- graph.Current(ctx)
				return second(g.Wait(ctx, func(v int) bool { return v == 1 }))
			})
			synctest.Wait()
			w := (<-waiter).Wait()
			all := func(*graph.Task) bool { return true }
			err := g.View(ctx, func(int) error {
				if !w.Resource().Blocked(w.Task(), all) {
					t.Error("the control: it is not blocked by who reads")
				}
				lock.NoteChange(g)
				if w.Resource().Blocked(w.Task(), all) {
					t.Error("it is blocked, though it is about to be woken")
				}
				return nil
			})
			if err != nil {
				return err
			}
			return g.Update(ctx, func(v *int) error { *v = 1; return nil })
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// The same in earnest. Every round, a reader who sees the change waits in View
// for the task that the change wakes.
func TestAReaderMayWaitForWhoIsBeingWoken(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	g := lock.NewGuard(0)
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for round := 1; round <= rounds; round++ {
			waiter := scope.Go(s, func(ctx context.Context) (int, error) {
				return g.Wait(ctx, func(v int) bool { return v >= round })
			})
			reader := scope.Go(s, func(ctx context.Context) (int, error) {
				for {
					seen := 0
					err := g.View(ctx, func(v int) (err error) {
						if v >= round {
							seen, err = waiter.Await(ctx)
						}
						return err
					})
					if seen >= round || err != nil {
						return seen, err
					}
					runtime.Gosched()
				}
			})
			for range round % 8 {
				runtime.Gosched()
			}
			s.Go(func(ctx context.Context) error {
				return g.Update(ctx, func(v *int) error { *v = round; return nil })
			})
			if _, err := reader.Await(s.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A value cannot change while somebody looks at it. So who waits for a change in
// View waits for itself, and who waits in View for who waits for a change closes
// a knot.
func TestAWaitForAChangeThatNobodyCanMakeIsADeadlock(t *testing.T) {
	never := func(int) bool { return false }
	g := lock.NewGuard(0, lock.Name("stock"))
	err := inGuardTasks(t, func(ctx context.Context) error {
		return g.View(ctx, func(int) error { return second(g.Wait(ctx, never)) })
	})
	if fault.KindOf(err) != fault.Deadlocked || !strings.Contains(err.Error(), "waits for itself") || !strings.Contains(err.Error(), "waits for condition stock") {
		t.Error(err)
	}
	synctest.Test(t, func(t *testing.T) {
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			waiter := scope.Try(s, func(ctx context.Context) (int, error) { return g.Wait(ctx, never) })
			return g.View(ctx, func(int) error {
				synctest.Wait()
				_, err := waiter.Await(ctx)
				s.Cancel(nil)
				return err
			})
		})
		if fault.KindOf(err) != fault.Deadlocked || !strings.Contains(err.Error(), "2 tasks wait for each other") {
			t.Error(err)
		}
	})
	wantValue(t, g, 0)
}

// The same with an end in sight is no knot: the reader waits for a while only,
// or for somebody else.
func TestAWaitForAChangeThatSomebodyMakesLaterIsNoDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0)
		err := inGuardTasks(t, func(ctx context.Context) error {
			return second(g.Wait(ctx, func(v int) bool { return v == 1 }))
		}, func(ctx context.Context) error {
			return g.View(ctx, func(int) error { return scope.Sleep(ctx, time.Second) })
		}, func(ctx context.Context) error {
			time.Sleep(time.Millisecond)
			return g.Update(ctx, func(v *int) error { *v = 1; return nil })
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAWaitIsSeenAsOneForACondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(0, lock.Name("stock"))
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			waiter := make(chan *graph.Task, 1)
			f := scope.Go(s, func(ctx context.Context) (int, error) {
				waiter <- graph.Current(ctx)
				return g.Wait(ctx, func(v int) bool { return v == 1 })
			})
			synctest.Wait()
			w := (<-waiter).Wait()
			if w == nil {
				t.Fatal("the wait is not seen")
			}
			if got := w.Resource().Label().String(); got != "condition stock" {
				t.Errorf("it is seen as one for %q", got)
			}
			all := func(*graph.Task) bool { return true }
			if w.Resource().Blocked(w.Task(), all) {
				t.Error("it is said to be hopeless, though anybody may change the value")
			}
			if err := g.View(ctx, func(int) error {
				if !w.Resource().Blocked(w.Task(), all) {
					t.Error("it is not said to be hopeless, though a reader is stuck")
				}
				return nil
			}); err != nil {
				return err
			}
			if err := g.Update(ctx, func(v *int) error { *v = 1; return nil }); err != nil {
				return err
			}
			return second(f.Await(ctx))
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// basin is a bounded buffer.
type basin struct {
	items []int
	room  int
}

func (b basin) Clone() basin {
	return basin{append(make([]int, 0, b.room), b.items...), b.room}
}

func (b basin) full() bool    { return len(b.items) == b.room }
func (b basin) hasItem() bool { return len(b.items) > 0 }

func put(ctx context.Context, g *lock.Guard[basin], item int) error {
	return g.UpdateWhen(ctx, func(b basin) bool { return !b.full() }, func(b *basin) error {
		b.items = append(b.items, item)
		return nil
	})
}

func take(ctx context.Context, g *lock.Guard[basin]) (item int, err error) {
	err = g.UpdateWhen(ctx, basin.hasItem, func(b *basin) error {
		item, b.items = b.items[0], b.items[1:]
		return nil
	})
	return item, err
}

// The producer is faster than the consumer: the time that all take is the
// consumer's, and the buffer is as full as it may be.
func TestABoundedBufferIsAGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const items, room = 20, 3
		g := lock.NewGuard(basin{room: room})
		start := time.Now()
		err := inGuardTasks(t, func(ctx context.Context) error {
			for i := range items {
				if err := put(ctx, g, i); err != nil {
					return err
				}
				if ahead := i - int(time.Since(start)/time.Second); ahead > room {
					t.Errorf("item %d was put %d ahead of the consumer", i, ahead)
				}
			}
			return nil
		}, func(ctx context.Context) error {
			for want := range items {
				time.Sleep(time.Second)
				if got, err := take(ctx, g); got != want || err != nil {
					t.Errorf("took %d, %v; want %d", got, err, want)
				}
			}
			return nil
		})
		if took := time.Since(start); err != nil || took != items*time.Second {
			t.Errorf("took %v: %v", took, err)
		}
	})
}

// Every producer and consumer needs every wake-up of its partner: one that is
// lost hangs the test. Waits that are cancelled at random points take none.
func TestCancelledWaitsForAConditionLoseNoWakeUp(t *testing.T) {
	const pairs = 4
	items := 4000
	if testing.Short() {
		items = 500
	}
	seed := uint64(time.Now().UnixNano())
	g := lock.NewGuard(basin{room: 2}, lock.Name("basin"))
	var sum, cancelled atomic.Int64
	// impatient calls f with contexts that end soon, until one lasted long enough.
	impatient := func(ctx context.Context, r *rand.Rand, f func(context.Context) error) error {
		for {
			tried, cancel := context.WithCancel(ctx)
			if turns := r.IntN(40); turns < 20 {
				go func() {
					for range turns {
						runtime.Gosched()
					}
					cancel()
				}()
			}
			err := f(tried)
			cancel()
			if fault.KindOf(err) != fault.Cancelled {
				return err
			}
			cancelled.Add(1)
		}
	}
	var tasks []func(context.Context) error
	for p := range uint64(pairs) {
		tasks = append(tasks, func(ctx context.Context) error {
			r := rand.New(rand.NewPCG(seed, p))
			for i := range items {
				if err := impatient(ctx, r, func(ctx context.Context) error { return put(ctx, g, i) }); err != nil {
					return err
				}
			}
			return nil
		}, func(ctx context.Context) error {
			r := rand.New(rand.NewPCG(seed, pairs+p))
			for range items {
				err := impatient(ctx, r, func(ctx context.Context) error {
					item, err := take(ctx, g)
					if err == nil {
						sum.Add(int64(item))
					}
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("a wake-up was lost"))
	defer cancel()
	err := scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for _, f := range tasks {
			s.Go(f)
		}
		return nil
	})
	want := int64(pairs * items * (items - 1) / 2)
	if err != nil || sum.Load() != want {
		t.Errorf("seed %d: consumers got %d of %d: %v", seed, sum.Load(), want, err)
	}
	t.Logf("%d items, %d waits cancelled", pairs*items, cancelled.Load())
	if b, err := g.Get(t.Context()); err != nil || b.hasItem() {
		t.Errorf("seed %d: left %v, %v", seed, b.items, err)
	}
}
