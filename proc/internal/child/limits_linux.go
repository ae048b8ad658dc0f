package child

import (
	"errors"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// limit sets the limits of a process that runs already, since neither the
// kernel nor Go can set them at its birth without changing the host's own for
// a moment. What it starts in its first instants may go without.
func limit(pid int, l Limits, data int64) error {
	var errFiles, errData error
	if l.OpenFiles > 0 {
		errFiles = prlimit(pid, syscall.RLIMIT_NOFILE, uint64(l.OpenFiles))
	}
	if data > 0 {
		errData = prlimit(pid, syscall.RLIMIT_DATA, uint64(data))
	}
	return errors.Join(errFiles, errData)
}

// rlimit64 is the form of prlimit64(2), the same on every architecture.
type rlimit64 struct{ soft, hard uint64 }

// prlimit lowers the soft and the hard limit to value. A hard limit below it
// stays, as raising one needs a privilege.
func prlimit(pid, resource int, value uint64) error {
	var old rlimit64
	if err := prlimit64(pid, resource, nil, &old); err != nil {
		return err
	}
	value = min(value, old.hard)
	return prlimit64(pid, resource, &rlimit64{value, value}, nil)
}

func prlimit64(pid, resource int, set, old *rlimit64) error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), uintptr(resource),
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("prlimit", errno)
	}
	return nil
}

// niceThread sets the nice value of the calling thread, with which its
// children are born. A host that is nicer already stays so: taking that back
// needs a privilege.
func niceThread(nice int) error {
	if nice == 0 {
		return nil
	}
	if nice > 0 {
		raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
		if err != nil {
			return os.NewSyscallError("getpriority", err)
		}
		nice = max(nice, 20-raw) // the system call answers 20 - nice
	}
	return os.NewSyscallError("setpriority", syscall.Setpriority(syscall.PRIO_PROCESS, 0, nice))
}

// niceSession makes the scheduler heed the nice value of a session's leader.
// With autogrouping, which most kernels have switched on, each session gets an
// equal share, and nice values weigh only within one: a child that is nice in
// a session of its own would yield to nobody. See sched(7), "The autogroup
// feature".
func niceSession(pid, nice int) error {
	return os.WriteFile("/proc/"+strconv.Itoa(pid)+"/autogroup", strconv.AppendInt(nil, int64(nice), 10), 0)
}
