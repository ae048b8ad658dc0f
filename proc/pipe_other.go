//go:build !linux

package proc

import "os"

func widen(*os.File) {}

// unread returns -1: how much is in f's pipe is not known, so that a call which
// was sent may have started.
func unread(*os.File) int64 { return -1 }

func standBack() {}
