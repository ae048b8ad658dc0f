package proc_test

import (
	"context"
	"os"

	"github.com/hemgo/hem/task"
)

var (
	// programs are what the test binary can be instead of a worker.
	programs = map[string]func(){}

	// testTasks are what workers of the tests know besides tasktest's.
	testTasks = []task.Task{same, pid, give}
)

// pid returns whose process it ran in.
var pid = task.Define("proc.pid", func(context.Context, task.Void) (int, error) { return os.Getpid(), nil })

// give returns so many bytes.
var give = task.Define("proc.give", func(_ context.Context, n int) ([]byte, error) { return make([]byte, n), nil })
