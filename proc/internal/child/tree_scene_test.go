//go:build linux

package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

// kin are the ways in which a process may try to leave its tree. What each does
// is told to the file that is named, as a line with its name and pid.
var kin = []string{"plain", "group", "session", "daemon", "bare", "baredaughter", "stopped", "headless"}

func init() {
	// ancestor starts one of each of args[1:], and waits until args[0] is told
	// of all of them.
	child.Roles["ancestor"] = func(args []string) {
		for _, how := range args[1:] {
			descend(args[0], how)
		}
		tell(args[0], "ancestor")
		time.Sleep(time.Hour)
	}
	child.Roles["kin"] = func(args []string) {
		switch how := args[1]; how {
		case "daemon":
			descend(args[0], "orphan") // whose parent, this process, ends now
			return
		case "orphan":
			tell(args[0], "daemon")
		case "stopped":
			tell(args[0], how)
			syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		case "headless":
			endFirstThread(func() { tell(args[0], how) })
		default:
			tell(args[0], how)
		}
		time.Sleep(time.Hour)
	}
}

// descend starts a process of a kind.
func descend(file, how string) {
	self, _ := os.Executable()
	cmd := exec.Command(self, file, how)
	cmd.Env = append(os.Environ(), child.RoleKey+"=kin")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: how == "group",
		Setsid:  how == "session" || how == "orphan" || how == "stopped" || how == "headless" || how == "baredaughter",
	}
	if strings.HasPrefix(how, "bare") {
		cmd.Env = []string{child.RoleKey + "=kin"}
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	go cmd.Wait()
}

// endFirstThread ends the thread after which the process is called, so that it
// is a zombie by its state, and runs on in others.
func endFirstThread(then func()) {
	for range 100 {
		found := make(chan bool)
		go func() {
			runtime.LockOSThread()
			if syscall.Gettid() != os.Getpid() {
				found <- false
				select {}
			}
			found <- true
			syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
		}()
		if <-found {
			break
		}
	}
	for stat(os.Getpid())[0] != 'Z' {
		time.Sleep(time.Millisecond)
	}
	then()
}

// tell writes a line, which is short enough not to be torn.
func tell(file, name string) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(f, "%s %d\n", name, os.Getpid())
	f.Close()
}

// told waits until n processes have told a file who they are.
func told(t *testing.T, file string, n int) map[string]int {
	t.Helper()
	pids := map[string]int{}
	eventually(t, fmt.Sprintf("%d processes are told to %s", n, filepath.Base(file)), func() bool {
		text, _ := os.ReadFile(file)
		lines := strings.Split(string(text), "\n")
		for _, line := range lines[:len(lines)-1] {
			name, number, _ := strings.Cut(line, " ")
			pids[name], _ = strconv.Atoi(number)
		}
		return len(lines) > n
	})
	t.Cleanup(func() {
		for _, pid := range pids {
			if mine(pid) {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	return pids
}

// mine reports whether a process is of this binary, so that none is killed that
// has only got the number of one that was.
func mine(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/exe", pid))
	return slices.ContainsFunc(threads, func(exe string) bool {
		theirs, err := os.Stat(exe) // not of a thread that has ended
		ours, errOurs := os.Stat("/proc/self/exe")
		return err == nil && errOurs == nil && os.SameFile(theirs, ours)
	})
}

// living are the names of those who live, sorted.
func living(pids map[string]int) (names []string) {
	for name, pid := range pids {
		if runs(pid) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// runs is lives for a process whose first thread may have ended: any does.
func runs(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return slices.ContainsFunc(threads, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		state := text[strings.LastIndexByte(string(text), ')')+2]
		return state != 'Z' && state != 'X'
	})
}

// leader starts a process in a session of its own with a mark, as nurseries do.
func leader(t *testing.T, mark, role string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = child.MarkEnv(append(os.Environ(), child.RoleKey+"="+role), mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}
