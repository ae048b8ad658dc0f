package child

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// A process is the leader of a tree, from its start until it is reaped.
type process struct {
	pid   int
	pidfd *os.File // nil: the kernel has none
}

func newProcess(pid, pidfd int) *process {
	p := &process{pid: pid}
	if pidfd < 0 {
		return p
	}
	if err := syscall.SetNonblock(pidfd, true); err != nil {
		_ = syscall.Close(pidfd)
		return p
	}
	p.pidfd = os.NewFile(uintptr(pidfd), "pidfd")
	return p
}

// wait returns when the process has ended, and leaves it a zombie, so that its
// pid stays its own. The poller waits, no thread. It is an error if somebody
// else has reaped it.
func (p *process) wait() error {
	ended, err := p.poll()
	for !ended && err == nil || errors.Is(err, syscall.EINTR) {
		ended, err = peek(pPid, p.pid, 0) // a thread waits: there is no other way here
	}
	return os.NewSyscallError("waitid", err)
}

// poll waits by the pidfd, and returns without an answer where the kernel
// cannot do that: before Linux 5.4.
func (p *process) poll() (ended bool, err error) {
	if p.pidfd == nil {
		return false, nil
	}
	conn, err := p.pidfd.SyscallConn()
	if err != nil {
		return false, nil
	}
	errPoll := conn.Read(func(fd uintptr) bool {
		for {
			ended, err = peek(pPidfd, int(fd), syscall.WNOHANG)
			if err != syscall.EINTR {
				break
			}
		}
		return ended || err != nil
	})
	if errPoll != nil || err != syscall.ECHILD && err != nil {
		return false, nil
	}
	return ended, err
}

// Which process waitid(2) is to wait for.
const (
	pPid   = 1
	pPidfd = 3
)

// peek asks whether a process has ended, without reaping it.
func peek(idType, id, options int) (ended bool, err error) {
	var info [128]byte // siginfo_t, of which the first int is si_signo
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, uintptr(idType), uintptr(id),
		uintptr(unsafe.Pointer(&info)), uintptr(syscall.WEXITED|syscall.WNOWAIT|options), 0, 0)
	if errno != 0 {
		return false, errno
	}
	return *(*int32)(unsafe.Pointer(&info)) != 0, nil
}

// reap collects the process, which must have ended.
func (p *process) reap() (ending, error) {
	var status syscall.WaitStatus
	var used syscall.Rusage
	for {
		_, err := syscall.Wait4(p.pid, &status, 0, &used)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return ending{code: -1}, os.NewSyscallError("wait4", err)
		}
		break
	}
	e := ending{
		code: status.ExitStatus(), // -1 if it was signalled
		peak: used.Maxrss << 10,
		cpu:  time.Duration(used.Utime.Nano() + used.Stime.Nano()),
	}
	if status.Signaled() {
		e.signal = status.Signal()
	}
	return e, nil
}

// release gives up the pidfd.
func (p *process) release() {
	if p.pidfd != nil {
		_ = p.pidfd.Close()
	}
}

// inheritedPeak is what a child born just now may owe to the host of its peak
// resident memory. Until exec it shares the host's memory, and the kernel
// counts that as the child's own: ru_maxrss of a child of a host of 1 GB is
// 1 GB whatever it does. Only more than that says something.
func inheritedPeak() int64 {
	const slack = 8 << 20 // the kernel's counters are batched on each processor
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib<<10 + slack
}
