package task

import (
	"context"
	"sync"
)

// Progress is how far a piece of work has come.
type Progress struct {
	// Done and Total count whatever the function counts. A Total of zero is
	// one that is not known.
	Done, Total int64

	// Note is a line for a person. It may be empty.
	Note string
}

type progressKey struct{}

// watcher delivers the reports of one OnProgress.
type watcher struct {
	f func(Progress)

	mu   sync.Mutex
	busy bool     // somebody is calling f, and will look at next again
	more bool     // next holds a report
	next Progress // the latest one not delivered
}

// OnProgress returns a context whose calls tell f what their functions
// [Report]. It is for the caller:
//
//	sum, err := Index.Do(task.OnProgress(ctx, bar.Set), kids, files)
//
// f is called by one goroutine at a time, in the order of the reports, and not
// after the call has returned. Where reports come faster than f or the way to
// it takes them, later ones replace earlier ones, but the last one arrives. On
// a rung with shared memory f runs on the reporting goroutine, which waits for
// it: it should be short, and a panic in it is the work's.
//
// What the function itself runs with its context reports to f as well. A nil f
// keeps reports from whoever listens further out.
//
// A runner that carries work elsewhere needs no other seam: there, it serves
// the task with OnProgress and a function that sends the report back; here, it
// calls [Report] with the caller's context.
func OnProgress(ctx context.Context, f func(Progress)) context.Context {
	var w *watcher
	if f != nil {
		w = &watcher{f: f}
	}
	return context.WithValue(ctx, progressKey{}, w)
}

// Report tells whoever listens by [OnProgress] how far the work has come. It is
// for the function, with its own context. If nobody listens it does nothing,
// for the price of one look into the context. It does not fail, and waits for
// no other goroutine.
func Report(ctx context.Context, p Progress) {
	if w, _ := ctx.Value(progressKey{}).(*watcher); w != nil {
		w.report(p)
	}
}

// Watched reports whether anybody listens to ctx's progress, so that a runner
// can do without carrying reports that nobody wants.
func Watched(ctx context.Context) bool {
	w, _ := ctx.Value(progressKey{}).(*watcher)
	return w != nil
}

// report delivers p, or leaves it to who is delivering: that keeps the order,
// keeps f to one goroutine, lets f report itself, and makes nobody wait.
func (w *watcher) report(p Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next, w.more = p, true
	if w.busy {
		return
	}
	w.busy = true
	defer func() { w.busy = false }() // f may panic
	for w.more {
		w.more = false
		w.deliver(w.next)
	}
}

// deliver calls f without the mutex, which it has again on return.
func (w *watcher) deliver(p Progress) {
	w.mu.Unlock()
	defer w.mu.Lock()
	w.f(p)
}
