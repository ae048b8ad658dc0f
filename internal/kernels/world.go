// Package kernels has real-world deadlocks of Go programs, each cut down to what
// made it one and each with its fixed twin, and runs them in Hem's world.
//
// A kernel is written once, from the description of the bug in a published study
// or in the issue where it was reported, against a [World]: that of Hem's locks,
// scopes and semaphores, where every schedule of a thousand can be tried, or
// that of somebody else's, to compare.
//
// # What is kept of a bug
//
// Who takes what, in what order, and who waits for whom while holding what.
// Names are the originals'. Gone is what the locks protect.
//
// Channels are kept where they are a wait for one goroutine: to send on an
// unbuffered channel, or a full one, is to wait until its receiver comes to the
// receive. So the receiver's way there is a strand, and the send is a wait for
// that strand's end, as is a receive of what one goroutine will send, a wait
// for a WaitGroup, or for a channel that one goroutine closes.
//
// # What it refuses
//
// Bugs whose essence is that nobody will ever send: goroutines that leak on a
// channel are no knot, and belong to who can tell that nobody holds its other
// end. Copies of other people's code.
package kernels

// A World is where a kernel runs: it makes the locks, and starts strands, which
// are goroutines by another name.
type World interface {
	Mutex(name string) Mutex
	RWMutex(name string) RWMutex
	// Semaphore has that many units.
	Semaphore(name string, units int64) Semaphore
	// Go starts a strand.
	Go(name string, f func(Strand)) Done
}

// A Strand is the goroutine that runs a function of a kernel.
//
// A world may tell a strand that what it waits for can never come. Then the
// strand gives up: the operation does not return, deferred calls run, and the
// strand has ended.
type Strand interface {
	// Wait waits for the end of a strand, however that came.
	Wait(Done)
	// Join runs body, and waits for all strands that it started in the World
	// it was given.
	Join(body func(World))
}

// Done is a strand's end, to be waited for by [Strand]'s Wait.
type Done interface{}

// A Mutex is a mutual exclusion lock.
type Mutex interface {
	Lock(Strand)
	Unlock(Strand)
}

// A RWMutex is a lock for one writer or any number of readers. Where a writer
// waits, new readers wait behind it.
type RWMutex interface {
	Mutex
	RLock(Strand)
	RUnlock(Strand)
}

// A Semaphore has units that its users share.
type Semaphore interface {
	// With calls f while the strand has n of the units.
	With(s Strand, n int64, f func())
}
