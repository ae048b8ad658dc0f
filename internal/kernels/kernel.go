package kernels

import "slices"

// A Kernel is one bug and how it was fixed.
type Kernel struct {
	// Bug is the project and the number of its issue, pull request or commit.
	Bug string

	// Study is where the bug is described.
	Study string

	Class Class

	// Story says what happened and, after "Fixed:", what the fix is here: the
	// project's own where that is known and has an equivalent.
	Story string

	Buggy, Fixed func(World)
}

// A Class is what a kernel's strands wait for.
type Class string

const (
	// DoubleLock is a strand that waits for what it holds itself, or what was
	// never unlocked.
	DoubleLock Class = "double lock"
	// Inversion is locks taken in different orders.
	Inversion Class = "lock order"
	// PendingWriter is a reader that reads again behind a writer that waits.
	PendingWriter Class = "pending writer"
	// LockAndWait is a lock held while waiting for a goroutine's end.
	LockAndWait Class = "lock and wait"
	// LockAndChannel is a lock held while sending or receiving.
	LockAndChannel Class = "lock and channel"
	// Exhaustion is a semaphore or a pool all of whose units are held by those
	// who need more.
	Exhaustion Class = "exhaustion"
)

// Classes returns all classes.
func Classes() []Class {
	return []Class{DoubleLock, Inversion, PendingWriter, LockAndWait, LockAndChannel, Exhaustion}
}

const (
	// goBench is T. Yuan et al., "GoBench: A Benchmark Suite of Real-World Go
	// Concurrency Bugs", CGO 2021, its part GoKer.
	goBench = "GoBench"
	// asplos is T. Tu, X. Liu, L. Song, Y. Zhang, "Understanding Real-World
	// Concurrency Bugs in Go", ASPLOS 2019, and its data set. Most of GoBench's
	// come from there too; these do not stand in GoBench.
	asplos = "ASPLOS'19"
	// issue is a bug that its project's own tracker describes.
	issue = "issue"
)

// All returns every kernel, class by class.
func All() []Kernel {
	return slices.Concat(doubleLocks, inversions, pendingWriters, locksAndWaits, locksAndChannels, exhaustions)
}
