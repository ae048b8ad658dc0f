//go:build linux

package chaos_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// apartEnv names the test that runs in a process of its own.
const apartEnv = "HEM_CHAOS_APART"

// lacking begins the line by which such a test says why it is skipped.
const lacking = "lacking: "

// apart runs the test, or subtest, that calls it once more, in a process that has a mount
// namespace of its own, and reports whether it is that process that is asking.
// What is mounted there is seen nowhere else, and gone when the process is,
// however it ends.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv(apartEnv) == t.Name() {
		return true
	}
	if os.Geteuid() != 0 {
		lacks(t, "root, to mount file systems")
	}
	limit := time.Hour
	if deadline, ok := t.Deadline(); ok {
		limit = time.Until(deadline) * 9 / 10
	}
	var out head
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v", fmt.Sprintf("-test.timeout=%v", limit))
	cmd.Env = append(os.Environ(), apartEnv+"="+t.Name(), "TMPDIR="+t.TempDir())
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	ended, err := start(cmd)
	if errors.Is(err, syscall.EPERM) {
		lacks(t, "the right to have mounts of one's own (CAP_SYS_ADMIN): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = <-ended
	var why string
	for line := range strings.Lines(out.String()) {
		if _, after, found := strings.Cut(line, lacking); found {
			why = strings.TrimSpace(after)
		}
	}
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out.Bytes())
	case why != "":
		lacks(t, "%s", why)
	default:
		t.Logf("%s", out.Bytes())
	}
	return false
}

// A head keeps the beginning of what is written to it: what is said first is what
// went wrong, and a test that fails for ever must not fill the memory.
type head struct{ bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	const most = 1 << 20
	h.Buffer.Write(b[:max(0, min(len(b), most-h.Len()))])
	return len(b), nil
}

// lacks skips t, for the want of something that this machine does not have.
func lacks(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Skipf(lacking+format, args...)
}

// needs skips t unless all the programs can be run.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacks(t, "the program %s", p)
		}
	}
}

// start starts cmd, whose process is killed if this one dies, and sends how it
// ended. The kernel takes the death of the thread that started it for that of
// the process: so that thread is kept.
func start(cmd *exec.Cmd) (ended <-chan error, err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started, end := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			end <- cmd.Wait()
		}
	}()
	return end, <-started
}
