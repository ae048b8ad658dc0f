package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A leaf is the cgroup that one child is born in. A nil one is none.
type leaf struct {
	dir  string
	self *os.File // dir, opened
	held []string
}

// born makes a leaf with the group's limits, as far as there are controllers.
func (g *group) born() (*leaf, error) {
	l := &leaf{dir: filepath.Join(g.dir, strconv.FormatUint(g.leaves.Add(1), 10)), held: g.held}
	if err := os.Mkdir(l.dir, 0o755); err != nil {
		return nil, fmt.Errorf("no cgroup can be made for a child: %w", err)
	}
	err := g.limit(l)
	if err == nil {
		l.self, err = os.Open(l.dir)
	}
	if err != nil {
		os.Remove(l.dir)
		return nil, err
	}
	return l, nil
}

// limit writes the limits to where the kernel reads them.
func (g *group) limit(l *leaf) error {
	var errs []error
	set := func(controller, file string, value int64) {
		if value > 0 && g.holds(controller) {
			errs = append(errs, writeTo(l.dir, file, strconv.FormatInt(value, 10)))
		}
	}
	set("memory", "memory.max", g.limits.Memory)
	set("cpu", "cpu.weight", int64(g.limits.CPUWeight))
	set("pids", "pids.max", int64(g.limits.Pids))
	if g.limits.Memory > 0 && g.holds("memory") {
		// Swap would let a child be slow for ever in place of dying, and half a
		// tree killed is no use to anybody. Kernels may be built without either.
		writeTo(l.dir, "memory.swap.max", "0")
		writeTo(l.dir, "memory.oom.group", "1")
	}
	return errors.Join(errs...)
}

// fd is the descriptor for SysProcAttr.UseCgroupFD. It is the leaf's.
func (l *leaf) fd() int { return int(l.self.Fd()) }

// reached says which limits were hit. memory means that the kernel has killed
// for it; pids, that it has refused to start a process or thread, which need
// not have killed anybody.
func (l *leaf) reached() (memory, pids bool) {
	if l == nil {
		return false, false
	}
	return valueOf(l.dir, "memory.events", "oom_kill") > 0, valueOf(l.dir, "pids.events", "max") > 0
}

// remove removes the leaf, and what its processes have made below it.
func (l *leaf) remove() {
	if l == nil {
		return
	}
	l.self.Close()
	removeDirs(l.dir)
}

// kill kills all that is in the leaf, and says how many are left when it gives
// up waiting. ok is false if there is no leaf to do it by.
func (l *leaf) kill() (left int, ok bool) {
	if l == nil {
		return 0, false
	}
	if _, err := os.Stat(filepath.Join(l.dir, "cgroup.procs")); err != nil {
		return 0, false
	}
	return killGroup(l.dir), true
}

// killGroup kills all that is in a cgroup and those below it, and waits until
// the kernel says that nobody is. It returns how many are left when it gives up.
//
// Before Linux 5.14 there is no cgroup.kill, and up to 6.18 at least it spares
// a process whose first thread has ended, while others run: it sends the signal
// to that thread alone. So who is left is killed one by one, after all.
func killGroup(dir string) (left int) {
	deadline := time.Now().Add(killFor)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if writeTo(dir, "cgroup.kill", "1") != nil || pause > time.Millisecond {
			killEach(dir)
		}
		if valueOf(dir, "cgroup.events", "populated") == 0 {
			return 0
		}
		if time.Now().After(deadline) {
			return max(1, len(processesIn(dir)))
		}
		time.Sleep(pause)
	}
}

// killEach kills one by one. Whoever is born meanwhile is found by the next
// look, which is when the caller asks again.
func killEach(dir string) {
	h := &hunt{buf: make([]byte, 1<<10)}
	for _, pid := range processesIn(dir) {
		if p, ok := lookAt(pid, h.buf); ok && pid > 1 && pid != os.Getpid() {
			h.send(&p, syscall.SIGKILL)
		}
	}
}

// processesIn lists who is in a cgroup and those below it.
func processesIn(dir string) (pids []int) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		for _, word := range wordsOf(path, "cgroup.procs") {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	return pids
}

// The figures that a cgroup may know.
const (
	memoryFigure = 1 << iota
	cpuFigure
	pidsFigure
	allFigures = memoryFigure | cpuFigure | pidsFigure
)

// usage is what the leaf's files tell, and which of the figures those are.
func (l *leaf) usage() (u Usage, known int) {
	if l == nil {
		return Usage{}, 0
	}
	if n, ok := figure(l.dir, "memory.current"); ok {
		u.Memory, known = n, known|memoryFigure
	}
	if n, ok := lookup(l.dir, "cpu.stat", "usage_usec"); ok {
		u.CPU, known = time.Duration(n)*time.Microsecond, known|cpuFigure
	}
	if n, ok := figure(l.dir, "pids.current"); ok {
		u.Pids, known = int(n), known|pidsFigure
	}
	return u, known
}
