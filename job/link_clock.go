package job

import (
	"time"

	"github.com/hemgo/hem/job/internal/wire"
)

// A reading is what the owner's clock has said to a process elsewhere: at some moment
// between the question and the answer. Of both times the monotonic part counts, so
// that it holds although the calendar here is set.
type reading struct {
	says     int64 // in microseconds
	from, to time.Time
}

// wall and local: see [desk].
func (r reading) wall(t time.Time) int64       { return r.says + t.Sub(r.from).Microseconds() }
func (r reading) local(micros int64) time.Time { return later(r.to, micros-r.says) }

func (l *link) wall(t time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock.wall(t)
}

func (l *link) local(micros int64) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock.local(micros)
}

// ping asks whether anybody is there, and how late it is. Of two questions nobody could
// tell which one is answered, so while one is open it is not asked again: what is
// heard next shows as well that somebody is there. mu is held.
func (n *line) ping(now time.Time) {
	if n.asked.IsZero() {
		n.asked = now
		n.put(wire.Ping, 0, nil)
	}
}

// reads takes what the owner's clock says. The newest reading counts, however long it
// took: clocks are set, and go at different speeds. mu is held.
func (n *line) reads(clock int64, now time.Time) {
	if !n.asked.IsZero() {
		n.link.clock = reading{clock, n.asked, now}
		n.asked = time.Time{}
	}
}
