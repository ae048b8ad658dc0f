//go:build linux

package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hemgo/hem/proc/internal/child"
)

// The tests in this file need controllers of cgroup v2 and leave to change them.
// testdata/vm.sh runs them in a virtual machine, where init has put this process
// into unit/main.
const (
	vmKey = "HEM_CHILD_VM"
	unit  = "/sys/fs/cgroup/unit"
)

func init() {
	// gorge takes memory until it is killed.
	child.Roles["gorge"] = func([]string) {
		for kept := [][]byte(nil); ; {
			b := make([]byte, 4<<20)
			for i := range len(b) / 4096 {
				b[i*4096] = 1
			}
			kept = append(kept, b)
			if len(kept) > 200 {
				os.Exit(4)
			}
		}
	}
	// breed starts processes until it may not.
	child.Roles["breed"] = func([]string) {
		for range 200 {
			if err := exec.Command("sleep", "1000").Start(); err != nil {
				os.Exit(3)
			}
		}
	}
}

// virtual skips the test elsewhere, and has the unit delegated, or not.
func virtual(t *testing.T, delegate string) {
	t.Helper()
	if os.Getenv(vmKey) == "" {
		t.Skip("no delegated cgroup with memory, pids and cpu controllers: testdata/vm.sh boots a machine that has one")
	}
	if err := syscall.Setxattr(unit, "trusted.delegate", []byte(delegate), 0); err != nil {
		t.Fatal(err)
	}
}

func TestVMUnitWithADelegateSubgroupHasEverything(t *testing.T) {
	virtual(t, "1")
	limits := child.Limits{Memory: 256 << 20, CPUWeight: 42, Pids: 100}
	file := filepath.Join(t.TempDir(), "pids")
	n := open(t, child.Config{Limits: limits})
	held := n.Confinement()
	if held.Memory != "cgroup" || held.CPU != "cgroup" || held.Pids != "cgroup" || held.Tree != "cgroup" || held.Why != "" {
		t.Fatalf("it is held by %+v", held)
	}
	if !strings.HasPrefix(held.Cgroup, unit+"/hem-") {
		t.Errorf("the cgroup is %s", held.Cgroup)
	}
	c := start(t, n, role("ancestor", append([]string{file}, kin...)...))
	pids := told(t, file, len(kin)+1)
	dir := child.LeafDir(c)
	for name, want := range map[string]string{
		"memory.max": "268435456", "memory.oom.group": "1", "cpu.weight": "42", "pids.max": "100",
	} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); strings.TrimSpace(string(text)) != want {
			t.Errorf("%s is %q, want %s: %v", name, text, want, err)
		}
	}
	if u, err := c.Usage(); err != nil || u.Memory < 1<<20 || u.Pids < len(pids) || u.CPU == 0 {
		t.Errorf("it uses %+v, %v", u, err)
	}
	c.Kill()
	if e := end(t, c); e.OverMemory || e.OverPids || !e.Killed {
		t.Errorf("it ended with %s", brief(e))
	}
	if got := living(pids); len(got) > 0 {
		t.Errorf("%v have outlived their tree", got)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if got := cgroupsIn(t, unit); fmt.Sprint(got) != "[main]" {
		t.Errorf("%v are left", got)
	}
}

func TestVMUnitThatIsNotDelegatedIsLeftAlone(t *testing.T) {
	virtual(t, "0")
	n := open(t, child.Config{Limits: child.Limits{Memory: 256 << 20}})
	held := n.Confinement()
	if !strings.HasPrefix(held.Cgroup, unit+"/main/hem-") || held.Tree != "cgroup" || held.Memory == "cgroup" {
		t.Errorf("it is held by %+v", held)
	}
	if !strings.Contains(held.Why, "memory controller cannot be enabled in "+unit+"/main: device or resource busy") &&
		!strings.Contains(held.Why, "no memory controller in "+unit+"/main") {
		t.Errorf("why: %s", held.Why)
	}
	t.Log(held.Why)
}

func TestVMMemoryThatRunsOutIsTold(t *testing.T) {
	virtual(t, "1")
	n := open(t, child.Config{Limits: child.Limits{Memory: 64 << 20}})
	e := end(t, start(t, n, role("gorge")))
	if !e.OverMemory || e.Signal != syscall.SIGKILL || e.Killed {
		t.Errorf("it ended with %s", brief(e))
	}
	// A crash under the same limit is none of that.
	e = end(t, start(t, n, shell("kill -9 $$")))
	if e.OverMemory || e.Signal != syscall.SIGKILL {
		t.Errorf("the crash ended with %s", brief(e))
	}
}

func TestVMProcessesThatRunOutAreTold(t *testing.T) {
	virtual(t, "1")
	n := open(t, child.Config{Limits: child.Limits{Pids: 30}})
	e := end(t, start(t, n, role("breed")))
	if !e.OverPids || e.Code != 3 {
		t.Errorf("it ended with %s", brief(e))
	}
}
