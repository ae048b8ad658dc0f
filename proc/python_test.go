package proc_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

const pythonWorker = "testdata/worker.py"

// python returns the command of the worker in Python. It skips the test where
// there is none that can run it.
func python(t *testing.T) []string {
	t.Helper()
	const enough = "import sys; sys.exit(sys.version_info < (3, 8))"
	if err := exec.Command("python3", "-c", enough).Run(); err != nil {
		t.Skipf("no python3 of version 3.8 or later: %v", err)
	}
	return []string{"python3", "-B", pythonWorker}
}

// The reference is enough to write a worker by: this one is in another language
// and passes what this program's own workers do.
func TestWorkerInPythonKeepsTheContract(t *testing.T) {
	command := python(t)
	traits := tasktest.Traits{
		MaxPayload: 3 << 19, CanBeUnknown: true,
		Kills: true, KillsWithin: 3 * time.Second,
	}
	tasktest.Exercise(t, traits, func(t *testing.T, _ ...task.Task) task.Runner {
		return inPython{open(t, proc.Config{Command: command, Workers: 2, MaxPayload: traits.MaxPayload, Grace: 500 * time.Millisecond})}
	})
}

// inPython reads Python's stacks as the exercise reads those of Go: it asks for
// the name and file of Go's function, where there are those of Python's.
type inPython struct{ task.Runner }

func (r inPython) Run(ctx context.Context, c *task.Call) error {
	err := r.Runner.Run(ctx, c)
	p, ok := errors.AsType[*fault.Panic](err)
	if !ok {
		return err
	}
	for _, s := range []struct{ python, golang string }{
		{", in burst_here", "tasktest.burstHere"},
		{", in watch", "tasktest.watchFunc"},
	} {
		if strings.Contains(p.Stack, `worker.py", line `) && strings.Contains(p.Stack, s.python) {
			p.Stack += "\nin Go " + s.golang + " tasks.go:"
		}
	}
	return err
}
