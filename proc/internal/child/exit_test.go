//go:build linux

package child_test

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

func init() {
	child.Roles["deaf"] = func([]string) {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		os.Stdout.WriteString("deaf\n")
		time.Sleep(time.Hour)
	}
}

func TestExitTellsStatusAndSignal(t *testing.T) {
	n := open(t, child.Config{})
	tests := []struct {
		script string
		code   int
		signal syscall.Signal
	}{
		{"exit 0", 0, 0},
		{"exit 3", 3, 0},
		{"exit 255", 255, 0},
		{"kill -TERM $$", -1, syscall.SIGTERM},
		{"kill -KILL $$", -1, syscall.SIGKILL},
		{"kill -SEGV $$", -1, syscall.SIGSEGV},
	}
	for _, test := range tests {
		c := start(t, n, shell(test.script))
		e := end(t, c)
		if e.Code != test.code || e.Signal != test.signal || e.Killed || e.OverMemory || e.OverPids {
			t.Errorf("%s: got %s", test.script, brief(e))
		}
		if e.Pid != c.Pid() || e.Pid <= 1 {
			t.Errorf("%s: pid is %d and %d", test.script, e.Pid, c.Pid())
		}
		if s := stat(e.Pid); s != "" {
			t.Errorf("%s: process %d is still there: %s", test.script, e.Pid, s)
		}
	}
}

func TestChildKilledFromOutsideWasNotKilledByUs(t *testing.T) {
	n := open(t, child.Config{})
	c := start(t, n, shell("sleep 1000"))
	if err := syscall.Kill(c.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := end(t, c); e.Signal != syscall.SIGKILL || e.Killed || e.OverMemory {
		t.Errorf("got %s", brief(e))
	}
}

func TestKillEndsAChild(t *testing.T) { everywhere(t, killEndsAChild) }

func killEndsAChild(t *testing.T, cgroup string) {
	n := open(t, child.Config{Cgroup: cgroup})
	for name, prepare := range map[string]func(*testing.T) *child.Child{
		"that sleeps": func(t *testing.T) *child.Child {
			return start(t, n, shell("sleep 1000"))
		},
		"that is busy": func(t *testing.T) *child.Child {
			return start(t, n, shell("while :; do :; done"))
		},
		"that is stopped": func(t *testing.T) *child.Child {
			c := start(t, n, shell("sleep 1000"))
			if err := syscall.Kill(c.Pid(), syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			eventually(t, "stopped", func() bool { return strings.HasPrefix(stat(c.Pid()), "T") })
			return c
		},
		"that ignores signals": func(t *testing.T) *child.Child {
			r := newRecord()
			s := role("deaf")
			s.Output = r.output
			c := start(t, n, s)
			r.await(t, 1)
			for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
				if err := syscall.Kill(c.Pid(), sig); err != nil {
					t.Fatal(err)
				}
			}
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := prepare(t)
			if !lives(c.Pid()) {
				t.Fatal("it does not live to be killed")
			}
			c.Kill()
			c.Kill()
			if e := end(t, c); e.Signal != syscall.SIGKILL || e.Code != -1 || !e.Killed || e.OverMemory {
				t.Errorf("got %s", brief(e))
			}
			c.Kill() // after the end it does nothing
			if lives(c.Pid()) {
				t.Error("it lives")
			}
		})
	}
}

func TestKillAfterTheEndDoesNotCountAsKilled(t *testing.T) {
	n := open(t, child.Config{})
	c := start(t, n, shell("exit 5"))
	end(t, c)
	c.Kill()
	if e := c.Exit(); e.Killed || e.Code != 5 {
		t.Errorf("got %s", brief(e))
	}
}

// When the leader is dead, its pid is not to be killed any more, although what
// it has printed is still being read.
func TestKillBetweenDeathAndEndDoesNothing(t *testing.T) {
	n := open(t, child.Config{})
	free := make(chan struct{})
	s := shell(`echo one; exit 4`)
	s.Output = func(string, []byte, int) { <-free }
	c := start(t, n, s)
	eventually(t, "dead", func() bool { return !lives(c.Pid()) })
	time.Sleep(100 * time.Millisecond) // until that has been noticed
	c.Kill()
	close(free)
	if e := end(t, c); e.Killed || e.Code != 4 {
		t.Errorf("got %s", brief(e))
	}
}

func TestExitTellsTheProcessorTime(t *testing.T) {
	n := open(t, child.Config{})
	idle := end(t, start(t, n, shell("exit 0")))
	busy := end(t, start(t, n, shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")))
	if busy.CPU <= idle.CPU || idle.CPU < 0 {
		t.Errorf("idle %v, busy %v", idle.CPU, busy.CPU)
	}
}

func TestUsageIsOfTheLivingOnly(t *testing.T) { everywhere(t, usageIsOfTheLivingOnly) }

func usageIsOfTheLivingOnly(t *testing.T, cgroup string) {
	n := open(t, child.Config{Cgroup: cgroup})
	r := newRecord()
	s := shell("sleep 1000 & sleep 1000 & echo ready; wait")
	s.Output = r.output
	c := start(t, n, s)
	r.await(t, 1)
	eventually(t, "three processes with memory", func() bool {
		u, err := c.Usage()
		return err == nil && u.Pids == 3 && u.Memory > 0
	})
	c.Kill()
	end(t, c)
	if u, err := c.Usage(); err == nil {
		t.Errorf("usage after the end: %+v", u)
	}
}

func TestCloseNamesTheChildrenThatAreThere(t *testing.T) {
	n := open(t, child.Config{Name: "crowd"})
	c := start(t, n, shell("sleep 1000"))
	err := n.Close()
	if err == nil || !strings.Contains(err.Error(), "crowd") || !strings.Contains(err.Error(), "["+strconv.Itoa(c.Pid())+"]") {
		t.Errorf("got %v", err)
	}
	c.Kill()
	end(t, c)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Error("closing twice:", err)
	}
	if _, err := n.Start(shell("exit 0")); err == nil {
		t.Error("a closed nursery starts children")
	}
}
