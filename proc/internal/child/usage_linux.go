package child

import "bytes"

// shared is the resident memory of the tree, in which what processes share
// counts once. sum is what it is when they are added up, which blames a
// program that forks a large process for many times its memory. The kernel
// goes through their pages to tell, about 1 ms for 100 MB, so it is asked only
// when the sum is over a limit.
func (t tree) shared(sum int64) int64 {
	buf := make([]byte, 4<<10)
	pids := appendChildren([]int{t.leader}, t.leader, buf)
	if len(pids) == 1 {
		return sum
	}
	var total int64
	for i := 0; i < len(pids); i++ {
		if i > 0 {
			pids = appendChildren(pids, pids[i], buf)
		}
		part, ok := proportional(pids[i], buf)
		if !ok {
			p, _ := lookAt(pids[i], buf)
			part = p.memory // one that may not be asked: setuid, for example
		}
		total += part
	}
	return min(sum, total)
}

// proportional is a process's proportional set size: of a page that n share,
// one n-th.
func proportional(pid int, buf []byte) (size int64, ok bool) {
	text, err := readProc(pid, "/smaps_rollup", buf)
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(text, []byte("\nPss:"))
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if !found || len(fields) == 0 {
		return 0, false
	}
	return number(fields[0]) << 10, true
}
