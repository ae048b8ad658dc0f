package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/hemgo/hem/fault"
)

// Start starts a child. It returns when the child runs, or the error of why it
// does not: of exec, mostly.
//
// # Errors
//
// Of kind [fault.Invalid] if the command cannot be started at all: errors.Is
// finds [fs.ErrNotExist] and [fs.ErrPermission]. Of kind [fault.Overloaded] if
// the system has no processes, memory or descriptors left.
func (n *Nursery) Start(s Spec) (*Child, error) {
	if err := n.enter(); err != nil {
		return nil, err
	}
	c, err := n.bear(s)
	n.settle(c)
	if err != nil {
		return nil, err
	}
	go c.live()
	return c, nil
}

// bear starts the process with everything that is to hold it.
func (n *Nursery) bear(s Spec) (*Child, error) {
	mark := newMark()
	guarded, err := enroll(mark)
	if err != nil {
		return nil, err
	}
	s.Env = markEnv(n.limits.memoryEnv(lastOfEach(s.Env)), mark)
	c, err := n.spawn(s)
	if err != nil {
		guarded.dismiss()
		return nil, err
	}
	guarded.born(c.process.pid)
	c.guarded, c.tree.mark = guarded, mark
	n.confine(c)
	return c, nil
}

// lastOfEach leaves of variables that are there twice the last, as os/exec does:
// whoever appends to os.Environ means that one, and getenv finds the first.
func lastOfEach(env []string) []string {
	at := make(map[string]int, len(env))
	kept := make([]string, 0, len(env))
	for _, v := range env {
		key, _, _ := strings.Cut(v, "=")
		if i, twice := at[key]; twice && key != "" {
			kept[i] = v
			continue
		}
		at[key] = len(kept)
		kept = append(kept, v)
	}
	return kept
}

// spawn starts the process, and reading of what it prints.
func (n *Nursery) spawn(s Spec) (*Child, error) {
	printed, err := openPrinted()
	if err != nil {
		return nil, s.refused(err)
	}
	defer printed.closeChildsEnds()
	o := order{
		path:  s.Path,
		args:  s.Args,
		env:   s.Env,
		dir:   s.Dir,
		files: append([]*os.File{n.null, printed.childs[0], printed.childs[1]}, s.Files...),
	}
	if len(o.args) == 0 {
		o.args = []string{s.Path}
	}
	born, err := n.deliver(&o)
	if err != nil {
		printed.closeOurEnds()
		return nil, s.refused(err)
	}
	c := &Child{
		nursery: n,
		process: born,
		tree:    tree{leader: born.pid, start: startOf(born.pid), leaf: o.leaf},
		floor:   inheritedPeak(),
		ended:   make(chan struct{}),
	}
	for i, name := range [...]string{"stdout", "stderr"} {
		c.printed[i] = newStream(name, printed.ours[i], s.Output)
		go c.printed[i].read()
	}
	return c, nil
}

// deliver has the process born, in a cgroup of its own if that can be had.
func (n *Nursery) deliver(o *order) (*process, error) {
	g := n.currentGroup()
	if g == nil {
		return n.spawner.spawn(o)
	}
	var err error
	if o.leaf, err = g.born(); err != nil {
		n.abandonGroup(err)
		o.leaf = nil
		return n.spawner.spawn(o)
	}
	p, errInside := n.spawner.spawn(o)
	if errInside == nil {
		return p, nil
	}
	o.leaf.remove()
	o.leaf = nil
	if errors.Is(errInside, fs.ErrNotExist) {
		return nil, errInside
	}
	// It may have been the cgroup or the command: ENOSYS, EACCES, EBUSY, and
	// what sandboxes make of them. Without the cgroup it shows.
	if p, err = n.spawner.spawn(o); err == nil {
		n.abandonGroup(errInside)
	}
	return p, err
}

// confine sets the limits that can only be set on a process that runs. What
// cannot be set is told to the log and not to the caller: watching remains.
func (n *Nursery) confine(c *Child) {
	var data int64
	if memory, _ := n.watches(); memory && !shadowed {
		data = n.limits.backstop()
	}
	if err := limit(c.process.pid, n.limits, data); err != nil && !errors.Is(err, syscall.ESRCH) {
		n.log.Warn("child: limits not set", "nursery", n.name, "pid", c.process.pid, "error", err)
	}
	if n.limits.Nice != 0 {
		c.beNice(n.limits.Nice)
	}
}

// refused says why the command could not be started, and what to do.
func (s Spec) refused(err error) error {
	e := &fault.Error{Op: "child: start", Kind: fault.Invalid,
		Err: &fs.PathError{Op: "exec", Path: s.Path, Err: err}}
	var errSys *os.SyscallError
	switch {
	case errors.As(err, &errSys), isScarcity(err):
		e.Kind, e.Hint = fault.Overloaded, "the system has no processes, memory or descriptors left"
	case s.Path == "":
		e.Err = errors.New("no command is given")
	case s.Dir != "" && !isDir(s.Dir):
		e.Err = &fs.PathError{Op: "chdir", Path: s.Dir, Err: err}
		e.Hint = "the working directory is not there"
	case errors.Is(err, fs.ErrNotExist) && exists(s.Path):
		e.Hint = "the file is there, what its first line or its header names is not: the interpreter or the loader"
	case errors.Is(err, fs.ErrNotExist):
		e.Hint = "give the path of an executable, as exec.LookPath finds it"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "it must be an executable file: see chmod, and the mount option noexec"
	case errors.Is(err, syscall.ENOEXEC):
		e.Hint = fmt.Sprintf("it is neither a binary for %s/%s nor a script that begins with #!", runtime.GOOS, runtime.GOARCH)
	}
	return e
}

// isScarcity reports whether err may pass without anybody changing the command.
func isScarcity(err error) bool {
	for _, scarce := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, scarce) {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// pipes are the pipes of what a child prints: standard output, standard error.
type pipes struct{ ours, childs [2]*os.File }

func openPrinted() (*pipes, error) {
	var p pipes
	for i := range p.ours {
		r, w, err := os.Pipe()
		if err != nil {
			p.closeOurEnds()
			p.closeChildsEnds()
			return nil, err
		}
		p.ours[i], p.childs[i] = r, w
	}
	return &p, nil
}

func (p *pipes) closeOurEnds()    { closeAll(p.ours[:]) }
func (p *pipes) closeChildsEnds() { closeAll(p.childs[:]) }

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
