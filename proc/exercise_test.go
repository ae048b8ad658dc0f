package proc_test

import (
	"context"
	"testing"
	"time"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

// open returns a pool that is closed when t ends.
func open(t testing.TB, c proc.Config) *proc.Pool {
	t.Helper()
	if c.Name == "" {
		c.Name = "kids"
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = time.Minute // tests share the machine, and workers are nice
	}
	p, err := proc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Errorf("the pool was closed with %v", err)
		}
	})
	return p
}

func TestPoolKeepsTheContract(t *testing.T) {
	traits := tasktest.Traits{
		MaxPayload: 3 << 20, CanBeUnknown: true,
		Kills: true, KillsWithin: 3 * time.Second,
	}
	tasktest.Exercise(t, traits, func(t *testing.T, _ ...task.Task) task.Runner {
		return open(t, proc.Config{MaxPayload: traits.MaxPayload, Grace: 500 * time.Millisecond})
	})
}
