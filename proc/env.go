package proc

import (
	"os"
	"runtime"
)

// envRole tells a process that it is a worker.
const (
	envRole    = "HEM_PROC"
	roleWorker = "worker"
)

// environ returns the environment of h's workers.
func (h *house) environ() []string {
	env := append(os.Environ(), h.Env...)
	return append(env, envRole+"="+roleWorker)
}

// ownBinary returns the path of this program and the command to run it. On Linux
// it is that of the file that runs, also when a newer version has taken its
// place: a worker must be of the same version as its host.
func ownBinary() (path string, command []string) {
	name := os.Args[0]
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", []string{name}
	}
	path, err := os.Executable()
	if err != nil {
		path = name
	}
	return path, []string{name}
}
