//go:build !unix

package child

import (
	"errors"
	"os"
	"runtime"
)

const (
	treeToldBy   = "none"
	memoryHeldBy = "none"
	pidsHeldBy   = "none"
	canWatch     = false
	canNice      = false
)

var errUnsupported = errors.New("worker processes are not supported on " + runtime.GOOS + ": descriptors cannot be passed")

// An order is what to start.
type order struct {
	path      string
	args, env []string
	dir       string
	files     []*os.File
	leaf      *leaf
}

// A spawner exists on other systems only.
type spawner struct{}

func openSpawner(int) (*spawner, error) { return nil, errUnsupported }

func (s *spawner) close() {}

func (s *spawner) spawn(*order) (*process, error) { return nil, errUnsupported }

// A process exists on other systems only.
type process struct{ pid int }

func (p *process) wait() error           { return errUnsupported }
func (p *process) reap() (ending, error) { return ending{}, errUnsupported }
func (p *process) release()              {}
func inheritedPeak() int64               { return 0 }
