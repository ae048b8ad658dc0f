package child

import (
	"fmt"
	"os"
	"strconv"
)

// usage says what the tree uses: by its cgroup as far as that knows, otherwise
// by adding up the processes. Those that were orphaned are found in a cgroup
// only.
func (t tree) usage() (Usage, error) {
	u, known := t.leaf.usage()
	if known == allFigures {
		return u, nil
	}
	sum, err := t.sum()
	if err != nil {
		return Usage{}, err
	}
	if known&memoryFigure == 0 {
		u.Memory = sum.Memory
	}
	if known&cpuFigure == 0 {
		u.CPU = sum.CPU
	}
	if known&pidsFigure == 0 {
		u.Pids = sum.Pids
	}
	return u, nil
}

// sum adds up the leader and its descendants.
func (t tree) sum() (u Usage, err error) {
	buf := make([]byte, 4<<10)
	leader, ok := lookAt(t.leader, buf)
	if !ok || !leader.alive() {
		return Usage{}, fmt.Errorf("process %d has ended", t.leader)
	}
	left := []int{t.leader}
	for len(left) > 0 {
		pid := left[len(left)-1]
		left = left[:len(left)-1]
		p, ok := lookAt(pid, buf)
		if !ok {
			continue
		}
		u.Memory += p.memory
		u.CPU += p.cpu
		u.Pids += max(p.threads, 1)
		left = appendChildren(left, pid, buf)
	}
	return u, nil
}

// appendChildren appends the children of a process, which are those of its
// threads.
func appendChildren(pids []int, pid int, buf []byte) []int {
	dir, err := os.Open("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return pids
	}
	defer dir.Close()
	threads, _ := dir.Readdirnames(-1)
	for _, t := range threads {
		text, err := readProc(pid, "/task/"+t+"/children", buf)
		if err != nil {
			continue
		}
		for len(text) > 0 {
			n := 0
			for n < len(text) && text[n] != ' ' {
				n++
			}
			if child := int(number(text[:n])); child > 1 && n < len(text) {
				pids = append(pids, child)
			}
			text = text[min(n+1, len(text)):]
		}
	}
	return pids
}
