package graph

import (
	"context"
	"sync/atomic"
)

// A Scheduler decides who runs next among the tasks it controls (G6). It is
// nil in production; schedtest and this package's tests supply one. Every
// method but Spawned and Woken is called by the task's own goroutine.
type Scheduler interface {
	// Spawned tells of a new task, on its spawner's goroutine.
	Spawned(t *Task)
	// Started returns when t may run for the first time.
	Started(t *Task)
	// Parking says that t is about to block in w, and lets somebody else run.
	Parking(t *Task, w *Wait)
	// Resumed returns when t may run again after a wait.
	Resumed(t *Task)
	// Woken says that t's wait has been granted.
	Woken(t *Task)
	// Point is a place where another task could have run: a try-lock, a turn
	// of a spin, a look at a context. It returns when t may go on.
	Point(t *Task)
	// Ended says that t acts no more: those who waited for its end are woken.
	Ended(t *Task)
}

// Watched counts those who must know of every acquisition, also of what is free:
// schedulers and the checker of lock orders. A fast path reads it and nothing
// else of theirs.
var Watched atomic.Int32

type schedulerKey struct{}

// WithScheduler makes s control the tasks that are adopted under the context,
// and their children.
func WithScheduler(ctx context.Context, s Scheduler) context.Context {
	Watched.Add(1) // for good
	return context.WithValue(ctx, schedulerKey{}, s)
}

// Point offers t's scheduler, if it has one, to run somebody else.
func (t *Task) Point() {
	if t == nil {
		return
	}
	if s := t.Scheduler(); s != nil {
		s.Point(t)
	}
}

// A Launcher decides on which goroutine a task's function runs, and when.
type Launcher interface {
	// Launch sees to it that r.Run is called exactly once.
	Launch(t *Task, r Launched)
}

// Launched is a task that waits for its goroutine.
type Launched interface {
	// Run runs the task on the calling goroutine, or ends it with the reason
	// why its function is not to be run at all. It reports whether the function
	// returned: a panic has been dealt with, a Goexit goes on in the caller.
	Run(refused error) (returned bool)
}
