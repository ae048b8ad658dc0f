package child

import (
	"os"
	"runtime"
	"syscall"
)

const (
	treeToldBy   = "session and mark"
	memoryHeldBy = "watched, then rlimit"
	pidsHeldBy   = "watched"
	canWatch     = true
	canNice      = true
)

// An order is what to start.
type order struct {
	path      string
	args, env []string
	dir       string
	files     []*os.File
	leaf      *leaf // nil: the host's own cgroup
}

// A spawner starts processes from one thread, which is locked to its goroutine
// and ends with it. Two things are a thread's own: the nice value with which
// children are born, and the death that Pdeathsig tells them of. From an
// ordinary goroutine's thread, children would be killed whenever the runtime
// lets that thread go.
type spawner struct {
	orders chan func()
	gone   chan struct{}
}

func openSpawner(nice int) (*spawner, error) {
	s := &spawner{orders: make(chan func()), gone: make(chan struct{})}
	ready := make(chan error)
	go s.run(nice, ready, func() {})
	if err := <-ready; err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// run takes orders on a thread of its own. The main thread cannot be that one:
// it stays when its goroutine ends, and would stay nice. So a goroutine that
// finds itself there holds the thread until another is safe elsewhere.
func (s *spawner) run(nice int, ready chan<- error, safe func()) {
	runtime.LockOSThread()
	if syscall.Gettid() == syscall.Getpid() {
		elsewhere := make(chan struct{})
		go s.run(nice, ready, func() { close(elsewhere) })
		<-elsewhere
		runtime.UnlockOSThread()
		return
	}
	safe()
	defer close(s.gone)
	ready <- niceThread(nice)
	for f := range s.orders {
		f()
	}
}

// close ends the thread. The children it started must have ended: those that
// have not are killed by its death.
func (s *spawner) close() {
	close(s.orders)
	<-s.gone
}

// spawn starts a process: the leader of a session of its own, killed if the
// host dies, in the cgroup of its leaf from the first instruction on.
func (s *spawner) spawn(o *order) (p *process, err error) {
	done := make(chan struct{})
	s.orders <- func() {
		defer close(done)
		p, err = fork(o)
	}
	<-done
	return p, err
}

// fork is ForkExec, and not os.StartProcess or os/exec, because these have
// their own ideas of when to wait for what.
func fork(o *order) (*process, error) {
	pidfd := -1
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd}
	if o.leaf != nil {
		sys.UseCgroupFD, sys.CgroupFD = true, o.leaf.fd()
	}
	files := make([]uintptr, len(o.files))
	for i, f := range o.files {
		files[i] = f.Fd() // which makes it blocking: a child's own are
	}
	pid, err := syscall.ForkExec(o.path, o.args, &syscall.ProcAttr{Dir: o.dir, Env: o.env, Files: files, Sys: sys})
	runtime.KeepAlive(o)
	if err != nil {
		return nil, err
	}
	return newProcess(pid, pidfd), nil
}
