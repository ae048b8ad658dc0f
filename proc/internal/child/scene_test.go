//go:build linux

package child_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

// patience is how long something that must happen is waited for.
const patience = 60 * time.Second

// open makes a nursery that must be empty when the test ends.
func open(t *testing.T, c child.Config) *child.Nursery {
	t.Helper()
	if c.Name == "" {
		c.Name = t.Name()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	n, err := child.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// everywhere runs a test with and without a cgroup, as far as there is one.
func everywhere(t *testing.T, test func(t *testing.T, cgroup string)) {
	t.Run("in a cgroup", func(t *testing.T) {
		if open(t, child.Config{}).Confinement().Cgroup == "" {
			t.Skip("no cgroup may be written to here")
		}
		test(t, "")
	})
	t.Run("without a cgroup", func(t *testing.T) {
		none := t.TempDir() + "/none"
		if c := open(t, child.Config{Cgroup: none}).Confinement(); c.Cgroup != "" || c.Why == "" {
			t.Fatalf("what is not there is taken for a cgroup: %+v", c)
		}
		test(t, none)
	})
}

// shell is a child that runs a script.
func shell(script string) child.Spec {
	return child.Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: os.Environ()}
}

// role is a child that is this test binary in a role.
func role(name string, args ...string) child.Spec {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return child.Spec{
		Path: self,
		Args: append([]string{name}, args...),
		Env:  append(os.Environ(), child.RoleKey+"="+name),
	}
}

// start starts a child, which is killed when the test ends.
func start(t *testing.T, n *child.Nursery, s child.Spec) *child.Child {
	t.Helper()
	c, err := n.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Kill()
		<-c.Ended()
	})
	return c
}

// end waits for the child to end by itself.
func end(t *testing.T, c *child.Child) child.Exit {
	t.Helper()
	select {
	case <-c.Ended():
	case <-time.After(patience):
		t.Fatalf("process %d does not end: %s", c.Pid(), stat(c.Pid()))
	}
	return c.Exit()
}

// A record is what a child has printed.
type record struct {
	mu      sync.Mutex
	lines   []string // stream and line
	dropped int
	more    chan struct{}
}

func newRecord() *record { return &record{more: make(chan struct{}, 1)} }

func (r *record) output(stream string, line []byte, dropped int) {
	r.mu.Lock()
	r.lines = append(r.lines, stream+": "+string(line))
	r.dropped += dropped
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}

// await waits until n lines of standard output are there, and returns them.
func (r *record) await(t *testing.T, n int) []string {
	t.Helper()
	late := time.After(patience)
	for {
		var got []string
		for _, line := range r.all() {
			if rest, ok := strings.CutPrefix(line, "stdout: "); ok {
				got = append(got, rest)
			}
		}
		if len(got) >= n {
			return got
		}
		select {
		case <-r.more:
		case <-late:
			t.Fatalf("%d lines, want %d: %q", len(got), n, r.all())
		}
	}
}

// pids waits for n lines that are process ids.
func (r *record) pids(t *testing.T, n int) []int {
	t.Helper()
	var pids []int
	for _, line := range r.await(t, n) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// stat is a process's state and parent, or "" if there is no such process.
func stat(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	return string(fields[0]) + " " + string(fields[1])
}

// lives reports whether the process runs, in whatever state but a zombie.
func lives(pid int) bool {
	s := stat(pid)
	return s != "" && s[0] != 'Z' && s[0] != 'X'
}

// noZombies checks that this process has no children that nobody reaped.
func noZombies(t *testing.T) {
	t.Helper()
	mine := fmt.Sprintf("Z %d", os.Getpid())
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if stat(pid) == mine {
			t.Errorf("process %d is a zombie of ours", pid)
		}
	}
}

// eventually waits until ok, which what describes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("never: " + what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// brief is an Exit in a line.
func brief(e child.Exit) string {
	tail := e.Tail[max(0, len(e.Tail)-200):]
	e.Tail = nil
	return fmt.Sprintf("%+v, tail … %q", e, tail)
}
