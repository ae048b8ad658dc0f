package tasktest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

// broken are runners that break the contract in one way each, and the case that
// must say so.
var broken = map[string]struct {
	r      runnerFunc
	traits tasktest.Traits
	fails  string
}{
	"drops the cause": {dropsCause, shared, "the function sees the cause of a cancel"},
	"drops the deadline": {func(ctx context.Context, c *task.Call) error {
		return task.Here.Run(context.WithoutCancel(ctx), c)
	}, shared, "the function sees the deadline and its end"},
	"makes a deadline a cancel":    {deadlineAsCancel, shared, "the function sees the deadline and its end"},
	"loses the identity":           {after(func(err error) error { return errors.New(err.Error()) }), shared, "errors answer as where they were made"},
	"loses the kind":               {after(losesKind), shared, "kinds and hints are the same here and there"},
	"wraps shared errors":          {after(func(err error) error { return errors.Join(err) }), shared, "memory is shared"},
	"says nothing has started":     {after(saysNotStarted), shared, "errors answer as where they were made"},
	"passes promises on":           {passesPromises, shared, "a promise not to have started is not passed on"},
	"leaves early":                 {leavesEarly, shared, "a function that ignores its context is awaited"},
	"begins what has ended":        {beginsEnded, shared, "a context that has ended starts nothing"},
	"swallows panics":              {swallowsPanics, shared, "a panic brings its value and the stack of where it happened"},
	"loses the stack":              {after(losesStack), shared, "a panic brings its value and the stack of where it happened"},
	"takes Goexit for a panic":     {after(losesGoexit), shared, "Goexit is told"},
	"takes a panic for an echo":    {echoesPanics, shared, "a panic with the context's error is a panic"},
	"reorders progress":            {reordersProgress, shared, "progress arrives in order and before the result"},
	"drops the last report":        {dropsLastReport, shared, "progress arrives in order and before the result"},
	"drops progress":               {dropsProgress, shared, "progress arrives in order and before the result"},
	"drops the trace":              {dropsTrace, shared, "the trace is that of the caller"},
	"mixes up results":             {mixesResults(), isolated, "a thousand calls at once get each its own result"},
	"has no limit":                 {loopback(0), limited, "a payload at the limit arrives and one over it is refused"},
	"has a lower limit":            {loopback(limited.MaxPayload - 4), limited, "a payload at the limit arrives and one over it is refused"},
	"shares memory in secret":      {task.Here.Run, isolated, "memory is not shared"},
	"copies what it says to share": {loopback(0), shared, "memory is shared"},
	"runs what nobody knows":       {task.Here.Run, tasktest.Traits{SharedMemory: true, CanBeUnknown: true}, "a task nobody knows is refused"},
	"awaits what it says to kill":  {loopback(0), tasktest.Traits{Kills: true, KillsWithin: 1e8}, "a function that ignores its context is killed"},
	"hangs":                        {hangs, tasktest.Traits{SharedMemory: true, Patience: 1e8}, "payloads arrive as they left"},
	"says done and is not":         {func(context.Context, *task.Call) error { return nil }, shared, "payloads arrive as they left"},
}

var (
	shared   = tasktest.Traits{SharedMemory: true}
	isolated = tasktest.Traits{}
	limited  = tasktest.Traits{MaxPayload: 4098}
)

// TestExerciseFailsForABrokenRunner runs this test again in a child process for
// each broken runner, where Exercise fails or does not.
func TestExerciseFailsForABrokenRunner(t *testing.T) {
	const which = "HEM_TASKTEST_BROKEN"
	if b, child := broken[os.Getenv(which)]; child {
		tasktest.Exercise(t, b.traits, func(*testing.T, ...task.Task) task.Runner { return b.r })
		return
	}
	self := t.Name()
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sentence := strings.ReplaceAll(b.fails, " ", "_")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+self+"$/^"+regexp.QuoteMeta(sentence)+"$")
			child.Env = append(os.Environ(), which+"="+name)
			out, err := child.CombinedOutput()
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
				t.Fatalf("Exercise passes a runner that %s (%v)\n%s", name, err, out)
			}
			failed := strings.Contains(string(out), "--- FAIL: "+self+"/"+sentence+" ")
			hung := strings.Contains(string(out), `panic: tasktest: "`+b.fails+`" hangs`)
			if !failed && !hung {
				t.Errorf("of a runner that %s, Exercise does not say that %q fails:\n%s", name, b.fails, out)
			}
		})
	}
}

type runnerFunc func(context.Context, *task.Call) error

func (f runnerFunc) Run(ctx context.Context, c *task.Call) error { return f(ctx, c) }

// after is Here with its errors changed.
func after(change func(error) error) runnerFunc {
	return func(ctx context.Context, c *task.Call) error {
		if err := task.Here.Run(ctx, c); err != nil {
			return change(err)
		}
		return nil
	}
}

func loopback(limit int) runnerFunc {
	return tasktest.NewLoopback(limit, tasktest.Tasks()...).Run
}

func dropsCause(ctx context.Context, c *task.Call) error {
	without, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return task.Here.Run(without, c)
}

func deadlineAsCancel(ctx context.Context, c *task.Call) error {
	if err := c.Ended(ctx); err != nil {
		return err
	}
	without, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()
	return task.Here.Run(without, c)
}

func losesKind(err error) error {
	return &fault.Error{Op: "broken", Kind: fault.Failed, Started: fault.Started(err), Err: err}
}

func saysNotStarted(err error) error {
	return &fault.Error{Op: "broken", Kind: fault.KindOf(err), Started: false, Err: err}
}

// passesPromises undoes what Call.Invoke does.
func passesPromises(ctx context.Context, c *task.Call) error {
	err := task.Here.Run(ctx, c)
	if e, ok := err.(*fault.Error); ok && e.Op == "task: run" && e.Err != nil {
		return e.Err
	}
	return err
}

func leavesEarly(ctx context.Context, c *task.Call) error {
	done := make(chan error, 1)
	go func() { done <- task.Here.Run(ctx, c) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func beginsEnded(ctx context.Context, c *task.Call) error {
	if ctx.Err() != nil {
		_ = task.Here.Run(context.WithoutCancel(ctx), c)
		return c.Ended(ctx)
	}
	return task.Here.Run(ctx, c)
}

func swallowsPanics(ctx context.Context, c *task.Call) error {
	err := task.Here.Run(ctx, c)
	if fault.KindOf(err) == fault.Panicked {
		return c.SetOutput([]byte("{}"))
	}
	return err
}

func losesStack(err error) error {
	if p := (*fault.Panic)(nil); errors.As(err, &p) {
		return &fault.Panic{Value: p.Value, Task: p.Task, Goexit: p.Goexit}
	}
	return err
}

func losesGoexit(err error) error {
	if p := (*fault.Panic)(nil); errors.As(err, &p) && p.Goexit {
		return &fault.Panic{Value: "goexit", Task: p.Task, Stack: p.Stack}
	}
	return err
}

func echoesPanics(ctx context.Context, c *task.Call) error {
	err := task.Here.Run(ctx, c)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return ctx.Err()
	}
	return err
}

func reordersProgress(ctx context.Context, c *task.Call) error {
	var reports []task.Progress
	err := task.Here.Run(task.OnProgress(ctx, func(p task.Progress) {
		reports = append(reports, p)
		if p.Note == "begun" {
			task.Report(ctx, p)
		}
	}), c)
	for i := range reports {
		task.Report(ctx, reports[len(reports)-1-i])
	}
	return err
}

func dropsLastReport(ctx context.Context, c *task.Call) error {
	return task.Here.Run(task.OnProgress(ctx, func(p task.Progress) {
		if p.Total == 0 || p.Done < p.Total {
			task.Report(ctx, p)
		}
	}), c)
}

func dropsProgress(ctx context.Context, c *task.Call) error {
	return task.Here.Run(task.OnProgress(ctx, nil), c)
}

func dropsTrace(ctx context.Context, c *task.Call) error {
	mirrored, end := task.Mirror(task.OnProgress(context.Background(), func(p task.Progress) { task.Report(ctx, p) }), deadlineOf(ctx))
	defer end(nil)
	defer context.AfterFunc(ctx, func() { end(c.Ended(ctx)) })()
	if err := c.Ended(ctx); err != nil {
		return err
	}
	return task.Here.Run(mirrored, c)
}

// mixesResults answers with an output of another call, once in a while.
func mixesResults() runnerFunc {
	var mu sync.Mutex
	square, calls := []byte("49"), 0
	wire := loopback(0)
	return func(ctx context.Context, c *task.Call) error {
		if err := wire(ctx, c); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if calls++; c.Name() == "tasktest.square" && calls%100 == 0 {
			return c.SetOutput(square)
		}
		return nil
	}
}

func hangs(context.Context, *task.Call) error { select {} }

func deadlineOf(ctx context.Context) time.Time {
	at, _ := ctx.Deadline()
	return at
}
