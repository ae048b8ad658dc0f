package proc

import (
	"os"
	"syscall"
	"unsafe"
)

// pipeSize is what a pipe holds, if the kernel grants it: a large payload crosses
// in few steps, each of which wakes the other side. Memory is used as it fills.
const pipeSize = 1 << 20

// widen enlarges f's pipe.
func widen(f *os.File) {
	if raw, err := f.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETPIPE_SZ, pipeSize) })
	}
}

// unread returns how many bytes are in f's pipe, -1 if that is not known. On
// Linux either end tells.
func unread(f *os.File) int64 {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1
	}
	var n int32
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	})
	if err != nil || errno != 0 {
		return -1
	}
	return int64(n)
}

// standBack lets the other process run if it has been put on the same processor,
// as the kernel likes to do with two that talk to each other.
func standBack() { syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
