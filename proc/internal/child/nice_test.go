//go:build linux

package child_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

func init() {
	// nice tells the nice values of its threads, of which it has several.
	child.Roles["nice"] = func([]string) {
		for range 3 {
			go func() {
				runtime.LockOSThread()
				time.Sleep(time.Hour)
			}()
		}
		for len(nices(os.Getpid())) < 4 {
			time.Sleep(time.Millisecond)
		}
		fmt.Println(nices(os.Getpid()))
		time.Sleep(time.Hour)
	}
	// main-thread has a spawner begin on the main thread.
	if os.Getenv(child.RoleKey) == "main-thread" {
		runtime.LockOSThread()
	}
	child.Roles["main-thread"] = func([]string) {
		before := niceOf(os.Getpid(), os.Getpid())
		nice := child.RunSpawnerHere(11)
		fmt.Println(nice)
		fmt.Println(niceOf(os.Getpid(), os.Getpid()) - before)
	}
}

// niceOf is the nice value of a thread.
func niceOf(pid, tid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
	if err != nil {
		return -100
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	nice, _ := strconv.Atoi(string(fields[16]))
	return nice
}

// nices counts the threads of a process by their nice values.
func nices(pid int) []int {
	var all []int
	dirs, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, dir := range dirs {
		tid, _ := strconv.Atoi(filepath.Base(dir))
		if nice := niceOf(pid, tid); nice != -100 {
			all = append(all, nice)
		}
	}
	return all
}

func TestChildrenAreBornNiceAndTheHostIsNot(t *testing.T) {
	host := niceOf(os.Getpid(), os.Getpid())
	if host > 10 {
		t.Skip("this process is nicer already")
	}
	n := open(t, child.Config{Limits: child.Limits{Nice: 10}})
	r := newRecord()
	s := role("nice")
	s.Output = r.output
	c := start(t, n, s)
	for _, nice := range strings.Fields(strings.Trim(r.await(t, 1)[0], "[]")) {
		if nice != "10" {
			t.Errorf("a thread of the child has nice %s", nice)
		}
	}
	different := func() (different int) {
		for _, nice := range nices(os.Getpid()) {
			if nice != host {
				different++
			}
		}
		return different
	}
	if d := different(); d != 1 {
		t.Errorf("%d threads of the host have another nice value than %d; one starts the children", d, host)
	}
	if got := n.Confinement().CPU; got != "nice 10" {
		t.Errorf("got %q", got)
	}
	c.Kill()
	end(t, c)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no thread of the host is nice", func() bool { return different() == 0 })
}

// Within a session of its own, nice alone is nice to nobody.
func TestTheSessionOfANiceChildIsNiceAsWell(t *testing.T) {
	autogroup := func(pid int) string {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", pid))
		return string(text)
	}
	if !strings.Contains(autogroup(os.Getpid()), "nice") {
		t.Skip("this kernel has no autogroups")
	}
	for nice, want := range map[int]string{0: "nice 0\n", 7: "nice 7\n"} {
		n := open(t, child.Config{Limits: child.Limits{Nice: nice}})
		c := start(t, n, shell("sleep 1000"))
		eventually(t, want, func() bool { return strings.HasSuffix(autogroup(c.Pid()), want) })
	}
}

// The main thread outlives its goroutine, and would stay nice for ever.
func TestTheMainThreadNeverStartsChildren(t *testing.T) {
	n := open(t, child.Config{})
	r := newRecord()
	s := role("main-thread")
	s.Output = r.output
	c := start(t, n, s)
	if got := r.await(t, 2); got[0] != "11" || got[1] != "0" {
		t.Errorf("the spawner has nice %s, and the main thread %s more than before", got[0], got[1])
	}
	end(t, c)
}
