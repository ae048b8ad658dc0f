//go:build linux

package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

func init() {
	// parent starts a sleeper in the way that args[0] says, tells its pid, and
	// then does what args[1] says.
	child.Roles["parent"] = func(args []string) {
		switch how := args[0]; how {
		case "daemon": // the middle one ends, and init adopts the sleeper
			self, _ := os.Executable()
			middle := exec.Command(self, "session", "exit")
			middle.Env = append(os.Environ(), child.RoleKey+"=parent")
			middle.Stdout = os.Stdout
			if err := middle.Run(); err != nil {
				panic(err)
			}
		default:
			sleeper := exec.Command("sleep", "1000")
			switch how {
			case "plain":
			case "group":
				sleeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			case "session":
				sleeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			case "bare": // no mark
				sleeper.Env = []string{"PATH=" + os.Getenv("PATH")}
			case "holder": // of our standard output and error
				sleeper.Stdout, sleeper.Stderr = os.Stdout, os.Stderr
			}
			if err := sleeper.Start(); err != nil {
				panic(err)
			}
			fmt.Println(sleeper.Process.Pid)
		}
		switch args[1] {
		case "exit":
		case "crash":
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			time.Sleep(time.Hour)
		case "stay":
			time.Sleep(time.Hour)
		}
	}
}

func TestTheTreeIsGoneWhenTheChildHasEnded(t *testing.T) {
	everywhere(t, theTreeIsGone)
}

func theTreeIsGone(t *testing.T, cgroup string) {
	n := open(t, child.Config{Cgroup: cgroup})
	for _, how := range []string{"plain", "group", "session", "daemon", "bare", "holder"} {
		for _, then := range []string{"exit", "crash", "stay"} {
			t.Run(how+" and "+then, func(t *testing.T) {
				r := newRecord()
				s := role("parent", how, then)
				s.Output = r.output
				c := start(t, n, s)
				sleeper := r.pids(t, 1)[0]
				if then == "stay" {
					if !lives(sleeper) {
						t.Error("the sleeper died by itself: this test tests nothing")
					}
					c.Kill()
				}
				e := end(t, c)
				if lives(sleeper) {
					t.Errorf("process %d has outlived its tree: %s", sleeper, stat(sleeper))
					syscall.Kill(sleeper, syscall.SIGKILL)
				}
				if s := stat(c.Pid()); s != "" {
					t.Errorf("the child is still there: %s", s)
				}
				if e.Killed != (then == "stay") || then == "exit" && e.Code != 0 || then == "crash" && e.Signal != syscall.SIGKILL {
					t.Errorf("got %s", brief(e))
				}
			})
		}
	}
	noZombies(t)
}

// The other side of the test before: a sleeper whose parent exits lives on, if
// nobody holds the tree.
func TestWithoutANurseryAGrandchildLivesOn(t *testing.T) {
	s := role("parent", "daemon", "exit")
	cmd := exec.Command(s.Path, s.Args[1:]...)
	cmd.Env = s.Env
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var sleeper int
	if _, err := fmt.Sscan(string(out), &sleeper); err != nil {
		t.Fatal(err)
	}
	if !lives(sleeper) {
		t.Errorf("process %d has not outlived its parent", sleeper)
	}
	syscall.Kill(sleeper, syscall.SIGKILL)
}

// A process that left the session and cleared its environment is found by a
// cgroup only. Where there is none it holds the pipe, and must not hold us.
func TestAGrandchildThatGotAwayIsKilledByItsCgroupOrDoesNotHoldTheEnd(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid here")
	}
	everywhere(t, func(t *testing.T, cgroup string) {
		n := open(t, child.Config{Cgroup: cgroup})
		r := newRecord()
		s := shell(`(env -i setsid sh -c 'echo $$; exec sleep 1000' &) ; sleep 1000`)
		s.Output = r.output
		c := start(t, n, s)
		runaway := r.pids(t, 1)[0]
		defer syscall.Kill(runaway, syscall.SIGKILL)
		eventually(t, "the runaway has lost its parent", func() bool { return !strings.HasSuffix(stat(runaway), strconv.Itoa(c.Pid())) })
		c.Kill()
		end(t, c) // which is the test: it holds our pipe
		if inside := n.Confinement().Cgroup != ""; lives(runaway) == inside {
			t.Errorf("in a cgroup: %v; lives: %v", inside, lives(runaway))
		}
	})
}
