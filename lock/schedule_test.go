package lock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/hemgo/hem/internal/turns"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// A user calls in while it holds something.
type user func(ctx context.Context, in func() error) error

// A club is who uses one lock. Those for whom alone is true must be alone in it.
type club struct {
	users []user
	alone func(i int) bool

	inside  int
	crowded bool // somebody was not alone who must be
	left    int  // waits that were cancelled
}

// clubs make one for each kind of lock.
var clubs = map[string]func() *club{
	"Mutex": func() *club {
		m := lock.NewMutex()
		use := func(ctx context.Context, in func() error) error { return hold(ctx, m, in) }
		return &club{users: []user{use, use, use, use}, alone: func(int) bool { return true }}
	},
	"RWMutex": func() *club {
		l := lock.NewRWMutex()
		r := func(ctx context.Context, in func() error) error { return read(ctx, l, in) }
		w := func(ctx context.Context, in func() error) error { return write(ctx, l, in) }
		return &club{users: []user{r, w, r, w, r}, alone: func(i int) bool { return i%2 == 1 }}
	},
	"Semaphore": func() *club {
		s := lock.NewSemaphore(3)
		use := func(n int64) user {
			return func(ctx context.Context, in func() error) error {
				return s.With(ctx, n, func(context.Context) error { return in() })
			}
		}
		return &club{users: []user{use(1), use(3), use(2), use(3), use(1)}, alone: func(i int) bool { return i == 1 || i == 3 }}
	},
	"Guard": func() *club {
		g := lock.NewGuard(0)
		use := func(ctx context.Context, in func() error) error {
			return g.Update(ctx, func(*int) error { return in() })
		}
		return &club{users: []user{use, use, use}, alone: func(int) bool { return true }}
	},
}

// A cancellation may fall between any two steps of a wait. Whatever the schedule,
// all who were not cancelled get the lock, it is free afterwards, and nobody was
// in it with another who must not be.
func TestACancellationAtAnyPointOfAScheduleLosesNoWakeUp(t *testing.T) {
	seeds := uint64(amount(t, 300, "HEM_SEEDS"))
	for name, open := range clubs {
		left := 0
		for seed := range seeds {
			c := open()
			trace, err := turns.Run(seed, c.run)
			if err == nil {
				err = c.settled()
			}
			if err != nil {
				t.Fatalf("%s, seed %d: %v\n%v", name, seed, err, trace)
			}
			left += c.left
		}
		if left == 0 {
			t.Errorf("%s: nobody was cancelled", name)
		}
		t.Logf("%s: %d waits cancelled in %d schedules", name, left, seeds)
	}
}

// run lets every user in twice, and cancels every second one at some moment.
func (c *club) run(_ context.Context, s *scope.Scope) error {
	for i := range c.users {
		if i%2 == 1 {
			s.Go(func(ctx context.Context) error { return errors.Join(c.visit(ctx, i), c.visit(ctx, i)) })
			continue
		}
		end, cancel := context.WithCancel(s.Context())
		s.Go(func(ctx context.Context) error { return errors.Join(c.leave(ctx, end, i), c.leave(ctx, end, i)) })
		s.Go(func(context.Context) error { cancel(); return nil })
	}
	return nil
}

// leave is visit until end ends.
func (c *club) leave(ctx, end context.Context, i int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(end, cancel)()
	err := c.visit(ctx, i)
	if err != nil && end.Err() != nil {
		c.left++
		return nil
	}
	return err
}

func (c *club) visit(ctx context.Context, i int) error {
	return c.users[i](ctx, func() error {
		c.inside++
		c.crowded = c.crowded || c.alone(i) && c.inside > 1
		defer func() { c.inside-- }()
		return scope.Run(context.WithoutCancel(ctx), func(_ context.Context, s *scope.Scope) error {
			s.Go(func(context.Context) error { return nil }) // others may go on meanwhile
			return nil
		})
	})
}

// settled says what is wrong when all have gone.
func (c *club) settled() error {
	if c.crowded {
		return errors.New("two were in at once")
	}
	for i, use := range c.users {
		if err := use(context.Background(), nothing); err != nil {
			return fmt.Errorf("afterwards, user %d: %w", i, err)
		}
	}
	return nil
}
