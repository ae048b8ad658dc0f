package child

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"

	"github.com/hemgo/hem/fault"
)

// Config says what a nursery is.
type Config struct {
	Name   string
	Limits Limits

	// Cgroup is the delegated cgroup to work in: a directory. Empty: the
	// process's own, if it may be written to.
	Cgroup string

	// Log gets what the host should know and no error tells. The default is
	// slog.Default().
	Log *slog.Logger
}

// A Nursery is where the children of one pool are born: under its limits, in
// its cgroup if there is one, from a thread of its own.
type Nursery struct {
	name    string
	limits  Limits
	log     *slog.Logger
	spawner *spawner
	null    *os.File // what children read from standard input

	mu       sync.Mutex
	opened   *group // to be closed; nil: there is none
	group    *group // that children are born in: opened or, if that does not work, nil
	why      string // why there is none, or what it lacks
	children map[*Child]struct{}
	starting int
	closed   bool
	watching bool
	stop     chan struct{}  // closed by Close
	watcher  sync.WaitGroup // the goroutine of watch, if there is one

	// Whenever mu is free:
	//   N1. children are those that have not Ended.
	//   N2. If closed, there are none, and none is starting.
	//   N3. watching implies that the goroutine of watch will look again.
}

// Open makes a nursery. The host must have called [Prepare].
//
// # Errors
//
// Of kind [fault.Invalid]: limits that cannot be meant, naming the field, and
// a system where descriptors cannot be passed to a child.
func Open(c Config) (*Nursery, error) {
	if err := c.Limits.check(); err != nil {
		return nil, err
	}
	n := &Nursery{
		name:     c.Name,
		limits:   c.Limits,
		log:      c.Log,
		children: make(map[*Child]struct{}),
		stop:     make(chan struct{}),
	}
	if n.log == nil {
		n.log = slog.Default()
	}
	var err error
	if n.spawner, err = openSpawner(c.Limits.Nice); err != nil {
		return nil, &fault.Error{Op: "child: open", Task: c.Name, Kind: fault.Invalid, Err: err}
	}
	if n.null, err = os.Open(os.DevNull); err != nil {
		n.spawner.close()
		return nil, &fault.Error{Op: "child: open", Task: c.Name, Kind: fault.Failed, Err: err}
	}
	n.opened, n.why = openGroup(c.Cgroup, c.Name, c.Limits)
	n.group = n.opened
	return n, nil
}

// Close gives up what the nursery holds. Its children must have ended; if they
// have not, it says who they are, and the nursery stays as it was.
func (n *Nursery) Close() error {
	if first, err := n.shut(); !first {
		return err
	}
	close(n.stop)
	n.watcher.Wait()
	n.spawner.close()
	if n.opened != nil {
		n.opened.close()
	}
	return n.null.Close()
}

// shut marks the nursery closed, and reports whether this call did.
func (n *Nursery) shut() (first bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false, nil
	}
	if len(n.children)+n.starting > 0 {
		return false, &fault.Error{Op: "child: close", Task: n.name, Kind: fault.Invalid,
			Err:  fmt.Errorf("%d children have not ended: %v", len(n.children)+n.starting, n.pidsLocked()),
			Hint: "kill each and wait until it has Ended"}
	}
	n.closed = true
	return true, nil
}

func (n *Nursery) pidsLocked() []int {
	var pids []int
	for c := range n.children {
		pids = append(pids, c.Pid())
	}
	slices.Sort(pids)
	return pids
}

// enter announces a child that is being started.
func (n *Nursery) enter() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return &fault.Error{Op: "child: start", Task: n.name, Kind: fault.Invalid, Err: errClosed}
	}
	n.starting++
	return nil
}

var errClosed = errors.New("the nursery is closed")

// settle ends what enter began: with a child, or nil if there is none.
func (n *Nursery) settle(c *Child) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.starting--
	if c == nil {
		return
	}
	n.children[c] = struct{}{}
	n.watchLocked()
}

// leave takes out a child that has ended.
func (n *Nursery) leave(c *Child) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.children, c)
}

// currentGroup is the cgroup that children are born in, nil if there is none.
func (n *Nursery) currentGroup() *group {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.group
}

// abandonGroup goes on without a cgroup, as it turned out that nobody can be
// born in it. Those that were stay there.
func (n *Nursery) abandonGroup(err error) {
	n.mu.Lock()
	abandoned := n.group != nil
	n.group, n.why = nil, "no process can be born in it: "+err.Error()
	n.mu.Unlock()
	if abandoned {
		n.log.Warn("child: going on without a cgroup", "nursery", n.name, "error", err)
	}
}

// Confinement says by what the children are held.
func (n *Nursery) Confinement() Confinement {
	n.mu.Lock()
	defer n.mu.Unlock()
	held := Confinement{Why: n.why, Tree: treeToldBy}
	if n.group != nil {
		held.Cgroup, held.Tree = n.group.dir, "cgroup"
	}
	by := func(controller string, limited bool, otherwise string) string {
		switch {
		case !limited:
			return "none"
		case n.group != nil && n.group.holds(controller):
			return "cgroup"
		}
		return otherwise
	}
	held.Memory = by("memory", n.limits.Memory > 0, memoryHeldBy)
	held.Pids = by("pids", n.limits.Pids > 0, pidsHeldBy)
	held.CPU = by("cpu", n.limits.CPUWeight > 0, "none")
	if held.CPU == "none" && n.limits.Nice != 0 && canNice {
		held.CPU = fmt.Sprintf("nice %d", n.limits.Nice)
	}
	return held
}
