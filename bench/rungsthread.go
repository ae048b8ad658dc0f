package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/hemgo/hem/task"
)

// An osThread is a thread of its own that runs what it is told: a goroutine that
// is locked to it, so that another has to be made for the rest of the program.
type osThread struct{ calls chan threadCall }

type threadCall struct {
	ctx  context.Context
	c    *task.Call
	done chan error
}

// startThread starts a thread that runs calls until they are closed.
func startThread(calls chan threadCall) {
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for call := range calls {
			call.done <- call.contain()
		}
	}()
}

// contain runs the call as well as code without a process of its own can.
func (t threadCall) contain() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return t.c.Invoke(t.ctx)
}

func openThreads(n int) (task.Runner, func()) {
	calls := make(chan threadCall)
	for range n {
		startThread(calls)
	}
	return osThread{calls}, func() { close(calls) }
}

// Run makes osThread a task.Runner.
func (t osThread) Run(ctx context.Context, c *task.Call) error {
	done := make(chan error, 1)
	t.calls <- threadCall{ctx, c, done}
	return <-done
}
