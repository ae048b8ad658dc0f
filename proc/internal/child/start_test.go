//go:build linux

package child_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc/internal/child"
)

func TestWhatCannotBeStartedIsNamedWithItsRemedy(t *testing.T) {
	n := open(t, child.Config{})
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := file("plain", "#!/bin/sh\n", 0o644)
	tests := []struct {
		name  string
		spec  child.Spec
		is    error
		kind  fault.Kind
		wants []string
	}{
		{"missing", child.Spec{Path: dir + "/missing"}, fs.ErrNotExist, fault.Invalid, []string{dir + "/missing", "LookPath"}},
		{"not executable", child.Spec{Path: plain}, fs.ErrPermission, fault.Invalid, []string{plain, "chmod"}},
		{"a directory", child.Spec{Path: dir}, fs.ErrPermission, fault.Invalid, []string{dir}},
		{"no interpreter", child.Spec{Path: file("lost", "#!/no/such/thing\n", 0o755)}, fs.ErrNotExist, fault.Invalid, []string{"interpreter"}},
		{"neither binary nor script", child.Spec{Path: file("text", "hello\n", 0o755)}, syscall.ENOEXEC, fault.Invalid, []string{"#!"}},
		{"no directory", child.Spec{Path: "/bin/sh", Dir: dir + "/nowhere"}, fs.ErrNotExist, fault.Invalid, []string{"chdir", dir + "/nowhere"}},
		{"nothing", child.Spec{}, nil, fault.Invalid, []string{"no command"}},
		{"a NUL byte", child.Spec{Path: "/bin/sh\x00"}, syscall.EINVAL, fault.Invalid, nil},
		{"too many arguments", child.Spec{Path: "/bin/sh", Args: []string{"sh", strings.Repeat("x", 8<<20)}}, syscall.E2BIG, fault.Invalid, nil},
	}
	open, held := descriptors(t), n.Confinement()
	for _, test := range tests {
		c, err := n.Start(test.spec)
		if c != nil || err == nil || test.is != nil && !errors.Is(err, test.is) || fault.KindOf(err) != test.kind {
			t.Errorf("%s: got %v", test.name, err)
			continue
		}
		for _, want := range test.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %v", test.name, want, err)
			}
		}
	}
	eventually(t, "all descriptors closed", func() bool { return descriptors(t) <= open })
	noZombies(t)
	if left := child.Enrolled(); left > 0 {
		t.Errorf("the guard has %d trees to kill that never were", left)
	}
	if got := n.Confinement(); got != held {
		t.Errorf("commands that cannot be started have cost the nursery its confinement: %+v, was %+v", got, held)
	}
}

func TestChildrenAreStartedWithoutACgroupThatWasTakenAway(t *testing.T) {
	n := open(t, child.Config{})
	group := n.Confinement().Cgroup
	if group == "" {
		t.Skip("no cgroup may be written to here")
	}
	if err := os.Remove(group); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := end(t, start(t, n, shell("exit 3"))); e.Code != 3 {
			t.Errorf("got %s", brief(e))
		}
	}
	if c := n.Confinement(); c.Cgroup != "" || c.Tree != "session and mark" || !strings.Contains(c.Why, "no process can be born") {
		t.Errorf("got %+v", c)
	}
}

// descriptors is how many this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestWorkingDirectoryAndEnvironmentAreTheChilds(t *testing.T) {
	n := open(t, child.Config{})
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := newRecord()
	end(t, start(t, n, child.Spec{
		Path: "/bin/sh", Args: []string{"sh", "-c", `pwd; echo "$COLOUR/$HOME"`},
		Dir: dir, Env: []string{"COLOUR=blue", "A=b", "COLOUR=red"}, Output: r.output,
	}))
	if got := r.await(t, 2); got[0] != dir || got[1] != "red/" {
		t.Errorf("got %q", got)
	}
}

func TestFilesArePassedAsThreeAndUpwards(t *testing.T) {
	n := open(t, child.Config{})
	askR, askW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	tellR, tellW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer askW.Close()
	defer tellR.Close()
	s := shell(`read line <&3; echo "$line back" >&4`)
	s.Files = []*os.File{askR, tellW}
	c := start(t, n, s)
	askR.Close()
	tellW.Close()
	io.WriteString(askW, "there\n")
	if got, err := io.ReadAll(tellR); err != nil || string(got) != "there back\n" {
		t.Errorf("got %q, %v", got, err)
	}
	end(t, c)
}

// A descriptor of ours in another's child would keep pipes open that a child's
// end should close; one of the host's in our child, a listener for example,
// would keep a port.
func TestDescriptorsReachNobodyElsesChildren(t *testing.T) {
	const list = "cd /proc/$$/fd && echo *"
	others := func() string {
		out, err := exec.Command("/bin/sh", "-c", list).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	before := others()
	n := open(t, child.Config{})
	for range 5 {
		start(t, n, shell("sleep 1000"))
	}
	if got := others(); got != before {
		t.Errorf("a child of os/exec had descriptors %s, and has %s beside ours", before, got)
	}
	held, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ours := func(files ...*os.File) string {
		r := newRecord()
		s := shell(list)
		s.Output, s.Files = r.output, files
		end(t, start(t, n, s))
		return r.await(t, 1)[0]
	}
	if got := ours(); got != before {
		t.Errorf("our child has descriptors %s, that of os/exec %s", got, before)
	}
	if got := ours(held); got == before {
		t.Error("a descriptor that is passed cannot be seen: this test tests nothing")
	}
}
