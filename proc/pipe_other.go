//go:build !linux

package proc

import "os"

func widen(*os.File) {}

// unread returns -1: it is not known how much the worker has read, so that a
// call which was sent may have started.
func (p *pipe) unread() int64 { return -1 }
