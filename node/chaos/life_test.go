//go:build linux

package chaos_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/hemgo/hem/proc"
)

// An order is what a life is to do.
type order struct {
	Load string // by its name in loads
	Dir  string // where the log is
	Seed uint64 // of what it does

	Early bool // for a control: report what has not been acknowledged yet
	Lying bool // for a control: fsync succeeds and does nothing

	// The load "jobs".
	Jobs          []uint64 // that may be there, beside newer ones
	Newest        uint64
	Keep          time.Duration // how long ended jobs are kept
	SnapshotAfter int64
}

// A load opens the log in o.Dir, says what it finds there, and goes on with it
// until stop is closed. It says each thing that it has been promised as soon as
// it has, in a line.
type load func(o order, say func(line string), stop <-chan struct{}) error

// lifeEnv makes a process of this test binary a life. It says of what kind.
const (
	lifeEnv = "HEM_CHAOS_LIFE"
	honest  = "honest"
	lying   = "lying" // before the filter is there, under which it is honest
)

func TestMain(m *testing.M) {
	proc.Serve(kidTasks...)
	var err error
	switch os.Getenv(lifeEnv) {
	case "":
		os.Exit(m.Run())
	case honest:
		err = live()
	case lying:
		err = lie()
	case far:
		err = workFar()
	case owning:
		err = ownFar()
	case calling:
		err = callFar()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// live is all that a life does. Its input is its order; it ends in good order
// when there is no more.
func live() error {
	var o order
	input := json.NewDecoder(os.Stdin)
	if err := input.Decode(&o); err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	var mu sync.Mutex
	say := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		io.WriteString(os.Stdout, line+"\n")
	}
	return loads[o.Load](o, say, stop)
}

// lie begins this process again, under a filter by which the kernel answers
// every fsync with success, and does nothing. A filter holds for the thread that
// installs it, and for what is executed by it.
func lie() error {
	const (
		prSetSeccomp = 22
		modeFilter   = 2
		retErrno     = 0x00050000 // with the number 0 below it: success
		retAllow     = 0x7fff0000
	)
	filter := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: 0}, // the number of the call
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: syscall.SYS_FSYNC, Jt: 1},
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: syscall.SYS_FDATASYNC, Jf: 1},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: retErrno},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: retAllow},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetSeccomp, modeFilter, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return fmt.Errorf("%sseccomp filters: %w", lacking, errno)
	}
	os.Setenv(lifeEnv, honest)
	return syscall.Exec(os.Args[0], os.Args, os.Environ())
}

// A life is a process that carries a load, until it is killed or told to stop.
type life struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stderr  head
	reached chan struct{} // closed when the line that was waited for has been heard
	ended   chan struct{} // closed when it is over and all it said was heard
	err     error         // how it ended, then
}

// begin begins a life. Each whole line that it says is given to l, and it is
// reached when so many of them were promises.
func begin(t *testing.T, o order, l ledger, promises int) *life {
	t.Helper()
	l.brief(&o)
	kind := honest
	if o.Lying {
		kind = lying
	}
	lf := &life{reached: make(chan struct{}), ended: make(chan struct{})}
	lf.cmd = exec.Command(os.Args[0])
	lf.cmd.Env = append(os.Environ(), lifeEnv+"="+kind, "GORACE=atexit_sleep_ms=0")
	lf.cmd.Stderr = &lf.stderr
	var err error
	if lf.stdin, err = lf.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// A life must not wait for whoever listens: 1 MiB is a second of lines.
	syscall.Syscall(syscall.SYS_FCNTL, w.Fd(), syscall.F_SETPIPE_SZ, 1<<20)
	lf.cmd.Stdout = w
	ended, err := start(lf.cmd)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(lf.stdin).Encode(&o); err != nil && !errors.Is(err, syscall.EPIPE) {
		t.Fatal(err)
	}
	go func() {
		defer close(lf.ended)
		lf.listen(r, l, promises)
		lf.err = <-ended
	}()
	t.Cleanup(func() {
		lf.kill()
		<-lf.ended
	})
	return lf
}

// listen hears what is said, to the end. A last line that was torn off was not
// said.
func (lf *life) listen(r *os.File, l ledger, promises int) {
	defer r.Close()
	if promises == 0 {
		close(lf.reached)
	}
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if l.hear(strings.TrimSuffix(line, "\n")) {
			if promises--; promises == 0 {
				close(lf.reached)
			}
		}
	}
}

// kill ends the life as SIGKILL does. It does not wait for the end.
func (lf *life) kill() { lf.cmd.Process.Kill() }

// patience is how long a life may take for anything.
const patience = 30 * time.Second

// wait waits for the line that was asked for.
func (lf *life) wait(t *testing.T) {
	t.Helper()
	if !lf.await(t, lf.reached) {
		lf.failed(t)
	}
}

// mourn waits for the end of a life that was killed, or is about to be.
func (lf *life) mourn(t *testing.T) {
	t.Helper()
	lf.await(t, lf.ended)
	var exit *exec.ExitError
	if !errors.As(lf.err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		lf.failed(t)
	}
}

// dismiss tells a life to stop, and waits until it has.
func (lf *life) dismiss(t *testing.T) {
	t.Helper()
	lf.stdin.Close()
	lf.await(t, lf.ended)
	if lf.err != nil {
		lf.failed(t)
	}
}

// await reports whether what came before the end, or was the end. Who takes too
// long is asked what it is doing.
func (lf *life) await(t *testing.T, what <-chan struct{}) bool {
	t.Helper()
	select {
	case <-what:
		return true
	case <-lf.ended:
		return what == lf.ended
	case <-time.After(patience):
		lf.cmd.Process.Signal(syscall.SIGQUIT)
		<-lf.ended
		t.Fatalf("the life does not get on:\n%s", lf.stderr.Bytes())
		return false
	}
}

// failed ends the test, for a life that has ended by itself.
func (lf *life) failed(t *testing.T) {
	t.Helper()
	if _, what, found := strings.Cut(lf.stderr.String(), lacking); found {
		lacks(t, "%s", what)
	}
	t.Fatalf("the life ended by itself: %v\n%s", lf.err, lf.stderr.Bytes())
}
