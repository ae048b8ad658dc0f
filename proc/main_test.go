package proc_test

import (
	"os"
	"testing"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task/tasktest"
)

// TestMain makes the test binary what tests start: a worker, its guard, or one
// of the programs that are none.
func TestMain(m *testing.M) {
	// The race detector waits a second at the end of each process.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	if run, ok := programs[os.Getenv(envProgram)]; ok {
		run()
		return
	}
	proc.Serve(append(tasktest.Tasks(), testTasks...)...)
	os.Exit(m.Run())
}

// envProgram chooses one of programs.
const envProgram = "HEM_PROC_TEST_PROGRAM"
