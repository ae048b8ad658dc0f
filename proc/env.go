package proc

import (
	"os"
	"runtime"
	"strings"
)

// envRole tells a process that it is a worker.
const (
	envRole    = "HEM_PROC"
	roleWorker = "worker"
)

// environ returns the environment of h's workers. Of two variables of one name
// most programs heed the first, so only the last is left.
func (h *house) environ() []string {
	all := append(os.Environ(), h.Env...)
	all = append(all, envRole+"="+roleWorker)
	last := make(map[string]int, len(all))
	for i, v := range all {
		name, _, _ := strings.Cut(v, "=")
		last[name] = i
	}
	env := all[:0]
	for i, v := range all {
		if name, _, _ := strings.Cut(v, "="); last[name] == i {
			env = append(env, v)
		}
	}
	return env
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
