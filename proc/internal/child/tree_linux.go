package child

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	killFor   = 2 * time.Second        // how long a tree is killed again and again
	freezeFor = 20                     // how many looks it may take to stop all of it
	spareFor  = 300 * time.Millisecond // how long guards in it are left to their work
)

// kill kills everything in the tree, until nobody of it is alive, and says how
// many were still there when it gave up. The leader stays a zombie until its
// parent reaps it.
func (t tree) kill() (left int) { return killTrees([]tree{t}) }

// killTrees kills several trees at once.
func killTrees(trees []tree) (left int) {
	h := newHunt(killLeaves(trees, &left))
	if len(h.trees) == 0 {
		return left
	}
	h.freeze()
	h.killGroups()
	deadline := time.Now().Add(killFor)
	for clean, pause := 0, time.Millisecond; ; {
		alive := h.signal(syscall.SIGKILL)
		if alive == 0 {
			// Who was born while /proc was read may have been missed once.
			if clean++; clean == 2 {
				return left
			}
			continue
		}
		if clean = 0; time.Now().After(deadline) {
			return left + alive
		}
		time.Sleep(pause)
		pause = min(2*pause, 20*time.Millisecond)
	}
}

// killLeaves kills the trees that have a cgroup, and returns the others.
func killLeaves(trees []tree, left *int) (others []tree) {
	for _, t := range trees {
		n, ok := t.leaf.kill()
		if !ok {
			others = append(others, t)
		}
		*left += n
	}
	return others
}

// A hunt finds who belongs to some trees. One look at /proc costs 5.5 ms if
// there are 300 processes that are younger than the trees, so that each one's
// environment is read: BenchmarkLook.
//
// A process belongs to a tree if any of these is true.
//
//   - It is in the session of the leader, or of another that belongs: sessions
//     are inherited, and only their leader can have made them.
//   - It has the tree's mark, or one that begins with it and a slash.
//   - Its parent belongs.
type hunt struct {
	trees []tree
	began time.Time
	since uint64 // when the oldest tree started; who is older is not looked at

	leaders  map[int]uint64 // pids of the trees' leaders, and their start
	marks    map[string]bool
	sessions map[int]bool   // that belong, also those of former looks
	stopped  map[int]uint64 // whom freeze has stopped, and their start

	people  []person // of the last look
	members map[int]bool
	buf     []byte
}

func newHunt(trees []tree) *hunt {
	h := &hunt{
		trees:    trees,
		began:    time.Now(),
		since:    ^uint64(0),
		leaders:  map[int]uint64{},
		marks:    map[string]bool{},
		sessions: map[int]bool{},
		stopped:  map[int]uint64{},
		members:  map[int]bool{},
		buf:      make([]byte, 32<<10),
	}
	for _, t := range trees {
		h.add(t)
	}
	return h
}

// add says that t is to be found. A leader's number counts as its own while it
// is that process, or nobody: a process group or session keeps it from being
// given to another.
func (h *hunt) add(t tree) {
	h.marks[t.mark] = true
	now := uint64(0)
	if t.leader > 1 {
		now = startOf(t.leader)
	}
	start := t.start
	if start == 0 {
		start = now
	}
	if start == 0 {
		start = hostStart // a tree cannot be older than its host
	}
	h.since = min(h.since, start)
	if t.leader > 1 && (now == 0 || now == start) {
		h.leaders[t.leader] = now
		h.sessions[t.leader] = true
	}
}

// hostStart is when this process started, or, in a guard, its host.
var hostStart = startOf(os.Getpid())

// freeze stops all that belong, so that none of them can start another, or lose
// the parent by which it is told, while the others are killed.
func (h *hunt) freeze() {
	for range freezeFor {
		before := len(h.stopped)
		if h.signal(syscall.SIGSTOP) == 0 || len(h.stopped) == before {
			return
		}
	}
}

// killGroups kills the process groups of the leaders that are there, alive or
// as zombies, which keeps the number theirs: all of them at the same moment.
func (h *hunt) killGroups() {
	for leader, start := range h.leaders {
		if start != 0 {
			syscall.Kill(-leader, syscall.SIGKILL)
		}
	}
}

// signal looks who is there, and sends sig to all that belong and are alive. It
// returns how many those are.
func (h *hunt) signal(sig syscall.Signal) (alive int) {
	h.look()
	for i := range h.people {
		p := &h.people[i]
		if !h.members[p.pid] || !p.alive() {
			continue
		}
		alive++
		if h.spares(p) {
			continue
		}
		if sig == syscall.SIGSTOP {
			if h.stopped[p.pid] == p.start {
				continue
			}
			h.stopped[p.pid] = p.start
		}
		h.send(p, sig)
	}
	return alive
}

// spares reports whether p is the guard of a host in the tree, and is to be
// left alone yet. When its host dies it knows whom to kill better than we do:
// a process without a mark, in the session of a leader that is dead and reaped.
// Then it ends by itself. A name is easily taken, so it is not for long.
func (h *hunt) spares(p *person) bool {
	return p.guard && p.pid == p.session && time.Since(h.began) < spareFor
}

// send signals that very process, by a pidfd where the kernel has them: its
// number may have been given to another since it was looked at, and what the
// descriptor stands for is looked at again before the signal is sent.
func (h *hunt) send(p *person, sig syscall.Signal) {
	process, err := os.FindProcess(p.pid)
	if err != nil {
		return
	}
	defer process.Release()
	if now, ok := lookAt(p.pid, h.buf); ok && now.start == p.start {
		process.Signal(sig)
	}
}

// look reads who is there, and finds the members among them.
func (h *hunt) look() {
	h.read()
	clear(h.members)
	asked := make([]bool, len(h.people)) // whose environment was read
	for again := true; again; {
		again = false
		for i := range h.people {
			p := &h.people[i]
			if h.members[p.pid] {
				continue
			}
			belongs := h.sessions[p.session] || h.members[p.parent]
			if !belongs && !asked[i] && p.alive() {
				asked[i] = true
				belongs = h.ours(markOf(p, h.buf))
			}
			if belongs {
				again = true
				h.members[p.pid] = true
				if p.pid == p.session {
					h.sessions[p.pid] = true
				}
			}
		}
	}
}

// ours reports whether m is the mark of one of the trees, or of a tree in one.
func (h *hunt) ours(m string) bool {
	for end := 0; end < len(m); end++ {
		next := strings.IndexByte(m[end:], '/')
		if next < 0 {
			break
		}
		if end += next; h.marks[m[:end]] {
			return true
		}
	}
	return m != "" && h.marks[m]
}

// read fills people with the processes that are young enough to belong. Neither
// this one nor the kernel's threads do.
func (h *hunt) read() {
	h.people = h.people[:0]
	dir, err := os.Open("/proc")
	if err != nil {
		return
	}
	defer dir.Close()
	self := os.Getpid()
	for {
		names, _ := dir.Readdirnames(512)
		if len(names) == 0 {
			return
		}
		for _, name := range names {
			pid, err := strconv.Atoi(name)
			if err != nil || pid == self || pid <= 1 {
				continue
			}
			if p, ok := lookAt(pid, h.buf); ok && p.start >= h.since && !p.kernel {
				h.people = append(h.people, p)
			}
		}
	}
}
