//go:build unix

package proc

import (
	"io"
	"os"
	"runtime"
	"syscall"
)

// A spinner reads from a pipe, and looks a few times before it lets the runtime
// wait: to sleep and be woken costs both processes more than a short answer
// takes. It looks for about as long as that would cost, so that it is never more
// than twice as dear (Karlin et al., Competitive Randomized Algorithms for
// Non-Uniform Problems, SODA 1990), and hardly ever where looking has been in
// vain: work that takes long is waited for asleep.
type spinner struct {
	file *os.File
	raw  syscall.RawConn
	vain int // how often in a row looking was in vain, or would have been
}

const (
	spinLooks = 40 // about 10 µs
	spinVain  = 2  // how often it may be in vain before it is given up
	spinAgain = 32 // after how many reads it is tried again

	// spinRoom is up to how many bytes at a time: of a large payload the other
	// side should write much before this one wakes.
	spinRoom = 64 << 10
)

// openSpinner returns a reader of f, which must be in non-blocking mode.
func openSpinner(f *os.File) io.Reader {
	raw, err := f.SyscallConn()
	if err != nil || runtime.NumCPU() == 1 {
		return f
	}
	return &spinner{file: f, raw: raw}
}

// Read is the file's.
func (s *spinner) Read(b []byte) (n int, err error) {
	looks := 1
	if len(b) <= spinRoom && (s.vain < spinVain || s.vain%spinAgain == 0) {
		looks = spinLooks
	}
	first := true
	errWait := s.raw.Read(func(fd uintptr) bool {
		for range looks {
			if n, err = syscall.Read(int(fd), b); err != syscall.EAGAIN && err != syscall.EINTR {
				if first {
					s.vain = 0
				}
				return true
			}
			if looks > 1 {
				standBack()
			}
		}
		if first {
			s.vain++
		}
		first, looks = false, 1
		return false
	})
	switch {
	case errWait != nil:
		return 0, errWait
	case err != nil:
		return 0, &os.PathError{Op: "read", Path: s.file.Name(), Err: err}
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}
