package pool_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
)

var errEnough = errors.New("enough")

// newPool makes a pool that must be empty and idle at the end of the test.
func newPool(t *testing.T, c pool.Config) *pool.Pool {
	t.Helper()
	p, err := pool.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		until(t, "the pool is idle", func() bool {
			s := p.Stats()
			return s.Running == 0 && s.Lent == 0 && s.Queued == 0 && s.AtDoor == 0
		})
	})
	return p
}

// until waits for a state that nobody can be asked to tell of. It works in a
// bubble too, where sleeping costs nothing.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for i := 0; !ok(); i++ {
		if i > 10000 {
			t.Fatalf("it never came to be that %s", what)
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
}

// blocker holds one slot.
type blocker struct {
	once sync.Once
	free chan struct{}
	done chan error
}

func (b *blocker) release() {
	b.once.Do(func() { close(b.free) })
	<-b.done
}

// block occupies one slot of p until it is released.
func block(t *testing.T, p *pool.Pool) *blocker {
	t.Helper()
	b := &blocker{free: make(chan struct{}), done: make(chan error, 1)}
	has := make(chan struct{})
	go func() {
		b.done <- p.Do(context.Background(), func(context.Context) error {
			close(has)
			<-b.free
			return nil
		})
		close(b.done)
	}()
	<-has
	t.Cleanup(b.release)
	return b
}

// queueOne queues a caller, and returns a function that waits for its end.
func queueOne(t *testing.T, p *pool.Pool) (wait func()) {
	t.Helper()
	before := p.Stats().Queued
	done := make(chan error, 1)
	go func() { done <- p.Do(context.Background(), nothing) }()
	until(t, "a caller is queued", func() bool { return p.Stats().Queued > before })
	return func() {
		if err := <-done; err != nil {
			t.Errorf("the queued caller got %v", err)
		}
	}
}

// cancelWhenQueued calls cancel when n wait.
func cancelWhenQueued(t *testing.T, p *pool.Pool, n int, cancel func()) {
	go func() {
		for p.Stats().Queued < n {
			time.Sleep(100 * time.Microsecond)
		}
		cancel()
	}()
}

func nothing(context.Context) error { return nil }

// wantEnded checks the error of work that was given up before it began.
func wantEnded(t *testing.T, err error, kind fault.Kind, cause error) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.Started(err) || !errors.Is(err, cause) {
		t.Errorf("got %v (%v, started %v), want %v because of %v, not started", err, fault.KindOf(err), fault.Started(err), kind, cause)
	}
}
