//go:build linux

package child_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

func init() {
	// thief is a host in which somebody else waits for any child.
	child.Roles["thief"] = func(args []string) {
		n, err := child.Open(child.Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil {
					time.Sleep(time.Millisecond)
				}
			}
		}()
		for range 20 {
			s := shell("exit 0")
			c, err := n.Start(s)
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			<-c.Ended()
			if e := c.Exit(); e.Code > 0 || e.Signal != 0 {
				fmt.Println(brief(e))
				os.Exit(1)
			}
		}
		if err := n.Close(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

func TestChildrenAndThoseOfOsExecDoNotDisturbEachOther(t *testing.T) { everywhere(t, storm) }

func storm(t *testing.T, cgroup string) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which closes what was forgotten
	descriptorsBefore, goroutinesBefore := descriptors(t), runtime.NumGoroutine()

	n, err := child.Open(child.Config{Name: "storm", Cgroup: cgroup, Limits: child.Limits{Memory: 1 << 30, Nice: 5}})
	if err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	var ours, others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			for !over.Load() {
				var exit *exec.ExitError
				if err := exec.Command("true").Run(); err != nil {
					t.Errorf("true: %v", err)
				}
				if err := exec.Command("false").Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
					t.Errorf("false: %v", err)
				}
			}
		})
	}
	const workers, each = 8, 13
	for w := range workers {
		ours.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 4))
			for range each {
				oneOfTheStorm(t, n, rnd)
			}
		})
	}
	ours.Wait()
	over.Store(true)
	others.Wait()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	noZombies(t)
	if left := child.Enrolled(); left > 0 {
		t.Errorf("the guard still has %d trees to kill", left)
	}
	eventually(t, "all goroutines gone", func() bool { return runtime.NumGoroutine() <= goroutinesBefore })
	eventually(t, "all descriptors closed", func() bool { return descriptors(t) <= descriptorsBefore })
}

// oneOfTheStorm lives for a moment and ends in one of four ways.
func oneOfTheStorm(t *testing.T, n *child.Nursery, rnd *rand.Rand) {
	way := rnd.IntN(4)
	script := [...]string{"exit 9", "sleep 1000 & exec sleep 1000", "sleep 1000 & wait", "exec sleep 1000"}[way]
	c, err := n.Start(shell(script))
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := c.Usage(); err == nil && rnd.IntN(2) == 0 {
		time.Sleep(time.Duration(rnd.IntN(5)) * time.Millisecond)
	}
	switch way {
	case 1, 2:
		go c.Kill()
		c.Kill()
	case 3:
		syscall.Kill(c.Pid(), syscall.SIGTERM)
	}
	e := end(t, c)
	wants := way == 0 && e.Code == 9 && !e.Killed ||
		(way == 1 || way == 2) && e.Signal == syscall.SIGKILL && e.Killed ||
		way == 3 && e.Signal == syscall.SIGTERM && !e.Killed
	if !wants || e.OverMemory || e.OverPids {
		t.Errorf("%s: got %s", script, brief(e))
	}
}

func TestWaitingTakesNoThread(t *testing.T) {
	n := open(t, child.Config{})
	const children = 40
	threads := func() int { return len(nices(os.Getpid())) }
	start(t, n, shell("sleep 1000"))
	before := threads()
	for range children {
		start(t, n, shell("exec sleep 1000"))
	}
	time.Sleep(200 * time.Millisecond) // until each would have its own
	if grown := threads() - before; grown >= children/2 {
		t.Errorf("%d children wait in %d threads", children, grown)
	}
}

// What a kernel without pidfds is left with.
func TestWaitingByAThreadWorksAsWell(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, again, code, err := child.WaitByThread("/bin/sh", "-c", "exit 8")
	if err != nil || !again || code != 8 {
		t.Errorf("got %d, still there when waited for: %v, %v", code, again, err)
	}
	if s := stat(pid); s != "" {
		t.Errorf("still there: %s", s)
	}
}

// A host that steals our children's statuses loses these, and nothing hangs.
func TestAHostThatWaitsForAnyChildLosesStatusesOnly(t *testing.T) {
	n := open(t, child.Config{})
	r := newRecord()
	s := role("thief")
	s.Output = r.output
	if e := end(t, start(t, n, s)); e.Code != 0 {
		t.Errorf("got %s, %q", brief(e), r.all())
	}
}

func TestMarksDifferSoThatTreesDo(t *testing.T) {
	n := open(t, child.Config{})
	r := newRecord()
	for range 2 {
		s := shell(`echo "$HEM_PROC_MARK"`)
		s.Output = r.output
		end(t, start(t, n, s))
	}
	if got := r.await(t, 2); got[0] == got[1] || got[0] == "" {
		t.Errorf("got %q", got)
	}
}
