package child

// Mark and SetMark are what tests of environments need.
const MarkKey = markKey

// NewMark and MarkEnv are those of trees.
var (
	NewMark = newMark
	MarkEnv = markEnv
	StartOf = startOf
)

// KillTree kills a tree without a cgroup.
func KillTree(mark string, leader int) (left int) { return tree{mark: mark, leader: leader}.kill() }

// KillTreeBorn is KillTree for a leader that was another process, perhaps.
func KillTreeBorn(mark string, leader int, start uint64) (left int) {
	return tree{mark: mark, leader: leader, start: start}.kill()
}

// UsageOf is what a tree without a cgroup uses.
func UsageOf(leader int) (Usage, error) { return tree{leader: leader}.usage() }

// FindTree says who a look at /proc finds in a tree.
func FindTree(mark string, leader int) map[int]bool {
	h := newHunt([]tree{{mark: mark, leader: leader}})
	h.look()
	return h.members
}

// GuardPid is the pid of this process's guard; 0: there is none that is ready.
func GuardPid() int {
	keep.mu.Lock()
	defer keep.mu.Unlock()
	if keep.guard == nil || !keep.guard.ready {
		return 0
	}
	return keep.guard.process.Pid
}

// Enroll has a guard know of a tree.
func Enroll(mark string) (born func(pid int), dismiss func(), err error) {
	e, err := enroll(mark)
	if err != nil {
		return nil, nil, err
	}
	return e.born, e.dismiss, nil
}

// Unprepare makes this a program that does not call Prepare, until restored.
func Unprepare() (restore func()) {
	prepared.Store(false)
	return func() { prepared.Store(true) }
}

// GuardKey is what makes a process a guard.
const GuardKey = guardKey

// OwnGroup finds the directory of a process's cgroup in what /proc says.
func OwnGroup(cgroups, mounts string) (dir, mount string, err error) {
	return ownGroup(cgroups, mounts)
}

// Delegated reports whether systemd has marked a cgroup.
var Delegated = delegated

// Enable lets what is below a cgroup have controllers.
var Enable = enable

// A Group is a group that was not opened.
type Group struct{ g *group }

// NewGroup is a group in a directory that has controllers, perhaps.
func NewGroup(dir string, l Limits, held ...string) Group {
	return Group{&group{dir: dir, limits: l, held: held}}
}

// OpenGroup opens a group; none: g is empty.
func OpenGroup(dir, name string, l Limits) (g Group, why string) {
	g.g, why = openGroup(dir, name, l)
	return g, why
}

func (g Group) None() bool             { return g.g == nil }
func (g Group) Dir() string            { return g.g.dir }
func (g Group) Close()                 { g.g.close() }
func (g Group) Limit(dir string) error { return g.g.limit(&leaf{dir: dir}) }

// Reached says which limits the leaf in a directory has hit.
func Reached(dir string) (memory, pids bool) { return (&leaf{dir: dir}).reached() }

// LeafUsage is what a leaf's files tell, and whether they tell everything.
func LeafUsage(dir string) (u Usage, all bool) {
	u, known := (&leaf{dir: dir}).usage()
	return u, known == allFigures
}

// KillEach kills all in a cgroup as kernels before 5.14 have to.
func KillEach(dir string) { killEach(dir) }

// LeafDir is the cgroup that a child was born in.
func LeafDir(c *Child) string {
	if c.tree.leaf == nil {
		return ""
	}
	return c.tree.leaf.dir
}

// Guarded reports whether there is a guard, ready or not.
func Guarded() bool {
	keep.mu.Lock()
	defer keep.mu.Unlock()
	return keep.guard != nil
}
