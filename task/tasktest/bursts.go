package tasktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
)

// caught has the runner run a function that bursts, and returns the Panic that
// must come of it.
func caught(t *testing.T, x *exercise, how string) (*fault.Panic, error) {
	t.Helper()
	_, err := burst.Do(x.ctx, x.r, how)
	p := isPanic(t, err, burst.Name())
	if out, err := square.Do(x.ctx, x.r, 3); err != nil || out != 9 {
		t.Errorf("the call after it: got %d, %v", out, err)
	}
	return p, err
}

func isPanic(t *testing.T, err error, name string) (p *fault.Panic) {
	t.Helper()
	if !errors.As(err, &p) || fault.KindOf(err) != fault.Panicked || !fault.Started(err) {
		t.Fatalf("got %v, kind %v, started %v; want a *fault.Panic, Panicked, started", err, fault.KindOf(err), fault.Started(err))
	}
	if !strings.Contains(p.Task, name) {
		t.Errorf("the panic's task is %q, without %q", p.Task, name)
	}
	return p
}

func panicBringsStack(t *testing.T, x *exercise) {
	p, _ := caught(t, x, "text")
	if fmt.Sprint(p.Value) != "tasktest: boom 42" || p.Goexit {
		t.Errorf("the value is %v, Goexit %v", p.Value, p.Goexit)
	}
	wantStack(t, p)
}

func wantStack(t *testing.T, p *fault.Panic) {
	t.Helper()
	if !strings.Contains(p.Stack, "tasktest.burstHere") || !strings.Contains(p.Stack, "tasks.go:") {
		t.Errorf("the stack does not name the function that panicked and its line:\n%s", p.Stack)
	}
}

func panicWithError(t *testing.T, x *exercise) {
	p, err := caught(t, x, "error")
	if _, ok := p.Value.(error); !ok || !errors.Is(err, errDeclined) {
		t.Errorf("the function panicked with an error, and it is not in %v; the value is a %T", err, p.Value)
	}
	wantStack(t, p)
}

func panicWithNil(t *testing.T, x *exercise) {
	p, _ := caught(t, x, "nil")
	if p.Goexit || !strings.Contains(fmt.Sprint(p.Value), "nil") {
		t.Errorf("the value is %v, Goexit %v", p.Value, p.Goexit)
	}
	wantStack(t, p)
}

// panicWithContextError is a panic that looks like an echo of the cancel.
func panicWithContextError(t *testing.T, x *exercise) {
	ctx, cancel := context.WithCancel(x.ctx)
	ctx, wait := x.whenBegun(ctx, cancel)
	_, err := watch.Do(ctx, x.r, watching{Return: "panic"})
	wait()
	if p := isPanic(t, err, watch.Name()); !errors.Is(err, context.Canceled) || !strings.Contains(p.Stack, "tasktest.watchFunc") {
		t.Errorf("got %v", err)
	}
}

func goexitIsTold(t *testing.T, x *exercise) {
	if p, _ := caught(t, x, "goexit"); !p.Goexit || p.Value != nil {
		t.Errorf("the value is %v, Goexit %v", p.Value, p.Goexit)
	}
}
