//go:build linux

package child_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

// BenchmarkLook is one look for a tree among 300 processes that are younger
// than it and do not belong to it, so that each environment is read.
func BenchmarkLook(b *testing.B) {
	leader := sleeper(b, nil)
	for range 300 {
		sleeper(b, nil)
	}
	b.ReportAllocs()
	for b.Loop() {
		child.FindTree("nobody's", leader)
	}
}

// BenchmarkUsage is a look at what one Go process of a few threads uses.
func BenchmarkUsage(b *testing.B) {
	leader := sleeper(b, []string{child.RoleKey + "=rest"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := child.UsageOf(leader); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGuard is a guard from nothing until it is ready.
func BenchmarkGuard(b *testing.B) {
	for b.Loop() {
		_, dismiss, err := child.Enroll(child.NewMark())
		if err != nil {
			b.Fatal(err)
		}
		dismiss()
	}
}

func init() {
	child.Roles["rest"] = func([]string) { time.Sleep(time.Hour) }
}

// sleeper starts a process that ends with the test: sleep, or, with an
// environment, this binary.
func sleeper(tb testing.TB, env []string) (pid int) {
	cmd := exec.Command("sleep", "1000")
	if env != nil {
		cmd = exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), env...)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process.Pid
}
