package lock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A Semaphore has a number of units, which callers take and give back. Its zero
// value has none until [Semaphore.Resize]. It must not be copied after its
// first use.
//
// Units are taken in one of two ways. [Semaphore.With] takes them for a task
// while a function runs: they are the task's own, so that knots over them are
// found. What [Semaphore.Acquire] takes is nobody's: anybody may give it back,
// and so nobody can ever be said to wait in vain for it.
//
// # Order
//
// Requests of one [Priority] are served in the order in which they came, and
// none before another that is to be served first: so a large request is not
// starved by small ones that would fit, and a small one waits behind a large
// one. Nobody takes units while another waits who is to be served first. A
// caller has come once it is in the queue: before, it looks twice more whether
// there are units, and lets other goroutines run in between.
//
// # Cost
//
// Uncontended, Acquire and Release take half of what they take in
// golang.org/x/sync/semaphore, without an allocation. A wait allocates some 300
// bytes, and With one object.
type Semaphore struct {
	_ noCopy

	name *Class // nil for one that NewSemaphore did not make

	// word is the number of free units, of which less than none may be free,
	// times two, and queued.
	//
	// Whenever mu is free:
	//   S1. queued is set if and only if the queue is not empty. While it is
	//       set, word changes with mu held and not else.
	//   S2. If the queue is not empty, its head wants more than is free.
	//   S3. Nobody in the queue wants more than size.
	//   S4. free + owned <= size. The rest of size is held anonymously, or by a
	//       With that is about to count it as owned.
	//   S5. owned is the sum of holdings, and what callers outside every task
	//       have taken by With.
	word  atomic.Int64
	size  atomic.Int64 // written with mu held
	owned atomic.Int64 // written with mu held: units that some With holds

	mu       sync.Mutex
	queue    demand
	holdings *holding // the first of a list, in no order
}

// queued in Semaphore.word says that somebody waits: who comes must not take
// units then, and who gives some back has to look whom they are for.
const queued = 1

// mostUnits is how many can be counted in word.
const mostUnits = math.MaxInt64 >> 1

// A holding is units that a task holds by With.
type holding struct {
	next, prev *holding
	t          *graph.Task // nil: outside every task, and in no list
	n          int64
}

// NewSemaphore returns a semaphore of n units. It is called by its [Name] in
// reports, or else after the line that made it.
//
// # Panics
//
// NewSemaphore panics if n is not above zero or more than half of the largest
// int64, and if it is given another option than Name.
//
//go:noinline
func NewSemaphore(n int64, opts ...Option) *Semaphore {
	site := graph.CallerPC()
	if n <= 0 || n > mostUnits {
		panic(fmt.Sprintf("lock: NewSemaphore of %d units: it takes 1 to %d", n, int64(mostUnits)))
	}
	if merge("NewSemaphore", opts).class != nil {
		panic("lock: NewSemaphore with a class: semaphores have no part in the order of locks, give it a Name")
	}
	s := &Semaphore{name: made("NewSemaphore", site, opts)}
	s.size.Store(n)
	s.word.Store(n << 1)
	return s
}

// Acquire takes n units, waiting its turn until they are free. Units that are
// free are taken even if ctx has ended: ctx limits waiting and nothing else.
//
// The units are nobody's, and anybody may give them back by [Semaphore.Release].
// Use [Semaphore.With] where the same function takes and returns them: those who
// wait for units held so can be told that they wait for ever.
//
// opts may have a [Priority].
//
// # Errors
//
// A [*fault.Error] of kind Invalid if n is not above zero or more than the size,
// also if [Semaphore.Resize] makes it so while Acquire waits, and if ctx is nil;
// of kind Cancelled or Deadline if ctx ended first, which Is ctx's cause. A
// [*fault.Deadlock] if the wait would never end, since those who hold units by
// With wait, directly or through others, for the caller. With an error nothing
// is held.
//
// # Cancellation
//
// If ctx ends, Acquire leaves the queue as though it had never joined.
//
// # Panics
//
// Acquire panics if it is given another option than Priority.
func (s *Semaphore) Acquire(ctx context.Context, n int64, opts ...Option) error {
	if ctx != nil && n > 0 && len(opts) == 0 && graph.Watched.Load() == 0 && s.take(n) {
		return nil
	}
	return s.acquire(ctx, "Acquire", n, opts, nil)
}

// TryAcquire takes n units, as [Semaphore.Acquire] does, if they are free and
// nobody waits, and reports whether it did. It never waits. Of more units than
// the size it takes none.
//
// TryAcquire panics if n is not above zero.
func (s *Semaphore) TryAcquire(n int64) bool {
	if n <= 0 {
		panic(fmt.Sprintf("lock: TryAcquire of %d units of %v: ask for at least 1", n, s))
	}
	return s.take(n)
}

// take takes n units, n being above zero, if they are free and nobody waits.
func (s *Semaphore) take(n int64) bool {
	for {
		w := s.word.Load()
		if w&queued != 0 || w>>1 < n {
			return false
		}
		if s.word.CompareAndSwap(w, w-n<<1) {
			return true
		}
	}
}

// Release gives n units back that were taken by [Semaphore.Acquire] or
// [Semaphore.TryAcquire], and serves whoever waits for them. They may have been
// taken in several portions, by anybody.
//
// # Panics
//
// Release panics if n is not above zero, or more than is held so. What
// [Semaphore.With] holds is not given back by Release.
func (s *Semaphore) Release(n int64) {
	w := s.word.Load()
	if n > 0 && w&queued == 0 && n <= s.anonymous(w) && s.word.CompareAndSwap(w, w+n<<1) {
		return
	}
	s.release(n)
}

// anonymous returns how many units are held by nobody, given that word is w. It
// is exact if mu is held.
func (s *Semaphore) anonymous(w int64) int64 { return s.size.Load() - s.owned.Load() - w>>1 }

// With takes n units for as long as f runs, and calls f with ctx. It gives them
// back however f ends, by a panic and runtime.Goexit too, and returns f's error
// as it is.
//
// The calling task is known to hold the units meanwhile: see [fault.Deadlock].
// Opts and waiting are as for [Semaphore.Acquire].
//
// # Errors
//
// With returns what Acquire does if it cannot have the units; f is not called
// then. It is an error of kind Invalid if f is nil.
//
// # Panics
//
// With panics if it is given another option than [Priority], and if f does.
func (s *Semaphore) With(ctx context.Context, n int64, f func(context.Context) error, opts ...Option) error {
	if f == nil {
		return &fault.Error{Op: "lock: with", Task: s.seen().Label().Name, Kind: fault.Invalid, Err: errNoFunction}
	}
	own := &holding{n: n}
	if err := s.acquire(ctx, "With", n, opts, own); err != nil {
		return err
	}
	defer s.giveBack(own)
	return f(ctx)
}

var (
	errNoFunction = errors.New("the function is nil")
	errNoUnits    = errors.New("there are no units")
)

// Resize makes n the number of units there are.
//
// If that is less than what is held, nothing is taken from anybody: units that
// come back are not given out again until no more than n are held. Those who
// wait for more than n get an error of kind Invalid at once. If there are more
// units than before, those who wait are served with them.
//
// A smaller semaphore may be one in which those who wait would wait for ever,
// with what the tasks hold whom they wait for. They look again, and one of each
// knot gets a [*fault.Deadlock].
//
// # Errors
//
// Resize returns an error of kind Invalid if n is not above zero, or more than
// [NewSemaphore] takes.
func (s *Semaphore) Resize(n int64) error {
	if n <= 0 || n > mostUnits {
		return &fault.Error{Op: "lock: resize", Task: s.seen().Label().Name, Kind: fault.Invalid,
			Err: fmt.Errorf("%d units", n), Hint: fmt.Sprintf("it takes 1 to %d", int64(mostUnits))}
	}
	var out wakes
	s.mu.Lock()
	more := n - s.size.Load()
	s.size.Store(n)
	s.word.Add(more << 1)
	if more < 0 {
		s.refuseLocked(&out)
	}
	s.serveLocked(&out)
	if more < 0 && s.holdings != nil {
		s.lookAgainLocked(&out)
	}
	s.unlock(&out)
	return nil
}

// Size returns the number of units there are, held and free.
func (s *Semaphore) Size() int64 { return s.size.Load() }

// Waiting returns how many requests are in the queue. It is a figure for people
// and for who resizes: it may be another one by the time it is read.
func (s *Semaphore) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.n
}

// String returns what the semaphore is called in reports: "semaphore db".
func (s *Semaphore) String() string { return s.seen().Label().String() }
