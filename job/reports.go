package job

import (
	"context"
	"sync"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/task"
)

// reports are on their way from a handler to the owner, which keeps the newest of
// them while the job is running. A handler never waits for them: what it says
// while others are on their way is sent after them, the newest progress and the
// newest hundred lines.
type reports struct {
	of *attempt

	mu    sync.Mutex
	next  owner.Reported
	more  bool          // next holds something
	busy  chan struct{} // closed when who sends has ended; nil if nobody does
	hurry chan struct{} // closed when there is no time to wait
	ended bool
}

// reportPause is the shortest time between two reports of a job.
const reportPause = 20 * time.Millisecond

const mostLines = 100

// progress takes what the handler has reported.
func (r *reports) progress(p task.Progress) {
	r.put(func(next *owner.Reported) {
		next.Said, next.Done, next.Total, next.Note = true, p.Done, p.Total, cut(p.Note, mostLine)
	})
}

// say takes a line.
func (r *reports) say(line string) {
	r.put(func(next *owner.Reported) {
		next.Lines = append(next.Lines, line)
		if over := len(next.Lines) - mostLines; over > 0 {
			next.Lines = append(next.Lines[:0:0], next.Lines[over:]...)
		}
	})
}

func (r *reports) put(change func(*owner.Reported)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	change(&r.next)
	r.more = true
	if r.busy == nil {
		r.busy, r.hurry = make(chan struct{}), make(chan struct{})
		go r.send(r.busy, r.hurry)
	}
}

// send sends until there is nothing more. It ends before its attempt does.
func (r *reports) send(done, hurry chan struct{}) {
	defer close(done)
	pause := time.NewTimer(reportPause)
	defer pause.Stop()
	for r.sendNext() {
		pause.Reset(reportPause)
		select {
		case <-pause.C:
		case <-hurry:
		}
	}
}

func (r *reports) sendNext() bool {
	r.mu.Lock()
	if !r.more || r.ended {
		r.busy = nil
		r.mu.Unlock()
		return false
	}
	r.mu.Unlock()
	r.sendNow(context.Background())
	return true
}

// sendNow sends what there is. That nobody hears it is no matter.
func (r *reports) sendNow(ctx context.Context) {
	r.mu.Lock()
	l := r.of.lease
	q := l.request(owner.Report)
	q.Report, r.next, r.more = r.next, owner.Reported{}, false
	r.mu.Unlock()
	_ = l.session.ask(ctx, q)
}

// flush sends the rest, before the attempt's outcome.
func (r *reports) flush(ctx context.Context) {
	r.mu.Lock()
	r.ended = true
	busy, more := r.busy, r.more
	if busy != nil {
		close(r.hurry)
	}
	r.mu.Unlock()
	if busy != nil {
		<-busy
		r.mu.Lock()
		more = r.more
		r.mu.Unlock()
	}
	if more {
		r.sendNow(ctx)
	}
}
