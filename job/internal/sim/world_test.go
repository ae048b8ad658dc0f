package sim_test

import (
	"fmt"
	"runtime/debug"
)

// A world is one history: owners, a log, a network, clients and workers, in
// virtual time. It is a pure function of its seed and of the steps that are left
// out: one goroutine, no clock, no order of a map.
type world struct {
	seed   uint64
	now    int64 // microseconds since it began
	queue  events
	made   uint64
	steps  []step
	common *dice // of what is no step's: latencies while nothing is broken

	disk    disk
	shells  []*shell
	net     network
	clients [3]*client
	workers [3]*worker
	ops     []*op
	jobs    []uint64 // that were acknowledged
	remotes [2]*remote
	asked   map[uint64]bool   // sessions that somebody has asked to be ended
	epochs  map[uint64]uint32 // of jobs, the last that was given away

	settings settings
	follower follower
	over     bool // no more faults: the finale
	landed   uint64

	tally  tally
	broken []breach

	telling bool
	lines   []string
	mutant  shellMutant
}

const (
	base     = 1_700_000_000_000_000 // the calendar when a world begins
	scripted = 25e6                  // how long steps go on, about
	budget   = 20_000                // events
)

func newWorld(seed uint64, skip []bool, m mutation) *world {
	w := &world{seed: seed, common: newDice(seed, 0)}
	w.disk = disk{w: w, first: 1, broken: m.disk}
	w.mutant = m.shell
	w.asked, w.epochs = make(map[uint64]bool), make(map[uint64]uint32)
	w.follower.begin(w)
	for i := range w.clients {
		w.clients[i] = &client{n: i}
	}
	for i := range w.workers {
		w.workers[i] = &worker{n: i}
	}
	for i := range w.remotes {
		w.remotes[i] = newRemote(w, i)
	}
	w.settings = newSettings(newDice(seed, -2))
	w.steps = script(seed)
	for i := range w.steps {
		if len(skip) == 0 || !skip[i] {
			w.at(w.steps[i].at, func() { w.perform(&w.steps[i]) })
		}
	}
	return w
}

// at lets something happen at a time, or now if that is past.
func (w *world) at(t int64, do func()) {
	w.made++
	w.queue.push(event{max(t, w.now), w.made, do})
}

func (w *world) after(d int64, do func()) { w.at(w.now+d, do) }

// run lets everything happen, until nothing is left to or a rule is broken.
func (w *world) run() {
	defer func() {
		if v := recover(); v != nil {
			w.breaks(progress, "panic: %v\n%s", v, trace())
		}
	}()
	w.boot(0)
	w.at(w.steps[len(w.steps)-1].at+2e6, w.finale)
	n := 0
	for ; len(w.queue) > 0 && len(w.broken) == 0 && n < budget; n++ {
		e := w.queue.pop()
		w.now = e.at
		e.do()
		if n%256 == 255 {
			w.follow(w.landed) // so that what goes wrong does not go on
		}
	}
	w.tally[happenings] += int64(n)
	if n == budget {
		w.breaks(progress, "%d events, and no end of them", n)
	}
	if len(w.broken) == 0 {
		w.silence()
	}
	w.judge()
}

func trace() []byte {
	stack := debug.Stack()
	return stack[:min(len(stack), 3000)]
}

func (w *world) tell(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf("%11.6fs  ", float64(w.now)/1e6)+fmt.Sprintf(format, args...))
}

var (
	queueNames = []string{"a", "b", "c"}
	taskNames  = []string{"s", "t", "p"}
	planNames  = []string{"m", "n"}
	groupNames = []string{"", "g", "h"}
	tagTexts   = []string{"x", "y"}
	capNames   = []string{"k", "l", "x"} // limits that jobs name; nobody sets x
)
