package proc

import (
	"os"
	"sync/atomic"
)

// A pipe is the host's end of what a worker reads. It counts, so that after the
// worker's end it is known whether it had read a call.
type pipe struct {
	*os.File
	taken atomic.Int64 // bytes that went into the pipe
}

// Write writes b.
func (p *pipe) Write(b []byte) (n int, err error) {
	n, err = p.File.Write(b)
	p.taken.Add(int64(n))
	return n, err
}
