package proc

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/proc/internal/child"
)

// A house is a pool's workers, and who looks after them: one goroutine, the
// keeper, that starts, replaces and retires them.
//
//	H1. A worker is in workers from its start until its process has been reaped.
//	H2. A worker is in idle if and only if its state is idle.
//	H3. Nobody is in waiting while a worker is idle.
//	H4. want is between Warm and Workers.
type house struct {
	Config  // with its defaults; never written again
	path    string
	nursery *child.Nursery
	unplace func()

	mu      sync.Mutex
	workers []*worker // oldest first
	idle    []*worker // who was busy last is last, and is taken first
	waiting []*taker  // oldest first
	opening *taker    // New, which waits for the first worker; nil: it does not
	want    int       // how many workers there should be
	closing bool

	failures  int       // starts in a row that came to nothing
	notBefore time.Time // no start until then
	lastErr   error     // of the newest of them

	starts, losses uint64 // for Figures: of processes, and of those that ended unasked

	kick  chan struct{} // of capacity one: the keeper is to look again
	kept  chan struct{} // closed when the keeper has ended
	close sync.Once
}

func openHouse(c Config, path string) (*house, error) {
	nursery, err := child.Open(child.Config{
		Name: c.Name,
		Limits: child.Limits{
			Memory: c.Limits.Memory, CPUWeight: c.Limits.CPUWeight, Pids: c.Limits.Pids,
			OpenFiles: c.Limits.OpenFiles, Nice: int(c.Limits.Nice),
		},
		Cgroup: c.Cgroup,
		Log:    c.Log,
	})
	if err != nil {
		return nil, &fault.Error{Op: "proc: new", Task: c.Name, Err: err}
	}
	h := &house{
		Config: c, path: path, nursery: nursery,
		want: c.Warm,
		kick: make(chan struct{}, 1), kept: make(chan struct{}),
	}
	go h.keep()
	return h, nil
}

// A taker waits for a worker.
type taker struct {
	wait graph.Wait
	got  *worker
	err  error
}

// Blocked is false: a worker becomes free when its call ends, which nothing here
// can prevent.
func (h *house) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the pool.
func (h *house) Label() graph.Label { return graph.Label{Kind: "proc", Name: h.Name} }

// nudge makes the keeper look again.
func (h *house) nudge() {
	select {
	case h.kick <- struct{}{}:
	default: // it is about to
	}
}

// freeLocked returns an idle worker, nil if there is none.
func (h *house) freeLocked() *worker {
	n := len(h.idle) - 1
	if n < 0 {
		return nil
	}
	w := h.idle[n]
	h.idle[n] = nil
	h.idle = h.idle[:n]
	return w
}

// firstReady waits for the first worker, or for the reason why there is none.
func (h *house) firstReady() error {
	k := new(taker)
	k.wait.BeginHeld(context.Background(), h)
	h.mu.Lock()
	if len(h.idle) > 0 || h.lastErr != nil {
		defer h.mu.Unlock()
		k.wait.Abandon()
		return h.lastErr
	}
	h.opening = k
	k.wait.Publish()
	h.mu.Unlock()
	if err := k.wait.Park(); err != nil {
		return err
	}
	return k.err
}

// openedLocked tells New how the first start came out.
func (h *house) openedLocked(err error) {
	if k := h.opening; k != nil && k.wait.Claim() {
		k.err = err
		k.wait.Wake()
	}
	h.opening = nil
}

// serveLocked gives w, which has no call, to who waits longest, or lets it be
// idle. H2, H3.
func (h *house) serveLocked(w *worker, now time.Time) {
	for len(h.waiting) > 0 {
		k := h.waiting[0]
		h.waiting = h.waiting[1:]
		if k.wait.Claim() {
			k.got = w
			h.busyLocked(w, now)
			k.wait.Wake()
			return
		}
	}
	w.state, w.since = idle, now
	h.idle = append(h.idle, w)
}

// busyLocked makes w the worker of a call that begins.
func (h *house) busyLocked(w *worker, now time.Time) {
	w.state, w.since = busy, now
	w.calls++
	if w.spent() {
		w.due = true
		h.nudge() // the replacement starts while the last call runs
	}
}

// refuseAllLocked tells everybody who waits that there is no worker.
func (h *house) refuseAllLocked(err error) {
	for _, k := range h.waiting {
		if k.wait.Claim() {
			k.err = err
			k.wait.Wake()
		}
	}
	h.waiting = nil
}

// giveBack ends w's call.
func (h *house) giveBack(w *worker) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case w.state != busy || w.spoiled.Load(): // it has gone, or is about to
		return
	case h.closing || w.spent():
		h.retireLocked(w, now)
	default:
		h.serveLocked(w, now)
	}
	if w.due || len(h.workers) > h.Warm {
		h.nudge()
	}
}

// retireLocked tells w, which has no call, to leave.
func (h *house) retireLocked(w *worker, now time.Time) {
	if w.state == idle {
		h.idle = slices.DeleteFunc(h.idle, func(i *worker) bool { return i == w })
	}
	w.state, w.since = leaving, now
	w.leave()
	h.nudge() // for who takes its place, and to see that it goes
}
