//go:build unix && !linux

package child

import (
	"errors"
	"syscall"
)

// hostStart is zero where nobody can be told by it.
var hostStart uint64

// kill kills the session's process group: there is no /proc to find the others
// in.
func (t tree) kill() (left int) { return killTrees([]tree{t}) }

func killTrees(trees []tree) (left int) {
	for _, t := range trees {
		if t.leader > 1 {
			syscall.Kill(-t.leader, syscall.SIGKILL)
		}
	}
	return 0
}

func (t tree) usage() (Usage, error) {
	return Usage{}, errors.New("what a tree of processes uses is known on linux only")
}

func startOf(int) uint64 { return 0 }
