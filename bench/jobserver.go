//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// A jobServer is a rival's server, started for one run: its data in a directory
// of its own, reached by a Unix socket and by nothing else, and ended by its pid.
type jobServer struct {
	name   string // and version
	socket string
	quit   os.Signal // ends it at once; what it had is thrown away
	cmd    *exec.Cmd
	gone   chan struct{} // closed when it has ended
}

// readiness is how long a server may take until it answers, and to end.
const readiness = 30 * time.Second

// start starts the server and waits until answers returns nil.
func (s *jobServer) start(ctx context.Context, answers func(context.Context) error) error {
	logged := filepath.Join(s.cmd.Dir, "log")
	log, err := os.OpenFile(logged, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	// A group of its own: an interrupt typed at a terminal is ours to pass on.
	own(s.cmd).Setpgid = true
	if err := s.launch(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, readiness)
	defer cancel()
	for {
		err := answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.gone:
			said, _ := os.ReadFile(logged)
			return fmt.Errorf("%s ended: %v: %s", s.name, s.cmd.ProcessState, lastLine(said))
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s does not answer: %w", s.name, err), s.stop())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// launch starts the process from a thread that lives as long as it does: where
// the kernel ends children whose parent has died, that is the thread.
func (s *jobServer) launch() error {
	dieWithUs(s.cmd, s.quit)
	s.gone = make(chan struct{})
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait()
			close(s.gone)
		}
	}()
	return <-started
}

// stop ends the server and waits until it has.
func (s *jobServer) stop() error {
	if err := s.cmd.Process.Signal(s.quit); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	select {
	case <-s.gone:
		return nil
	case <-time.After(readiness):
	}
	_ = s.cmd.Process.Kill()
	<-s.gone
	return fmt.Errorf("stop %s: process %d did not end and was killed", s.name, s.cmd.Process.Pid)
}

func own(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	return cmd.SysProcAttr
}

// longestSocket is how long the path of a Unix socket may be, everywhere.
const longestSocket = 100

// checkSocket refuses a path that the kernel would.
func checkSocket(path string) error {
	if len(path) > longestSocket {
		return fmt.Errorf("%s is too long for a socket: set TMPDIR to a shorter path", path)
	}
	return nil
}

// An underling is whom a server runs as that refuses to be root. Its zero value
// is whoever we are.
type underling struct {
	name     string
	uid, gid int
}

// findUnderling returns the first of the users that exist, or ourselves where we
// are not root.
func findUnderling(names ...string) (underling, error) {
	if os.Geteuid() != 0 {
		return underling{}, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.Atoi(u.Uid)
		gid, errG := strconv.Atoi(u.Gid)
		if errU == nil && errG == nil && uid != 0 {
			return underling{name, uid, gid}, nil
		}
	}
	return underling{}, fmt.Errorf("root may not be what it runs as, and there is no user %v", names)
}

// command returns a command that u runs in dir, and that is killed when ctx ends.
func (u underling) command(ctx context.Context, dir, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	if u.name != "" {
		own(cmd).Credential = &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}
		cmd.Env = append(os.Environ(), "HOME="+dir, "USER="+u.name)
	}
	return cmd
}

// room makes a directory that is u's.
func (u underling) room(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil || u.name == "" {
		return err
	}
	return os.Chown(dir, u.uid, u.gid)
}
