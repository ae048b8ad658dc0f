package child

import (
	"os"
	"syscall"
	"time"
)

// Limits bound each tree. Zero means no limit.
type Limits struct {
	Memory    int64 // bytes
	CPUWeight int   // 1 to 10000, as in cgroup's cpu.weight
	Pids      int   // processes and threads, as the kernel counts them
	OpenFiles int   // of each process
	Nice      int   // of each process, when it starts
}

// Spec says what to start.
type Spec struct {
	Path string   // an executable, as exec.LookPath gives it
	Args []string // with the program's name first
	Env  []string // of the child, all of it: nil is empty; the mark is added
	Dir  string   // empty: the host's

	// Files become the child's descriptors 3, 4 and so on. The caller closes
	// its own. Standard input is empty.
	Files []*os.File

	// Output gets each line that the child prints, without its end, and by
	// which stream ("stdout", "stderr"). It is called by one goroutine for each
	// stream, and line is valid until it returns. A line is cut after 8 KiB.
	// dropped is how many lines before this one were not passed on: a stream's
	// 200 in a second are, and always its last.
	Output func(stream string, line []byte, dropped int)
}

// Usage is what a tree uses now. A figure of what is not known is zero.
type Usage struct {
	Memory int64         // resident bytes
	CPU    time.Duration // of all its processes so far
	Pids   int           // processes and threads
}

// An Exit says how a child ended.
type Exit struct {
	Pid    int
	Code   int            // exit status; -1 if a signal ended it, or if nobody knows: the host waits for any child
	Signal syscall.Signal // zero if it exited
	Killed bool           // Kill was called before it ended

	// OverMemory and OverPids say that the limit was reached: that the kernel
	// said so, or that the host saw it and killed the tree for it.
	OverMemory, OverPids bool

	Peak int64         // resident bytes of the child at most, if known
	CPU  time.Duration // user and system, of the child and those it waited for
	Tail []byte        // the end of what it printed to standard error, at most 4 KiB
}

// Confinement says by what a nursery's children are held, for people.
type Confinement struct {
	Cgroup string // the directory that they are born in; empty: none
	Why    string // why there is no cgroup, or which controllers it lacks
	Tree   string // how a tree is killed: "cgroup", or "session and mark"
	Memory string // by what each limit is held: "cgroup", "watched, then rlimit", "none"
	CPU    string
	Pids   string
}
