//go:build linux

package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

// workplace makes a cgroup to work in below the process's own, where that can be
// done, as root in most places.
func workplace(t *testing.T) string {
	t.Helper()
	cgroups, _ := os.ReadFile("/proc/self/cgroup")
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	own, _, err := child.OwnGroup(string(cgroups), string(mounts))
	if err != nil {
		t.Skip("cgroup version 2 is not mounted where this process can see its own: ", err)
	}
	dir, err := os.MkdirTemp(own, "hemtest")
	if err != nil {
		t.Skip("no cgroup can be made here: ", err)
	}
	os.Chmod(dir, 0o755)
	t.Cleanup(func() {
		eventually(t, dir+" is removed", func() bool { return removeCgroups(dir) == nil })
	})
	return dir
}

// removeCgroups removes a cgroup and those below it.
func removeCgroups(dir string) error {
	below, _ := os.ReadDir(dir)
	for _, d := range below {
		if d.IsDir() {
			removeCgroups(filepath.Join(dir, d.Name()))
		}
	}
	return syscall.Rmdir(dir)
}

// cgroupsIn are the names of the cgroups below one.
func cgroupsIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range entries {
		if d.IsDir() {
			names = append(names, d.Name())
		}
	}
	return names
}

func TestTreeInACgroupIsKilledWhateverItsProcessesHaveDone(t *testing.T) {
	place, file := workplace(t), filepath.Join(t.TempDir(), "pids")
	n := open(t, child.Config{Cgroup: place, Name: "a name/../with slashes\n"})
	c := start(t, n, role("ancestor", append([]string{file}, kin...)...))
	pids := told(t, file, len(kin)+1)
	dir := child.LeafDir(c)
	if dir == "" {
		t.Fatalf("the child was not born in a cgroup: %+v", n.Confinement())
	}
	inside, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if got := len(strings.Fields(string(inside))); got != len(pids) {
		t.Errorf("%d processes are in the cgroup, want %d", got, len(pids))
	}
	c.Kill()
	end(t, c)
	if got := living(pids); len(got) > 0 {
		t.Errorf("%v have outlived their tree", got)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the cgroup of the child is still there: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if got := cgroupsIn(t, place); len(got) > 0 {
		t.Errorf("%q are left", got)
	}
}

func TestHostThatIsKilledLeavesNeitherProcessesNorCgroups(t *testing.T) {
	place, file := workplace(t), filepath.Join(t.TempDir(), "pids")
	host := startHost(t, "host", file, append([]string{place, "stay"}, kin...)...)
	pids := told(t, file, len(kin)+2)
	if got := cgroupsIn(t, place); len(got) != 1 {
		t.Fatalf("the cgroups are %q", got)
	}
	host.Process.Kill()
	host.Wait()
	extinct(t, pids)
	eventually(t, "the cgroups are removed", func() bool { return len(cgroupsIn(t, place)) == 0 })
}

func TestCgroupOfADeadHostIsRemovedUnlessSomebodyIsInIt(t *testing.T) {
	place := workplace(t)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	name := func(pid int, rest string) string { return filepath.Join(place, fmt.Sprintf("hem-%d-%s", pid, rest)) }
	dirs := map[string]bool{ // and whether they are to stay
		name(dead.Process.Pid, "1-empty"):  false,
		name(dead.Process.Pid, "2-busy"):   true,
		name(os.Getpid(), "9999-ours"):     true,
		filepath.Join(place, "hem-x-1-a"):  true,
		filepath.Join(place, "hem--1-1-a"): true,
		filepath.Join(place, "other"):      true,
	}
	for dir := range dirs {
		if err := os.MkdirAll(filepath.Join(dir, "1"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	busy := sleeper(t, nil)
	procs := filepath.Join(name(dead.Process.Pid, "2-busy"), "1", "cgroup.procs")
	if err := os.WriteFile(procs, []byte(fmt.Sprint(busy)), 0); err != nil {
		t.Fatal(err)
	}
	g, why := child.OpenGroup(place, "x", child.Limits{})
	if g.None() {
		t.Fatal(why)
	}
	g.Close()
	for dir, stays := range dirs {
		if _, err := os.Stat(dir); os.IsNotExist(err) == stays {
			t.Errorf("%s is there: %v, want %v", dir, !stays, stays)
		}
	}
	if !lives(busy) {
		t.Error("the process in it was killed")
	}
	syscall.Kill(busy, syscall.SIGKILL)
}

func TestCgroupThatCannotBeHadIsExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o644)
	for _, dir := range []string{noCgroup, t.TempDir(), file, "/proc/self"} {
		g, why := child.OpenGroup(dir, "x", child.Limits{})
		if !g.None() || !strings.Contains(why, dir) || !strings.Contains(why, "Delegate=yes") {
			t.Errorf("%s: %v, %q", dir, g, why)
		}
	}
}

// Here the machine's hugetlb stands for all controllers: it is what the tests'
// machines have beside version 1. vm.sh proves it with those that matter.
func TestControllerIsEnabledWhereNobodyIs(t *testing.T) {
	place := workplace(t)
	if text, _ := os.ReadFile(filepath.Join(filepath.Dir(place), "cgroup.controllers")); !slices.Contains(strings.Fields(string(text)), "hugetlb") {
		t.Skip("no hugetlb controller here")
	}
	if whys := child.Enable(filepath.Dir(place), []string{"hugetlb"}); len(whys) > 0 {
		t.Skip("the hugetlb controller cannot be enabled here: ", whys)
	}
	if whys := child.Enable(place, []string{"hugetlb", "nosuch"}); len(whys) != 1 || !strings.Contains(whys[0], "no nosuch controller in "+place) {
		t.Errorf("whys: %q", whys)
	}
	within := filepath.Join(place, "within")
	if err := os.Mkdir(within, 0o755); err != nil {
		t.Fatal(err)
	}
	busy := sleeper(t, nil)
	if err := os.WriteFile(filepath.Join(within, "cgroup.procs"), []byte(fmt.Sprint(busy)), 0); err != nil {
		t.Fatal(err)
	}
	whys := child.Enable(within, []string{"hugetlb"})
	if len(whys) != 1 || !strings.Contains(whys[0], "hugetlb controller cannot be enabled in "+within+": device or resource busy") {
		t.Errorf("whys: %q", whys)
	}
	syscall.Kill(busy, syscall.SIGKILL)
}

func TestKernelWithoutCgroupKillIsHelped(t *testing.T) {
	place := workplace(t)
	within := filepath.Join(place, "a", "b")
	if err := os.MkdirAll(within, 0o755); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, dir := range []string{place, within} {
		pid := sleeper(t, nil)
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(fmt.Sprint(pid)), 0); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	child.KillEach(place)
	for _, pid := range pids {
		eventually(t, "it is dead", func() bool { return !lives(pid) })
	}
}

func TestLimitsAreWrittenWhereControllersAre(t *testing.T) {
	all := child.Limits{Memory: 1 << 30, CPUWeight: 50, Pids: 7}
	files := []string{"memory.max", "memory.swap.max", "memory.oom.group", "cpu.weight", "pids.max"}
	tests := []struct {
		name   string
		limits child.Limits
		held   []string
		want   string // the files' contents
	}{
		{"all", all, []string{"memory", "cpu", "pids"}, "1073741824 0 1 50 7"},
		{"no controllers", all, nil, "- - - - -"},
		{"one missing", all, []string{"memory", "pids"}, "1073741824 0 1 - 7"},
		{"no limits", child.Limits{}, []string{"memory", "cpu", "pids"}, "- - - - -"},
		{"one limit", child.Limits{Pids: 3}, []string{"memory", "cpu", "pids"}, "- - - - 3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range files {
				os.WriteFile(filepath.Join(dir, file), []byte("-"), 0o644)
			}
			if err := child.NewGroup(dir, test.limits, test.held...).Limit(dir); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, file := range files {
				text, _ := os.ReadFile(filepath.Join(dir, file))
				got = append(got, string(text))
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("%v: %s, want %s", files, s, test.want)
			}
		})
	}
	t.Run("a file is missing", func(t *testing.T) {
		dir := t.TempDir()
		err := child.NewGroup(dir, all, "memory", "pids").Limit(dir)
		if err == nil || !strings.Contains(err.Error(), "memory.max") || !strings.Contains(err.Error(), "pids.max") {
			t.Errorf("error %v", err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("files were made: %v", entries)
		}
	})
}

func TestLimitsThatWereHitAreRead(t *testing.T) {
	dir := t.TempDir()
	reached := func(wantMemory, wantPids bool) {
		t.Helper()
		if memory, pids := child.Reached(dir); memory != wantMemory || pids != wantPids {
			t.Errorf("memory %v, pids %v; want %v, %v", memory, pids, wantMemory, wantPids)
		}
	}
	write := func(file, text string) { os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644) }
	reached(false, false)
	write("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\noom_group_kill 0\n")
	write("pids.events", "max 0\n")
	reached(false, false)
	write("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n")
	reached(true, false)
	write("pids.events", "max 40\n")
	reached(true, true)
	write("memory.events", "oom_kill\n")
	write("pids.events", "max x\n")
	reached(false, false)
}

func TestUsageOfACgroupIsWhatItsFilesTell(t *testing.T) {
	dir := t.TempDir()
	if u, all := child.LeafUsage(dir); u != (child.Usage{}) || all {
		t.Errorf("no files: %+v, %v", u, all)
	}
	for file, text := range map[string]string{
		"memory.current": "4096\n", "pids.current": "3\n", "cpu.stat": "usage_usec 1500000\nuser_usec 1\n",
	} {
		os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644)
	}
	want := child.Usage{Memory: 4096, CPU: 1500 * time.Millisecond, Pids: 3}
	if u, all := child.LeafUsage(dir); u != want || !all {
		t.Errorf("%+v, %v; want %+v", u, all, want)
	}
}
