package pool_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

const depth = 100

func TestNestingHundredDeepOnOneSlotEnds(t *testing.T) {
	type dive func(ctx context.Context, p *pool.Pool, n int, at *atomic.Int64) error
	var byDo, byFuture, byScope, byBackground dive
	byDo = func(ctx context.Context, p *pool.Pool, n int, at *atomic.Int64) error {
		return p.Do(ctx, func(ctx context.Context) error {
			if at.Add(1); n > 1 {
				return byDo(ctx, p, n-1, at)
			}
			return nil
		})
	}
	byFuture = func(ctx context.Context, p *pool.Pool, n int, at *atomic.Int64) error {
		return scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			_, err := pool.Go(s, p, func(ctx context.Context) (int, error) {
				if at.Add(1); n > 1 {
					return 0, byFuture(ctx, p, n-1, at)
				}
				return 0, nil
			}).Await(ctx)
			return err
		})
	}
	byScope = func(ctx context.Context, p *pool.Pool, n int, at *atomic.Int64) error {
		return p.Do(ctx, func(ctx context.Context) error {
			return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
				s.Go(func(ctx context.Context) error {
					if at.Add(1); n > 1 {
						return byScope(ctx, p, n-1, at)
					}
					return nil
				})
				return nil
			})
		})
	}
	byBackground = func(_ context.Context, p *pool.Pool, n int, at *atomic.Int64) error {
		return p.Do(context.Background(), func(ctx context.Context) error {
			if at.Add(1); n > 1 {
				return byBackground(ctx, p, n-1, at)
			}
			return nil
		})
	}
	for name, dive := range map[string]dive{
		"by Do": byDo, "by future": byFuture, "by a scope in Do": byScope, "by Do with a context that knows nothing": byBackground,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, pool.Config{Size: 1, Queue: 1})
			var at atomic.Int64
			if err := dive(t.Context(), p, depth, &at); err != nil || at.Load() != depth {
				t.Errorf("got %v at depth %d", err, at.Load())
			}
		})
	}
}

// Who submits to a full queue from within a slot lends it, or nobody could make
// room.
func TestAFullQueueIsNoTrapForWhoHoldsTheSlot(t *testing.T) {
	const n = 50
	tests := []struct {
		name   string
		submit func(ctx context.Context, p *pool.Pool, work func(context.Context) error) error
	}{
		{"the scope's own body", func(ctx context.Context, p *pool.Pool, work func(context.Context) error) error {
			return p.Do(ctx, func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					for range n {
						p.Go(s, work)
					}
					return nil
				})
			})
		}},
		{"a task of the scope that a worker runs", func(ctx context.Context, p *pool.Pool, work func(context.Context) error) error {
			return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
				p.Go(s, func(context.Context) error {
					for range n {
						p.Go(s, work)
					}
					return nil
				})
				return nil
			})
		}},
		{"a caller of Do beside the scope", func(ctx context.Context, p *pool.Pool, work func(context.Context) error) error {
			return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
				return p.Do(context.Background(), func(context.Context) error {
					for range n {
						p.Go(s, work)
					}
					return nil
				})
			})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPool(t, pool.Config{Size: 1, Queue: 1})
			var ran atomic.Int64
			err := test.submit(t.Context(), p, func(context.Context) error { ran.Add(1); return nil })
			if err != nil || ran.Load() != n {
				t.Errorf("got %v; %d of %d ran", err, ran.Load(), n)
			}
		})
	}
}

// Each pool's only slot is held by who submits to the other's full queue.
func TestTwoPoolsThatSubmitToEachOtherAreNoTrap(t *testing.T) {
	a := newPool(t, pool.Config{Size: 1, Queue: 1})
	b := newPool(t, pool.Config{Size: 1, Queue: 1})
	var ran atomic.Int64
	flood := func(s *scope.Scope, p *pool.Pool) func(context.Context) error {
		return func(context.Context) error {
			for range 50 {
				p.Go(s, func(context.Context) error { ran.Add(1); return nil })
			}
			return nil
		}
	}
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		a.Go(s, flood(s, b))
		b.Go(s, flood(s, a))
		return nil
	})
	if err != nil || ran.Load() != 100 {
		t.Errorf("got %v; %d of 100 ran", err, ran.Load())
	}
}

func TestASlotIsLentWhileItsHolderWorksInAnotherPool(t *testing.T) {
	a, b := newPool(t, pool.Config{Size: 1}), newPool(t, pool.Config{Size: 1})
	err := a.Do(t.Context(), func(ctx context.Context) error {
		return b.Do(ctx, func(ctx context.Context) error {
			if s := a.Stats(); s.Running != 0 || s.Lent != 1 {
				t.Errorf("a has %d running and %d lent, want 0 and 1", s.Running, s.Lent)
			}
			return a.Do(ctx, func(context.Context) error {
				if s := b.Stats(); s.Running != 0 || s.Lent != 1 {
					t.Errorf("b has %d running and %d lent, want 0 and 1", s.Running, s.Lent)
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestASlotIsLentWhileItsHolderWaits(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		var second *scope.Future[int]
		ready := make(chan struct{})
		p.Go(s, func(ctx context.Context) error {
			<-ready
			_, err := second.Await(ctx) // queued behind this one
			return err
		})
		second = pool.Go(s, p, func(context.Context) (int, error) { return 1, nil })
		close(ready)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A slot taken back over size is repaid before anything new begins.
func TestWhatWasLentIsRepaidBeforeMoreBegins(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	var over atomic.Bool
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		inner := make(chan struct{})
		resumed := make(chan struct{})
		go1 := make(chan struct{})
		f := scope.Go(s, func(ctx context.Context) (int, error) { <-go1; return 0, nil })
		p.Go(s, func(ctx context.Context) error {
			_, err := f.Await(ctx) // lends: the next begins
			close(resumed)
			<-inner
			return err
		})
		p.Go(s, func(context.Context) error {
			close(go1)
			<-resumed // now two run in one slot
			if s := p.Stats(); s.Running != 2 {
				t.Errorf("%d run, want 2 in one slot", s.Running)
			}
			return nil
		})
		p.Go(s, func(context.Context) error { over.Store(true); return nil })
		<-resumed
		until(t, "one has ended", func() bool { return p.Stats().Running == 1 })
		if over.Load() || p.Stats().Queued != 1 {
			t.Error("something new began before the slot was repaid")
		}
		close(inner)
		return nil
	})
	if err != nil || !over.Load() {
		t.Errorf("got %v; the last one ran: %v", err, over.Load())
	}
}

// Slots are in no knot, but they hide none either.
func TestTasksInAPoolThatWaitForEachOtherAreADeadlock(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		var a, b *scope.Future[int]
		ready := make(chan struct{})
		a = pool.Go(s, p, func(ctx context.Context) (int, error) { <-ready; return b.Await(ctx) })
		b = pool.Go(s, p, func(ctx context.Context) (int, error) { <-ready; return a.Await(ctx) })
		close(ready)
		return nil
	})
	var knot *fault.Deadlock
	if !errors.As(err, &knot) || len(knot.Members) != 2 {
		t.Errorf("got %v, want a deadlock of two", err)
	}
}
