//go:build unix

package child

import (
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
)

// startGuard starts this program again, as a guard: in a session of its own, so
// that nothing meant for the host's reaches it. It returns the process, the
// host's end of the lifeline and that of what the guard says.
func startGuard() (*os.Process, *os.File, *os.File, error) {
	self := "/proc/self/exe" // is this program even if the file was replaced
	if runtime.GOOS != "linux" {
		var err error
		if self, err = os.Executable(); err != nil {
			return nil, nil, nil, err
		}
	}
	p, err := openGuardPipes()
	if err != nil {
		return nil, nil, nil, err
	}
	defer closeFiles(p.guards)
	process, err := os.StartProcess(self, []string{guardName}, &os.ProcAttr{
		Env:   guardEnv(os.Environ()),
		Files: p.guards,
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		closeFiles([]*os.File{p.lifeline, p.status})
		return nil, nil, nil, err
	}
	return process, p.lifeline, p.status, nil
}

// guardPipes are what connects a host and its guard. All of them are
// close-on-exec in the host.
type guardPipes struct {
	lifeline, status *os.File   // the host's ends
	guards           []*os.File // the guard's descriptors, from 0
}

// openGuardPipes makes them. The guard's standard error is its status, too: what
// a runtime prints when it dies is what the host wants to know.
func openGuardPipes() (p guardPipes, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return p, err
	}
	lifeline, hostsLifeline, err := os.Pipe()
	if err != nil {
		null.Close()
		return p, err
	}
	hostsStatus, status, err := os.Pipe()
	if err != nil {
		closeFiles([]*os.File{null, lifeline, hostsLifeline})
		return p, err
	}
	return guardPipes{
		lifeline: hostsLifeline,
		status:   hostsStatus,
		guards:   []*os.File{0: null, 1: null, 2: status, lifelineFD: lifeline, statusFD: status},
	}, nil
}

// closeFiles closes each; one that is there twice was closed already, which is
// no harm.
func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// guardEnv is the host's environment with what makes a guard, and makes it
// small. The host's own mark stays: who kills the tree that the host is in,
// kills the guard as well.
func guardEnv(env []string) []string {
	env = setEnv(env, guardKey, "1")
	env = setEnv(env, "GOMAXPROCS", "1")
	env = setEnv(env, "GORACE", "atexit_sleep_ms=0") // else it takes a second to end, if built so
	return setEnv(env, "GOGC", "25")
}

// withdraw takes the guard out of the way: of signals that are sent to all
// processes of a name or of a program, of directories that somebody may want to
// unmount, of descriptors whose end somebody may wait for, and of memory.
func withdraw() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2)
	os.Chdir(string(filepath.Separator))
	if runtime.GOOS == "linux" {
		// What ps shows, instead of "exe".
		os.WriteFile("/proc/self/comm", []byte(guardName), 0)
	}
	letGo(os.DevNull)
	debug.FreeOSMemory()
}

// isPipe reports whether a descriptor is one end of a pipe.
func isPipe(fd int) bool {
	var s syscall.Stat_t
	return syscall.Fstat(fd, &s) == nil && s.Mode&syscall.S_IFMT == syscall.S_IFIFO
}
