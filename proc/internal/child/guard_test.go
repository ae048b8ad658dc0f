//go:build linux

package child_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc/internal/child"
)

// noGuardKey has a guard of this binary die before it is one.
const noGuardKey = "HEM_CHILD_NO_GUARD"

func init() {
	if os.Getenv(child.GuardKey) != "" && os.Getenv(noGuardKey) != "" {
		fmt.Fprintln(os.Stderr, "no guard today")
		os.Exit(7)
	}
}

func TestGuardIsThereWhileATreeIs(t *testing.T) {
	settleGuard(t)
	pid, dismiss := guarded(t)
	_, dismissOther := guarded(t)
	if got := comm(pid); got != "hem-guard" {
		t.Errorf("the guard is called %q", got)
	}
	dismiss()
	dismiss()
	time.Sleep(400 * time.Millisecond)
	if got := child.GuardPid(); got != pid || !lives(pid) {
		t.Errorf("guard %d has ended while there was a tree; now %d", pid, got)
	}
	dismissOther()
	eventually(t, "the guard has ended and is reaped", func() bool { return stat(pid) == "" })
	eventually(t, "nobody waits for it", func() bool { return !strings.Contains(goroutines(), "keeper).watch") })
	noZombies(t)
}

func TestGuardIsReplacedWhenItIsKilled(t *testing.T) {
	old, dismiss := guarded(t)
	defer dismiss()
	for range 5 {
		syscall.Kill(old, syscall.SIGKILL)
		dead := old
		eventually(t, "there is another guard", func() bool {
			old = child.GuardPid()
			return old != 0 && old != dead
		})
		if stat(dead) != "" {
			t.Errorf("the dead one is still there: %s", stat(dead))
		}
	}
}

func TestGuardThatIsStoppedDoesNotHoldUpItsHost(t *testing.T) {
	old, dismiss := guarded(t)
	defer dismiss()
	syscall.Kill(old, syscall.SIGSTOP)
	for i := 0; child.GuardPid() == old; i++ {
		if i == 10_000 {
			t.Fatal("the stopped guard is still told things")
		}
		_, dismiss := guarded(t)
		dismiss()
	}
	eventually(t, "the stopped one is gone", func() bool { return stat(old) == "" })
}

func TestGuardIsLeftAloneBySignalsMeantForOthers(t *testing.T) {
	pid, dismiss := guarded(t)
	defer dismiss()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE} {
		if err := syscall.Kill(pid, sig); err != nil {
			t.Error(err)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if !lives(pid) || child.GuardPid() != pid {
		t.Error("it has ended")
	}
	if group, _ := syscall.Getpgid(pid); group != pid {
		t.Errorf("it is in the process group %d: what is typed at a terminal reaches it", group)
	}
}

func TestGuardHoldsNothingOfItsHost(t *testing.T) {
	settleGuard(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	t.Chdir(t.TempDir())
	// What a host was itself started with may not be close-on-exec.
	inherited, err := syscall.Dup(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	pid, dismiss := guarded(t)
	defer dismiss()
	time.Sleep(50 * time.Millisecond)
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	pipes := map[string]bool{}
	for _, fd := range fds {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		switch {
		case strings.HasPrefix(to, "pipe:"):
			pipes[to] = true
		case to == os.DevNull, strings.HasPrefix(to, "anon_inode:"):
		default:
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
	if len(pipes) != 2 {
		t.Errorf("it holds the pipes %v, want the lifeline and the status", pipes)
	}
	if cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); cwd != "/" {
		t.Errorf("it is in %s, which cannot be unmounted", cwd)
	}
}

func TestProgramThatDoesNotPrepareIsTold(t *testing.T) {
	defer child.Unprepare()()
	_, _, err := child.Enroll(child.NewMark())
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "proc.Serve") {
		t.Errorf("error %v", err)
	}
}

func TestGuardThatCannotBecomeOneIsToldAndTriedAgain(t *testing.T) {
	settleGuard(t)
	defer func() {
		_, dismiss := guarded(t) // there are guards again
		dismiss()
	}()
	t.Setenv(noGuardKey, "1")
	var err error
	eventually(t, "nobody is enrolled any more", func() bool {
		var dismiss func()
		if _, dismiss, err = child.Enroll(child.NewMark()); err == nil {
			dismiss()
		}
		return err != nil
	})
	if fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "exit status 7: no guard today") {
		t.Errorf("error %v", err)
	}
	os.Unsetenv(noGuardKey)
}

// A variable that was handed on to a process which is no guard does not make it
// one, nor what that starts.
func TestEnvironmentAloneDoesNotMakeAGuard(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "x")
	cmd.Env = append(os.Environ(), child.GuardKey+"=1", child.RoleKey+"=key")
	if out, err := cmd.Output(); err != nil || string(out) != "key: []\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func init() {
	child.Roles["key"] = func([]string) {
		_, there := os.LookupEnv(child.GuardKey)
		fmt.Printf("key: %v\n", map[bool][]string{true: {"there"}}[there])
	}
}

// settleGuard waits until no guard is left of other tests.
func settleGuard(t *testing.T) {
	t.Helper()
	eventually(t, "former guards have ended", func() bool { return !child.Guarded() })
}

// guarded enrols a tree, and waits until there is a guard that is ready.
func guarded(t *testing.T) (guard int, dismiss func()) {
	t.Helper()
	eventually(t, "there is a guard", func() bool {
		var err error
		_, dismiss, err = child.Enroll(child.NewMark())
		return err == nil
	})
	eventually(t, "the guard is ready", func() bool {
		guard = child.GuardPid()
		return guard != 0
	})
	return guard, dismiss
}

// comm is what the kernel calls a process.
func comm(pid int) string {
	text, _ := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "comm"))
	return strings.TrimSpace(string(text))
}

func goroutines() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// guardOf finds the guard of a host.
func guardOf(ctx context.Context, host int) (guard int) {
	for ; guard == 0 && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range dirs {
			var pid int
			fmt.Sscanf(filepath.Base(dir), "%d", &pid)
			if strings.HasSuffix(stat(pid), fmt.Sprint(" ", host)) && comm(pid) == "hem-guard" {
				guard = pid
			}
		}
	}
	return guard
}
