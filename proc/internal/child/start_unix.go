//go:build unix && !linux

package child

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

const (
	treeToldBy   = "process group"
	memoryHeldBy = "none"
	pidsHeldBy   = "none"
	canWatch     = false
	canNice      = false
)

// An order is what to start.
type order struct {
	path      string
	args, env []string
	dir       string
	files     []*os.File
	leaf      *leaf
}

// A spawner starts processes. Here it has no thread of its own: only on Linux
// is a nice value a thread's.
type spawner struct{}

func openSpawner(int) (*spawner, error) { return &spawner{}, nil }

func (s *spawner) close() {}

func (s *spawner) spawn(o *order) (*process, error) {
	p, err := os.StartProcess(o.path, o.args, &os.ProcAttr{
		Dir: o.dir, Env: o.env, Files: o.files, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, errnoOf(err)
	}
	return &process{pid: p.Pid, os: p}, nil
}

// errnoOf takes off the path that os.StartProcess has put on.
func errnoOf(err error) error {
	if e, ok := err.(*os.PathError); ok {
		return e.Err
	}
	return err
}

// A process is the leader of a tree. Package syscall has no way here to wait
// for an end without reaping, so wait reaps, and the process group is killed a
// moment after: its number is not used again while it has members.
type process struct {
	pid   int
	os    *os.Process
	state *os.ProcessState
}

func (p *process) wait() (err error) {
	p.state, err = p.os.Wait()
	return err
}

func (p *process) reap() (ending, error) {
	e := ending{code: p.state.ExitCode(), cpu: time.Duration(p.state.UserTime() + p.state.SystemTime())}
	if status, ok := p.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal()
	}
	if used, ok := p.state.SysUsage().(*syscall.Rusage); ok {
		e.peak = int64(used.Maxrss)
		if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
			e.peak <<= 10 // elsewhere it is in KiB
		}
	}
	return e, nil
}

func (p *process) release() {}

func inheritedPeak() int64 { return 0 }
