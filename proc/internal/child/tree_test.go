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

func TestTreeWithoutACgroupIsKilledWhateverItsProcessesHaveDone(t *testing.T) {
	file, mark := filepath.Join(t.TempDir(), "pids"), child.NewMark()
	ancestor := leader(t, mark, "ancestor", append([]string{file}, kin...)...)
	pids := told(t, file, len(kin)+1)
	if got := living(pids); len(got) != len(pids) {
		t.Fatalf("only %v live: this test tests nothing", got)
	}
	if left := child.KillTree(mark, ancestor.Process.Pid); left != 0 {
		t.Errorf("%d are left", left)
	}
	if got := living(pids); len(got) > 0 {
		t.Errorf("%v have outlived their tree", got)
	}
	if s := stat(ancestor.Process.Pid); !strings.HasPrefix(s, "Z") {
		t.Errorf("the leader is %q, and should be a zombie that we reap", s)
	}
}

func TestTreeWhoseLeaderHasEndedIsFoundBySessionAndMark(t *testing.T) {
	file, mark := filepath.Join(t.TempDir(), "pids"), child.NewMark()
	ancestor := leader(t, mark, "ancestor", append([]string{file}, kin...)...)
	pids := told(t, file, len(kin)+1)
	ancestor.Process.Kill()
	eventually(t, "the leader has lost its children", func() bool {
		return !strings.HasSuffix(stat(pids["baredaughter"]), fmt.Sprint(" ", ancestor.Process.Pid))
	})
	child.KillTree(mark, ancestor.Process.Pid)

	// One who left the session, cleared its environment and lost its parent is
	// what no tree without a cgroup finds; the package says so.
	if got := living(pids); !slices.Equal(got, []string{"baredaughter"}) {
		t.Errorf("%v have outlived their tree, want [baredaughter]", got)
	}
}

func TestKillLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := child.NewMark(), child.NewMark()
	ancestor := leader(t, ours, "ancestor", append([]string{filepath.Join(dir, "ours")}, kin...)...)
	others := []string{
		theirs,     // a sibling's
		ours + "0", // has ours as its beginning, but not as a part of its path
		"outer/" + ours,
		"/" + ours,
	}
	told(t, filepath.Join(dir, "ours"), len(kin)+1)
	var pids []map[string]int
	for i, mark := range others {
		file := filepath.Join(dir, fmt.Sprint("theirs", i))
		leader(t, mark, "ancestor", file, "plain", "session", "bare")
		pids = append(pids, told(t, file, 4))
	}
	unmarked := sleeper(t, nil)
	child.KillTree(ours, ancestor.Process.Pid)
	for i, mark := range others {
		if got := living(pids[i]); len(got) != len(pids[i]) {
			t.Errorf("of the tree %q only %v live", mark, got)
		}
	}
	if !lives(unmarked) {
		t.Error("a process without a mark was killed")
	}
}

func TestTreeHoldsTheTreesInIt(t *testing.T) {
	file, mark := filepath.Join(t.TempDir(), "pids"), child.NewMark()
	// What a host in the tree would start: the outer leader is only a sleeper.
	outer := leader(t, mark, "rest")
	leader(t, mark+"/inner.1/innermost.1", "ancestor", file, "session", "daemon")
	pids := told(t, file, 3)
	child.KillTree(mark, outer.Process.Pid)
	if got := living(pids); len(got) > 0 {
		t.Errorf("%v have outlived the outer tree", got)
	}
}

// The kernel gives a number to another process only when nobody has the first
// one any more, neither as process nor as session; so must we.
func TestLeadersNumberThatIsAnothersNowIsNotKilled(t *testing.T) {
	other := leader(t, child.NewMark(), "rest")
	pid := other.Process.Pid
	child.KillTreeBorn(child.NewMark(), pid, child.StartOf(pid)-1)
	if !lives(pid) {
		t.Error("a process was killed that has only got the leader's number")
	}
	child.KillTreeBorn(child.NewMark(), pid, child.StartOf(pid))
	if lives(pid) {
		t.Error("the leader was not killed: this test tests nothing")
	}
}

func TestMarkIsFoundInAnyEnvironment(t *testing.T) {
	mark := child.NewMark()
	tests := []struct {
		name string
		env  []string
		want bool
	}{
		{"alone", []string{child.MarkKey + "=" + mark}, true},
		{"last of much", append(padding(1000, 1000), child.MarkKey+"="+mark), true},
		{"first of much", append([]string{child.MarkKey + "=" + mark}, padding(1000, 1000)...), true},
		{"after a long one", append(padding(1, 100_000), child.MarkKey+"="+mark), true},
		{"in another's value", []string{"A=" + child.MarkKey + "=" + mark}, false},
		{"in a long value", []string{strings.Repeat("x", 32<<10) + child.MarkKey + "=" + mark}, false},
		{"of a longer name", []string{"X" + child.MarkKey + "=" + mark}, false},
		{"none", nil, false},
	}
	for n := range 60 { // wherever the reader's buffer ends
		env := append(padding(1, 32<<10-70+n), child.MarkKey+"="+mark)
		tests = append(tests, struct {
			name string
			env  []string
			want bool
		}{fmt.Sprint("at a seam ", n), env, true})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command("/bin/sleep", "1000")
			if cmd.Env = test.env; len(cmd.Env) == 0 {
				cmd.Env = []string{}
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			if got := child.FindTree(mark, 0)[cmd.Process.Pid]; got != test.want {
				t.Errorf("found: %v, want %v", got, test.want)
			}
		})
	}
}

// padding is n variables of some length.
func padding(n, length int) (env []string) {
	for i := range n {
		name := fmt.Sprintf("P%d=", i)
		env = append(env, name+strings.Repeat("x", max(0, length-len(name))))
	}
	return env
}

func TestProcessMayBeCalledLikeAStat(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(t.TempDir(), ") Z 1 (\n)")
	if err := os.Symlink(sleep, odd); err != nil {
		t.Fatal(err)
	}
	mark := child.NewMark()
	cmd := exec.Command(odd, "1000")
	cmd.Env = child.MarkEnv(nil, mark)
	if err := cmd.Start(); err != nil {
		t.Skip("sleep cannot be started by another name here: ", err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if child.KillTree(mark, 0); lives(cmd.Process.Pid) {
		t.Error("it lives")
	}
}

func TestTreeThatForksAsFastAsItCanIsKilled(t *testing.T) {
	mark := child.NewMark()
	cmd := exec.Command("/bin/sh", "-c", `while :; do setsid sh -c 'setsid sleep 1000 & sleep 1000' & sleep 0.005; done`)
	cmd.Env = child.MarkEnv(os.Environ(), mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	eventually(t, "there are many", func() bool { return len(child.FindTree(mark, cmd.Process.Pid)) > 50 })
	if left := child.KillTree(mark, cmd.Process.Pid); left != 0 {
		t.Errorf("%d are left", left)
	}
	time.Sleep(50 * time.Millisecond)
	for pid := range child.FindTree(mark, cmd.Process.Pid) {
		if lives(pid) {
			t.Errorf("process %d lives: %s", pid, stat(pid))
		}
	}
}

func TestUsageIsOfTheLeaderAndItsDescendants(t *testing.T) {
	file, mark := filepath.Join(t.TempDir(), "pids"), child.NewMark()
	alone := leader(t, child.NewMark(), "rest")
	ancestor := leader(t, mark, "ancestor", file, "plain", "session", "bare")
	told(t, file, 4)
	defer child.KillTree(mark, ancestor.Process.Pid)
	one, err := child.UsageOf(alone.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	four, err := child.UsageOf(ancestor.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if one.Pids == 0 || one.Memory == 0 {
		t.Errorf("one process uses %+v", one)
	}
	if four.Pids < 3*one.Pids || four.Memory < 3*one.Memory {
		t.Errorf("four processes use %+v, one %+v", four, one)
	}
	if u, err := child.UsageOf(1 << 30); err == nil {
		t.Errorf("nobody uses %+v", u)
	}
}

func TestMarkReplacesAnother(t *testing.T) {
	env := []string{"A=1", child.MarkKey + "=old", "B=2", child.MarkKey + "=older"}
	got := child.MarkEnv(env, "new")
	if want := []string{"A=1", "B=2", child.MarkKey + "=new"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(env) != 4 || env[1] != child.MarkKey+"=old" {
		t.Errorf("the argument was changed: %q", env)
	}
	if a, b := child.NewMark(), child.NewMark(); a == b {
		t.Errorf("two trees have the mark %q", a)
	}
}
