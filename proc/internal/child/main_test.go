package child_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/hemgo/hem/proc/internal/child"
)

// TestMain is main of the tests and of the processes that they start.
func TestMain(m *testing.M) {
	child.Prepare()
	os.Setenv("GORACE", "atexit_sleep_ms=0") // of those that we start: the race detector's goodbye takes a second
	name := os.Getenv(child.RoleKey)
	if name == "" {
		os.Exit(m.Run())
	}
	role := child.Roles[name]
	if role == nil {
		fmt.Fprintf(os.Stderr, "no role %q\n", name)
		os.Exit(99)
	}
	role(os.Args[1:])
}
