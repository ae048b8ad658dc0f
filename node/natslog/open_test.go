package natslog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// holdEnv makes the test binary a process that holds the log in the directory
// that it names, until its input ends.
const holdEnv = "NATSLOG_TEST_HOLD"

func init() {
	dir := os.Getenv(holdEnv)
	if dir == "" {
		return
	}
	if _, err := natslog.Open(context.Background(), dir, quiet()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0) // without Close: the lock goes with the process
}

// refused checks that dir cannot be opened, why, and that the error says what
// dir is and what to do.
func refused(t *testing.T, dir string, kind fault.Kind, words ...string) error {
	t.Helper()
	began := time.Now()
	l, err := natslog.Open(t.Context(), dir, quiet())
	if err == nil {
		l.Close()
		t.Fatalf("open of %q: no error", dir)
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("open of %q: kind %v, want %v: %v", dir, got, kind, err)
	}
	for _, word := range append(words, dir) {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("open of %q: %q is not in %q", dir, word, err)
		}
	}
	if fault.HintOf(err) == "" {
		t.Errorf("open of %q: no hint in %q", dir, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("open of %q took %v to be refused", dir, took)
	}
	return err
}

func TestDirectoryThatAnotherProcessHoldsIsRefusedAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holdEnv+"="+dir, "GORACE=atexit_sleep_ms=0")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close()
		child.Wait()
	}()
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatalf("the child says %q", line)
	}
	err = refused(t, dir, fault.Overloaded, "held by another")
	if !fault.Retryable(err) {
		t.Errorf("%v is not worth trying again", err)
	}
	child.Process.Kill()
	child.Wait()
	has(t, open(t, dir, quiet()), 1, 0)
}

func TestDirectoryThatThisProcessHoldsIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l := open(t, dir, quiet())
	refused(t, dir, fault.Overloaded, "held by another")
	fill(t, l, 0, 3)
	l.Close()
	has(t, open(t, dir, quiet()), 1, 3)
}

func TestDirectoryThatIsNotALogIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"CURRENT", "MANIFEST-1", "LOCK", "a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, dir, fault.Invalid, "not a log", "CURRENT, MANIFEST-1, a and 1 more")
	if entries, _ := os.ReadDir(dir); len(entries) != 5 {
		t.Errorf("the directory has %d entries, of 5", len(entries))
	}
}

func TestPathsThatCannotBeALogAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "", fault.Invalid, "no name")
	refused(t, file, fault.Invalid, "not a directory")
	refused(t, filepath.Join(file, "log"), fault.Invalid)
	refused(t, "/proc/none/log", fault.Invalid)
}

func TestDirectoryThatIsReadOnlyIsRefused(t *testing.T) {
	root := small(t, "32m")
	dir := filepath.Join(root, "log")
	l := open(t, dir, quiet())
	fill(t, l, 0, 5)
	l.Close()
	if err := syscall.Mount("", root, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("a file system cannot be made read-only here (%v): run it as root", err)
	}
	refused(t, dir, fault.Invalid, "read-only")
	refused(t, filepath.Join(root, "new"), fault.Invalid, "read-only")
	if err := syscall.Mount("", root, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	has(t, open(t, dir, quiet()), 1, 5)
}

func TestFileInThePlaceOfTheStoreIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	open(t, dir, quiet()).Close()
	store := filepath.Join(dir, "jetstream")
	if err := errors.Join(os.RemoveAll(store), os.WriteFile(store, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, fault.Failed)
}

func TestLogOfANewerVersionIsRefusedAndLeftAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l := open(t, dir, quiet())
	fill(t, l, 0, 3)
	l.Close()
	head := filepath.Join(dir, "head")
	old, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(head, natslog.Newer(old), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, fault.Invalid, "newer version", "update this program")
	if err := os.WriteFile(head, old, 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, open(t, dir, quiet()), 1, 3)
}

func TestLogWhoseMakingWasInterruptedIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	natslog.HalfMade(t, dir)
	l := open(t, dir, quiet())
	fill(t, l, 0, 3)
	has(t, l, 1, 3)
}

func TestStoreOfAnotherLogIsRefused(t *testing.T) {
	root := t.TempDir()
	a, b := filepath.Join(root, "a"), filepath.Join(root, "b")
	for _, dir := range []string{a, b} {
		l := open(t, dir, quiet())
		fill(t, l, 0, 3)
		l.Close()
	}
	err := errors.Join(os.RemoveAll(filepath.Join(a, "jetstream")), os.Rename(filepath.Join(b, "jetstream"), filepath.Join(a, "jetstream")))
	if err != nil {
		t.Fatal(err)
	}
	if err := refused(t, a, fault.Failed, "another log"); !errors.Is(err, job.ErrDamaged) {
		t.Errorf("got %v, want %q", err, job.ErrDamaged)
	}
}

func TestConfigThatCannotBeMeantIsRefused(t *testing.T) {
	for _, c := range []natslog.Config{{MaxBytes: -1}, {MaxBytes: 1000}, {Reserve: -1}, {MaxBytes: 8 << 20, Reserve: 8 << 20}} {
		l, err := natslog.Open(t.Context(), filepath.Join(t.TempDir(), "log"), c)
		if err == nil {
			l.Close()
		}
		if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

func TestLogListensNowhere(t *testing.T) {
	sockets := func() map[string]bool { return socketsOf(t) }
	before := sockets()
	l := open(t, filepath.Join(t.TempDir(), "log"), quiet())
	fill(t, l, 0, 3)
	has(t, l, 1, 3)
	for s := range sockets() {
		if !before[s] {
			t.Errorf("an open log has the socket %s", s)
		}
	}
	// The control: a socket is seen.
	pair, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair)
	if len(sockets()) != len(before)+1 {
		t.Error("a socket of this process was not seen")
	}
}

// socketsOf are the sockets that this process has.
func socketsOf(t *testing.T) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("open files cannot be listed here (%v): run it where there is a /proc, as on Linux", err)
	}
	found := map[string]bool{}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			found[to] = true
		}
	}
	return found
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		l := open(t, filepath.Join(t.TempDir(), "log"), quiet())
		fill(t, l, 0, 10)
		l.Read(t.Context(), 1, func(seq uint64, _ []byte) error { return io.EOF })
		if err := l.Trim(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if during := runtime.NumGoroutine(); during <= before {
			t.Errorf("%d goroutines while a log is open, %d before: they are not seen", during, before)
		}
		began := time.Now()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("close took %v", took)
		}
	}
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines are left, of %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
