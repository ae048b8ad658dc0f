package lock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// patience is how long a test waits for what should take microseconds before
// it calls it a hang.
const patience = 30 * time.Second

// noContext is what no caller should pass.
var noContext context.Context

// inTask runs f as a task of a scope, and returns its error.
func inTask(f func(ctx context.Context) error) error {
	return scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(f)
		return nil
	})
}

// bounded fails the test with everybody's waits if f takes for ever.
func bounded(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(patience):
		var b strings.Builder
		inspect.Dump(&b)
		buf := make([]byte, 1<<20)
		t.Fatalf("it hangs:\n%s\n%s", b.String(), buf[:runtime.Stack(buf, true)])
	}
}

// hold locks m, calls f and unlocks.
func hold(ctx context.Context, m *lock.Mutex, f func() error) error {
	h, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	defer h.Unlock()
	return f()
}

// write and read do so with l.
func write(ctx context.Context, l *lock.RWMutex, f func() error) error {
	h, err := l.Lock(ctx)
	if err != nil {
		return err
	}
	defer h.Unlock()
	return f()
}

func read(ctx context.Context, l *lock.RWMutex, f func() error) error {
	h, err := l.RLock(ctx)
	if err != nil {
		return err
	}
	defer h.Unlock()
	return f()
}

func nothing() error { return nil }

// panicOf returns the text of f's panic, empty if there is none.
func panicOf(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

// deadlock returns the verdict in err, nil if there is none.
func deadlock(err error) *fault.Deadlock {
	var d *fault.Deadlock
	errors.As(err, &d)
	return d
}

// findings collects what is found while f runs.
func findings(f func()) (found []inspect.Finding) {
	var mu sync.Mutex
	stop := inspect.OnFinding(func(x inspect.Finding) {
		mu.Lock()
		defer mu.Unlock()
		found = append(found, x)
	})
	defer stop()
	f()
	stop()
	mu.Lock()
	defer mu.Unlock()
	return found
}

// amount is short unless the environment asks for another.
func amount(t *testing.T, short int, env string) int {
	t.Helper()
	if text := os.Getenv(env); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", env, err)
		}
		return n
	}
	return short
}
