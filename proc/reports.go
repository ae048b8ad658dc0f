package proc

import (
	"sync"

	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

// reports sends a call's progress, without ever making the function wait: while
// one report is on its way, later ones replace each other.
type reports struct {
	e *errand

	mu   sync.Mutex
	next task.Progress
	more bool // next is to be sent
	busy bool // somebody is sending, and will look again
	idle sync.Cond
}

func newReports(e *errand) *reports {
	r := &reports{e: e}
	r.idle.L = &r.mu
	return r
}

// add takes a report, and sees to it that somebody sends it.
func (r *reports) add(p task.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next, r.more = p, true
	if !r.busy {
		r.busy = true
		go r.send()
	}
}

func (r *reports) send() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.more {
		p := r.next
		r.more = false
		r.mu.Unlock()
		body := frame.AppendProgress(nil, p.Done, p.Total, p.Note)
		r.e.servant.write(frame.Progress, r.e.id, body) // if nobody hears, the result will tell
		r.mu.Lock()
	}
	r.busy = false
	r.idle.Broadcast()
}

// flush returns when everything has been sent.
func (r *reports) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.busy {
		r.idle.Wait()
	}
}
