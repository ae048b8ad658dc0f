//go:build linux

package child_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

// noCgroup is where no cgroup can be made, so that trees are held by session
// and mark.
const noCgroup = "/nowhere"

func init() {
	// host starts an ancestor with descendants args[3:] in the cgroup args[1],
	// tells args[0], and then does what args[2] says.
	child.Roles["host"] = func(args []string) {
		os.Unsetenv(child.RoleKey) // or the child's would be the second, and not count
		n, err := child.Open(child.Config{Cgroup: args[1]})
		if err != nil {
			panic(err)
		}
		c, err := n.Start(role("ancestor", append(args[:1:1], args[3:]...)...))
		if err != nil {
			panic(err)
		}
		tell(args[0], "host")
		switch args[2] {
		case "stay":
			time.Sleep(time.Hour)
		case "leave": // without closing anything, as soon as the file says so
			for {
				if _, err := os.Stat(args[0] + ".leave"); err == nil {
					os.Exit(0)
				}
				time.Sleep(time.Millisecond)
			}
		}
		<-c.Ended()
	}
	// outerhost starts a host as a child.
	child.Roles["outerhost"] = func(args []string) {
		os.Unsetenv(child.RoleKey)
		n, err := child.Open(child.Config{Cgroup: args[1]})
		if err != nil {
			panic(err)
		}
		c, err := n.Start(role("host", args...))
		if err != nil {
			panic(err)
		}
		tell(args[0], "outerhost")
		for {
			if _, err := os.Stat(args[0] + ".kill"); err == nil {
				c.Kill()
			}
			time.Sleep(time.Millisecond)
		}
	}
	// unborn enrols a tree, starts it, and dies before it can say who it is.
	child.Roles["unborn"] = func(args []string) {
		mark := child.NewMark()
		if _, _, err := child.Enroll(mark); err != nil {
			panic(err)
		}
		cmd := exec.Command("/proc/self/exe", args[0])
		cmd.Env = child.MarkEnv(append(os.Environ(), child.RoleKey+"=ancestor"), mark)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		for text := []byte(nil); len(text) == 0; text, _ = os.ReadFile(args[0]) {
			time.Sleep(time.Millisecond)
		}
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

// startHost starts a process in a role that tells a file about itself.
func startHost(t *testing.T, role, file string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{file}, args...)...)
	cmd.Env = append(os.Environ(), child.RoleKey+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

// extinct waits until all of pids are dead.
func extinct(t *testing.T, pids map[string]int) {
	t.Helper()
	began := time.Now()
	defer func() {
		if t.Failed() {
			t.Logf("%v of %v live", living(pids), pids)
		}
	}()
	eventually(t, "all are dead", func() bool { return len(living(pids)) == 0 })
	t.Logf("all were dead after %v", time.Since(began).Round(time.Millisecond))
}

// traceable are the kin that are found without a cgroup when the leader, which
// dies with the host, is already dead.
var traceable = slices.DeleteFunc(slices.Clone(kin), func(how string) bool { return how == "baredaughter" })

func TestNothingOutlivesAHostThatIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	host := startHost(t, "host", file, append([]string{noCgroup, "stay"}, traceable...)...)
	pids := told(t, file, len(traceable)+2)
	pids["guard"] = guardOf(t.Context(), host.Process.Pid)
	if got := living(pids); len(got) != len(pids) {
		t.Fatalf("only %v live: this test tests nothing", got)
	}
	host.Process.Kill()
	host.Wait()
	extinct(t, pids)
}

func TestNothingOutlivesAHostThatLeaves(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	host := startHost(t, "host", file, append([]string{noCgroup, "leave"}, traceable...)...)
	pids := told(t, file, len(traceable)+2)
	pids["guard"] = guardOf(t.Context(), host.Process.Pid)
	os.WriteFile(file+".leave", nil, 0o644)
	if err := host.Wait(); err != nil {
		t.Fatal(err)
	}
	extinct(t, pids)
}

// This is the control of the tests above: they pass because of the guard.
func TestWithoutAGuardTheKinOutliveTheirHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	host := startHost(t, "host", file, noCgroup, "stay", "session", "daemon")
	pids := told(t, file, 4)
	guard := guardOf(t.Context(), host.Process.Pid)
	host.Process.Signal(syscall.SIGSTOP) // lest it starts another
	syscall.Kill(guard, syscall.SIGKILL)
	host.Process.Kill()
	host.Wait()
	eventually(t, "the leader has died with its host", func() bool { return !lives(pids["ancestor"]) })
	time.Sleep(500 * time.Millisecond)
	if got := living(pids); !slices.Equal(got, []string{"daemon", "session"}) {
		t.Errorf("%v live, want those that left the session", got)
	}
}

func TestGuardThatReplacedAnotherKnowsEverything(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	host := startHost(t, "host", file, append([]string{noCgroup, "stay"}, traceable...)...)
	pids := told(t, file, len(traceable)+2)
	first := guardOf(t.Context(), host.Process.Pid)
	syscall.Kill(first, syscall.SIGKILL)
	eventually(t, "there is another guard", func() bool {
		second := guardOf(t.Context(), host.Process.Pid)
		return second != 0 && second != first
	})
	host.Process.Kill()
	host.Wait()
	extinct(t, pids)
}

func TestTreeThatWasJustBeingStartedDiesWithTheHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	host := startHost(t, "unborn", file)
	host.Wait()
	extinct(t, told(t, file, 1))
}

func TestHostInATreeIsKilledWithItsOwnTreesAndGuard(t *testing.T) {
	for _, how := range []string{"kill the child", "kill the host"} {
		t.Run(how, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pids")
			outer := startHost(t, "outerhost", file, append([]string{noCgroup, "stay"}, traceable...)...)
			pids := told(t, file, len(traceable)+3)
			pids["inner guard"] = guardOf(t.Context(), pids["host"])
			if how == "kill the host" {
				pids["guard"] = guardOf(t.Context(), outer.Process.Pid)
				outer.Process.Kill()
				outer.Wait()
			} else {
				delete(pids, "outerhost")
				os.WriteFile(file+".kill", nil, 0o644)
			}
			extinct(t, pids)
		})
	}
}
