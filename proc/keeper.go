package proc

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

const (
	firstBackoff = 100 * time.Millisecond
	longBackoff  = 10 * time.Second

	// shortLife is how long a worker must have lived, or served a call, for its
	// end not to count as a failed start.
	shortLife = time.Second
)

// keep is the keeper. It ends when the house is closing and empty.
func (h *house) keep() {
	defer close(h.kept)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, done := h.look(time.Now())
		if done {
			return
		}
		timer.Reset(next)
		select {
		case <-h.kick:
		case <-timer.C:
		}
	}
}

// longest is how long the keeper sleeps at most.
const longest = time.Hour

// look does what is to be done at now, and returns when to look again.
func (h *house) look(now time.Time) (next time.Duration, done bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next = h.endOverdueLocked(now)
	if h.closing {
		return next, len(h.workers) == 0
	}
	h.retireDueLocked(now)
	next = min(next, h.shrinkLocked(now), h.nextDueLocked(now), h.hearIdleLocked())
	h.want = min(max(h.want, h.Warm, h.busyLockedCount()+len(h.waiting)), h.Workers)
	return min(next, h.startMissingLocked(now)), false
}

// hearEvery is how often idle workers are looked at, from whom nobody reads.
const hearEvery = time.Second

// hearIdleLocked finds out workers that have sent something without a call.
func (h *house) hearIdleLocked() time.Duration {
	for _, w := range h.idle {
		if w.strays() {
			w.breaks(errUnasked)
		}
	}
	return hearEvery
}

// startMissingLocked starts as many workers as are missing, and returns when it
// can start more.
func (h *house) startMissingLocked(now time.Time) time.Duration {
	missing, starts := h.want, 0
	for _, w := range h.workers {
		if w.state == starting {
			starts++
		}
		if w.state != leaving && !w.due {
			missing--
		}
	}
	if missing <= 0 {
		return longest
	}
	if wait := h.notBefore.Sub(now); wait > 0 {
		return wait
	}
	for ; missing > 0 && starts < startsAtOnce(h.failures); missing-- {
		h.startLocked(now)
		starts++
	}
	return longest // the end of a start is a reason to look
}

// startsAtOnce bounds a burst of starts: forks of one process queue for one lock,
// and a command that has failed is tried alone.
func startsAtOnce(failures int) int {
	if failures > 0 {
		return 1
	}
	return max(2, runtime.GOMAXPROCS(0))
}

func (h *house) startLocked(now time.Time) {
	w := &worker{house: h, state: starting, since: now, born: now, broken: make(chan error, 1)}
	if c := h.Retire.Calls; c > 0 {
		w.callLimit = c - rand.IntN(c/10+1)
	}
	if a := h.Retire.Age; a > 0 {
		w.expires = now.Add(a - time.Duration(rand.Int64N(int64(a)/10+1)))
	}
	h.workers = append(h.workers, w)
	h.starts++
	go w.live()
}

// retireDueLocked retires idle workers that are due, as far as others are ready
// in their place.
func (h *house) retireDueLocked(now time.Time) {
	ready := 0
	for _, w := range h.workers {
		w.due = w.due || !w.expires.IsZero() && !now.Before(w.expires)
		if w.state == idle || w.state == busy {
			ready++
		}
	}
	for _, w := range h.workers {
		if ready <= h.want {
			return
		}
		if w.due && w.state == idle {
			h.retireLocked(w, now)
			ready--
		}
	}
}

// shrinkLocked retires workers beyond Warm that have been idle for too long, and
// returns when the next one will have been.
func (h *house) shrinkLocked(now time.Time) time.Duration {
	next := longest
	for len(h.idle) > 0 && h.want > h.Warm {
		w := h.idle[0] // who has been idle longest
		if left := h.Retire.Idle - now.Sub(w.since); left > 0 {
			return left
		}
		h.want--
		h.retireLocked(w, now)
	}
	return next
}

// nextDueLocked returns when the next worker becomes due.
func (h *house) nextDueLocked(now time.Time) time.Duration {
	next := longest
	for _, w := range h.workers {
		if !w.due && !w.expires.IsZero() && w.state != leaving {
			next = min(next, max(w.expires.Sub(now), 0))
		}
	}
	return next
}

// endOverdueLocked kills workers that should have left, and returns when the
// next one should have.
func (h *house) endOverdueLocked(now time.Time) time.Duration {
	next := longest
	for _, w := range h.workers {
		if w.state != leaving {
			continue
		}
		if left := h.Grace - now.Sub(w.since); left > 0 {
			next = min(next, left)
			continue
		}
		w.kill("it did not leave when it was told to")
	}
	return next
}

func (h *house) busyLockedCount() (n int) {
	for _, w := range h.workers {
		if w.state == busy {
			n++
		}
	}
	return n
}

// ready makes w, which has introduced itself, one of those that serve.
func (h *house) ready(w *worker) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.nudge()
	h.failures, h.lastErr, h.notBefore = 0, nil, time.Time{}
	h.openedLocked(nil)
	w.greeted = true
	if h.closing {
		w.state = idle
		h.retireLocked(w, now)
		return
	}
	h.serveLocked(w, now)
}

// ends takes w, whose process has ended, from those that serve, and returns what
// it was.
func (h *house) ends(w *worker) (was state) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was = w.state
	if was == idle {
		h.idle = slices.DeleteFunc(h.idle, func(i *worker) bool { return i == w })
	}
	w.state = ended
	w.early = was == starting || w.calls == 0 && time.Since(w.born) < shortLife
	return was
}

// gone forgets w, of which nothing is left. err is why it ended, nil if it was
// told to.
func (h *house) gone(w *worker, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.nudge()
	h.workers = slices.DeleteFunc(h.workers, func(o *worker) bool { return o == w })
	if err == nil || h.closing {
		return
	}
	h.losses++
	if !w.early {
		return
	}
	pause := h.failedLocked(err)
	if w.greeted {
		return // its end was logged
	}
	h.Log.Warn("proc: a worker did not start", "pool", h.Name, "again_in", pause, "error", err)
	graph.Report(graph.Finding{Code: "proc.cannot-start", Detail: err.Error()})
}

// failedLocked counts a start that came to nothing, and returns how long the
// next one is put off. Without any worker it is no use to wait for that.
func (h *house) failedLocked(err error) time.Duration {
	h.failures++
	h.lastErr = err
	pause := backoff(h.failures, rand.Float64())
	h.notBefore = time.Now().Add(pause)
	h.openedLocked(err)
	if h.hopelessLocked() {
		h.refuseAllLocked(err)
	}
	return pause
}

// hopelessLocked reports whether there is no worker, and the last one could not
// be started: then it is no use to wait for one.
func (h *house) hopelessLocked() bool {
	if h.lastErr == nil {
		return false
	}
	for _, w := range h.workers {
		if w.state == idle || w.state == busy {
			return false
		}
	}
	return true
}

// toldToLeave reports whether w is leaving because it was told to.
func (h *house) toldToLeave(w *worker) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return w.state == leaving
}

func (h *house) isClosing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closing
}

// backoff is the pause after so many failed starts in a row; r is from 0 to 1.
func backoff(failures int, r float64) time.Duration {
	d := longBackoff
	if shift := failures - 1; shift < 7 {
		d = min(firstBackoff<<shift, longBackoff)
	}
	return d - time.Duration(r*float64(d)/2)
}

// shut ends all workers, at once if kill is true, and returns when they have
// gone, and how many were killed while they had a call.
func (h *house) shut(kill bool) (killed int) {
	now := time.Now()
	h.mu.Lock()
	h.closing = true
	h.refuseAllLocked(&fault.Error{Op: "proc: run", Task: h.Name, Kind: fault.Cancelled, Err: errClosing})
	for _, w := range slices.Clone(h.workers) {
		switch {
		case w.state == busy && kill:
			killed++
			w.kill(reasonClosed)
		case w.state == idle:
			h.retireLocked(w, now)
		case w.state == starting || kill:
			w.kill(reasonClosed)
		}
	}
	h.mu.Unlock()
	h.nudge()
	<-h.kept
	h.close.Do(func() {
		if h.unplace != nil {
			h.unplace()
		}
		if err := h.nursery.Close(); err != nil {
			h.Log.Warn("proc: close", "pool", h.Name, "error", err)
		}
	})
	return killed
}
