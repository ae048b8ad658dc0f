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

// GuardPid is the pid of this process's guard; 0: there is none.
func GuardPid() int {
	keep.mu.Lock()
	defer keep.mu.Unlock()
	if keep.guard == nil {
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
