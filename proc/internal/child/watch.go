package child

import "time"

// watchEvery is how often a tree is looked at. A thread touches about 2 GB of
// fresh memory in a second, so a limit is passed by some 100 MB at the worst.
const watchEvery = 50 * time.Millisecond

// watches says which limits no cgroup holds, so that somebody must look.
func (n *Nursery) watches() (memory, pids bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.watchesLocked()
}

func (n *Nursery) watchesLocked() (memory, pids bool) {
	if !canWatch {
		return false, false
	}
	held := func(controller string) bool { return n.group != nil && n.group.holds(controller) }
	return n.limits.Memory > 0 && !held("memory"), n.limits.Pids > 0 && !held("pids")
}

// watchLocked sees to it that somebody watches, if there is a need: N3.
func (n *Nursery) watchLocked() {
	memory, pids := n.watchesLocked()
	if n.watching || !memory && !pids {
		return
	}
	n.watching = true
	n.watcher.Go(n.watch)
}

// watch looks at every child again and again, until there is none.
func (n *Nursery) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		children, memory, pids := n.watched()
		if len(children) == 0 {
			return
		}
		for _, c := range children {
			c.weigh(memory, pids)
		}
		select {
		case <-n.stop:
			return
		case <-tick.C:
		}
	}
}

// watched lists whom to look at, and at what. If that is nobody, the watcher
// is to end: the next child gets another.
func (n *Nursery) watched() (children []*Child, memory, pids bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	memory, pids = n.watchesLocked()
	for c := range n.children {
		children = append(children, c)
	}
	n.watching = len(children) > 0
	return children, memory, pids
}

// weigh kills the child if its tree is over a limit.
func (c *Child) weigh(memory, pids bool) {
	u, err := c.Usage()
	if err != nil {
		return // it has ended, or is about to
	}
	l := &c.nursery.limits
	if memory && u.Memory > l.Memory {
		u.Memory = c.tree.shared(u.Memory)
	}
	overMemory, overPids := memory && u.Memory > l.Memory, pids && u.Pids > l.Pids
	c.note(overMemory || overPids, func(v *Exit) {
		v.Peak = max(v.Peak, u.Memory)
		v.OverMemory = v.OverMemory || overMemory
		v.OverPids = v.OverPids || overPids
	})
}
