//go:build linux

package child_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc/internal/child"
)

const mib = 1 << 20

// take maps MiB of memory and, if touched, uses it.
func take(size int, touched bool) (blocks [][]byte) {
	const step = 10
	for ; size > 0; size -= step {
		block, err := syscall.Mmap(-1, 0, step*mib, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			fmt.Println("refused:", err)
			os.Exit(3)
		}
		for i := 0; touched && i < len(block); i += os.Getpagesize() {
			block[i] = 1
		}
		blocks = append(blocks, block)
	}
	return blocks
}

func init() {
	// hog takes args[1] MiB, touched or reserved, and then does what args[2] says.
	child.Roles["hog"] = func(args []string) {
		size, _ := strconv.Atoi(args[1])
		take(size, args[0] == "touched")
		fmt.Println("full")
		switch args[2] {
		case "crash":
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "fail":
			os.Exit(2)
		case "exit":
			return
		}
		time.Sleep(time.Hour)
	}
	// hogs is two of them.
	child.Roles["hogs"] = func(args []string) {
		self, _ := os.Executable()
		for range 2 {
			cmd := exec.Command(self, args...)
			cmd.Env = append(cmd.Environ(), child.RoleKey+"=hog")
			if err := cmd.Start(); err != nil {
				panic(err)
			}
		}
		time.Sleep(time.Hour)
	}
	// forks takes args[0] MiB and has three copies of itself share them.
	child.Roles["forks"] = func(args []string) {
		size, _ := strconv.Atoi(args[0])
		take(size, true)
		for range 3 {
			pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
			for pid == 0 { // a copy, which has one thread and must not know that it is Go
				syscall.RawSyscall6(syscall.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
			}
			if errno != 0 {
				panic(errno)
			}
		}
		fmt.Println("forked")
		time.Sleep(300 * time.Millisecond)
	}
	// small-host has a child exceed its limit and die faster than one can look.
	child.Roles["small-host"] = func([]string) {
		n, err := child.Open(child.Config{Cgroup: "/none", Limits: child.Limits{Memory: 50 * mib}})
		if err != nil {
			panic(err)
		}
		c, err := n.Start(role("hog", "touched", "70", "crash"))
		if err != nil {
			panic(err)
		}
		<-c.Ended()
		fmt.Println(c.Exit().OverMemory)
		n.Close()
	}
	// opener waits for its limit of args[0] and opens files until it is there.
	child.Roles["opener"] = func(args []string) {
		want, _ := strconv.ParseUint(args[0], 10, 64)
		var l syscall.Rlimit
		for l.Cur != want {
			syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
			time.Sleep(time.Millisecond)
		}
		for {
			fd, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0)
			if err != nil {
				fmt.Println(err)
				return
			}
			if uint64(fd) >= want {
				fmt.Println("no limit")
				return
			}
		}
	}
}

func TestMemoryOverTheLimitEndsTheTreeAndIsTold(t *testing.T) { everywhere(t, memoryOverTheLimit) }

func memoryOverTheLimit(t *testing.T, cgroup string) {
	n := open(t, child.Config{Cgroup: cgroup, Limits: child.Limits{Memory: 200 * mib}})
	for _, s := range []child.Spec{role("hog", "touched", "500", "stay"), role("hogs", "touched", "150", "stay")} {
		e := end(t, start(t, n, s))
		if !e.OverMemory || e.OverPids || e.Killed || e.Signal != syscall.SIGKILL || e.Peak < 200*mib {
			t.Errorf("%q: got %s", s.Args, brief(e))
		}
	}
}

func TestAnEndUnderTheMemoryLimitIsNotBlamedOnIt(t *testing.T) {
	n := open(t, child.Config{Limits: child.Limits{Memory: 200 * mib}})
	for _, block := range take(300, true) { // a child's peak, as the kernel counts it, begins with ours
		syscall.Munmap(block)
	}
	tests := []struct {
		args   []string
		code   int
		signal syscall.Signal
	}{
		{[]string{"touched", "100", "exit"}, 0, 0},
		{[]string{"touched", "100", "fail"}, 2, 0},
		{[]string{"touched", "100", "crash"}, -1, syscall.SIGKILL},
		{[]string{"reserved", "300", "fail"}, 2, 0},
	}
	for _, test := range tests {
		e := end(t, start(t, n, role("hog", test.args...)))
		if e.OverMemory || e.Code != test.code || e.Signal != test.signal {
			t.Errorf("%q: got %s", test.args, brief(e))
		}
	}
}

// What the kernel says afterwards counts as well: 70 MiB are touched in less
// time than passes between two looks, mostly.
func TestMemoryOverTheLimitIsToldWhenNobodyLooked(t *testing.T) {
	n := open(t, child.Config{})
	r := newRecord()
	s := role("small-host")
	s.Output = r.output
	end(t, start(t, n, s))
	if got := r.await(t, 1)[0]; got != "true" {
		t.Errorf("over the limit: %q", r.all())
	}
}

func TestTheWatcherComesBackWhenThereIsSomebodyToWatch(t *testing.T) {
	n := open(t, child.Config{Cgroup: t.TempDir() + "/none", Limits: child.Limits{Pids: 20}})
	end(t, start(t, n, shell("exit 0")))
	time.Sleep(200 * time.Millisecond) // so that the watcher sees nobody, and goes
	if e := end(t, start(t, n, shell(`for i in $(seq 30); do sleep 1000 & done; wait`))); !e.OverPids {
		t.Errorf("got %s", brief(e))
	}
}

func TestMemoryThatProcessesShareCountsOnce(t *testing.T) {
	n := open(t, child.Config{Limits: child.Limits{Memory: 200 * mib}})
	for size, over := range map[string]bool{"100": false, "250": true} {
		if e := end(t, start(t, n, role("forks", size))); e.OverMemory != over {
			t.Errorf("four processes that share %s MiB: got %s", size, brief(e))
		}
	}
}

func TestACrashIsNotOverMemoryWithoutALimit(t *testing.T) {
	n := open(t, child.Config{})
	if e := end(t, start(t, n, role("hog", "touched", "100", "crash"))); e.OverMemory {
		t.Errorf("got %s", brief(e))
	}
}

func TestTheKernelStandsBehindTheWatcher(t *testing.T) {
	n := open(t, child.Config{Limits: child.Limits{Memory: 100 * mib}})
	if child.Shadowed || n.Confinement().Memory == "cgroup" {
		t.Skip("no backstop: this is built with a sanitizer, or a cgroup holds the memory")
	}
	if n.Confinement().Memory != "watched, then rlimit" {
		t.Errorf("got %+v", n.Confinement())
	}
	for size, want := range map[string]int{"800": 3, "100": 0} {
		s := shell(`sleep 0.3; exec "$0" reserved ` + size + ` exit`)
		s.Args = append(s.Args, role("hog").Path)
		s.Env = append(s.Env, child.RoleKey+"=hog")
		if e := end(t, start(t, n, s)); e.Code != want {
			t.Errorf("%s MiB: got %s", size, brief(e))
		}
	}
}

func TestGoChildrenLearnTheMemoryLimit(t *testing.T) {
	tests := []struct {
		limit int64
		env   []string
		want  string
	}{
		{100 * mib, nil, strconv.Itoa(100 * mib / 10 * 9)},
		{100 * mib, []string{"GOMEMLIMIT=5MiB"}, "5MiB"},
		{0, nil, ""},
	}
	for _, test := range tests {
		n := open(t, child.Config{Limits: child.Limits{Memory: test.limit}})
		r := newRecord()
		s := shell(`echo "$GOMEMLIMIT"`)
		s.Env = append([]string{"PATH=" + os.Getenv("PATH")}, test.env...)
		s.Output = r.output
		end(t, start(t, n, s))
		if got := r.await(t, 1)[0]; got != test.want {
			t.Errorf("limit %d, env %q: got %q", test.limit, test.env, got)
		}
	}
}

func TestMoreProcessesThanTheLimitEndTheTreeAndAreTold(t *testing.T) { everywhere(t, moreProcesses) }

func moreProcesses(t *testing.T, cgroup string) {
	n := open(t, child.Config{Cgroup: cgroup, Limits: child.Limits{Pids: 20}})
	e := end(t, start(t, n, shell(`for i in $(seq 40); do sleep 1000 & done; wait`)))
	if !e.OverPids || e.OverMemory || e.Killed {
		t.Errorf("got %s", brief(e))
	}
	e = end(t, start(t, n, shell(`for i in $(seq 10); do sleep 0.3 & done; wait; exit 6`)))
	if e.OverPids || e.Code != 6 {
		t.Errorf("fewer: got %s", brief(e))
	}
}

func TestOpenFilesAreLimited(t *testing.T) {
	n := open(t, child.Config{Limits: child.Limits{OpenFiles: 40}})
	r := newRecord()
	s := role("opener", "40")
	s.Output = r.output
	end(t, start(t, n, s))
	if got := r.await(t, 1)[0]; got != "too many open files" {
		t.Errorf("got %q", got)
	}
}

func TestLimitsThatCannotBeMeantAreRefusedByName(t *testing.T) {
	for field, l := range map[string]child.Limits{
		"Memory":    {Memory: -1},
		"CPUWeight": {CPUWeight: 10001},
		"Pids":      {Pids: -1},
		"OpenFiles": {OpenFiles: 3},
		"Nice":      {Nice: 20},
	} {
		_, err := child.Open(child.Config{Name: "n", Limits: l})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "Limits."+field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
	n := open(t, child.Config{Limits: child.Limits{Memory: math.MaxInt64}})
	if e := end(t, start(t, n, shell("exit 0"))); e.Code != 0 {
		t.Errorf("all the memory there is: got %s", brief(e))
	}
}

func TestConfinementSaysThatNothingIsLimited(t *testing.T) {
	n := open(t, child.Config{})
	if c := n.Confinement(); c.Memory != "none" || c.CPU != "none" || c.Pids != "none" || c.Tree == "" {
		t.Errorf("got %+v", c)
	}
}
