//go:build unix

package proc

import (
	"os"
	"syscall"
)

// endTree ends this worker, and with it what it has started and has not left its
// process group. Its host's guard sees to the others.
func endTree() {
	if syscall.Getpgrp() == os.Getpid() {
		syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(exitProtocol)
}

// ownPipes returns the descriptors that lead to the host, which are no business
// of what a task starts.
func ownPipes() (in, out *os.File, err error) {
	for _, fd := range []int{fdIn, fdOut} {
		var s syscall.Stat_t
		if err := syscall.Fstat(fd, &s); err != nil || s.Mode&syscall.S_IFMT != syscall.S_IFIFO {
			return nil, nil, errNotStartedByPool
		}
		syscall.CloseOnExec(fd)
		// With the poller a goroutine waits and not a thread, which would keep its
		// processor for a while from the call that it has just read.
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, nil, err
		}
	}
	return os.NewFile(fdIn, "from host"), os.NewFile(fdOut, "to host"), nil
}
