package sim_test

// A what is a kind of step.
type what uint8

const (
	doEnqueue what = iota
	doMany
	doClaim
	doOpen
	doEndSession
	doCancel
	doRevive
	doRead
	doDrop
	doRepeat
	doPause
	doPlan
	doUnplan
	doWorker
	doCall
	doAwait
	haltsWorker
	logFails
	netFails
	cutsPower
	kills
	closes
	usurps
	stalls
	setsClock
	verifies
	whats
)

var weights = [whats]int64{
	doEnqueue: 64, doMany: 12, doClaim: 60, doOpen: 4, doEndSession: 3, doCancel: 12, doRevive: 6, doRead: 6,
	doDrop: 8, doRepeat: 6, doPause: 4, doPlan: 4, doUnplan: 1, doWorker: 4, doCall: 10, doAwait: 8, haltsWorker: 3, logFails: 12, netFails: 5, cutsPower: 2, kills: 2, closes: 1, usurps: 3,
	stalls: 3, setsClock: 2, verifies: 2,
}

// A step is something that somebody does, or that befalls them, at a time that
// the seed alone decides. Everything else follows from steps.
type step struct {
	at   int64
	what what
	d    *dice
	n    int
}

// climates are kinds of steps of which a seed may have none, as many as usual, or
// three times as many.
var climates = [][]what{
	{logFails}, {netFails}, {cutsPower}, {kills, closes, usurps, stalls}, {setsClock}, {doDrop, doRepeat},
	{doCancel, doRevive}, {doEndSession, doOpen}, {doPause}, {doPlan, doUnplan}, {doWorker}, {haltsWorker},
}

// mostQuiet is how many steps a quiet history has at most: in it is seen what becomes
// of those who are silent.
const mostQuiet = 40

// script makes the steps of a seed: in bursts, so that much is under way at once.
func script(seed uint64) []step {
	d := newDice(seed, -1)
	weights := weights
	for _, kinds := range climates {
		times := pick[int64](d, 0, 1, 1, 1, 3)
		for _, k := range kinds {
			weights[k] *= times
		}
	}
	n, quiet := d.between(60, 200), d.one(4)
	if quiet {
		n = d.between(10, mostQuiet)
		for _, k := range []what{doWorker, haltsWorker, usurps} {
			weights[k] = max(weights[k], 3) * 8
		}
	}
	var total int64
	for _, w := range weights {
		total += w
	}
	steps := make([]step, n)
	mean := scripted / int64(len(steps))
	if quiet {
		mean *= 2
	}
	at := int64(2000)
	for i := range steps {
		switch {
		case d.percent(60):
			at += d.below(1500)
		case d.percent(60):
			at += d.below(mean)
		default:
			at += d.below(5 * mean)
		}
		kind, left := what(0), d.below(total)
		for left >= weights[kind] {
			left -= weights[kind]
			kind++
		}
		if quiet && i < 3 {
			kind = []what{doEnqueue, doEnqueue, doWorker}[i]
		}
		steps[i] = step{at, kind, newDice(seed, i+1), i}
	}
	return steps
}

// perform does a step.
func (w *world) perform(p *step) {
	d := p.d
	switch p.what {
	case doEnqueue:
		w.enqueue(d, 1)
	case doMany:
		w.enqueue(d, int(d.between(2, 4)))
	case doClaim:
		w.claim(d, w.workers[d.below(3)])
	case doOpen:
		w.open(d, w.workers[d.below(3)])
	case doEndSession:
		w.endSession(d, w.workers[d.below(3)])
	case doCancel:
		w.cancel(d)
	case doRevive:
		w.revive(d)
	case doRead:
		w.readSomething(d)
	case doDrop:
		w.dropSome(d)
	case doRepeat:
		w.repeatSome(d)
	case doPause:
		w.pause(d)
	case doPlan:
		w.planSomething(d)
	case doUnplan:
		w.unplan(d)
	case doCall:
		w.call(d)
	case doAwait:
		w.await(d, w.someJob(d), 0, 0)
	case doWorker:
		w.remotes[d.below(2)].start(d)
	case verifies:
		w.verify(d)
	default:
		w.befall(p)
	}
}

// befall is what nobody wants.
func (w *world) befall(p *step) {
	d := p.d
	switch p.what {
	case logFails:
		l := &w.disk
		l.fault, l.d, l.until = logFault(d.below(int64(logFaults))), d, w.now+d.between(1e3, 3e6)
		if l.fault == low {
			w.tally[lowLogs]++
			l.room = pick(d, -1, d.below(4<<20))
		}
		w.note("the log is %s for %d µs", logFaultNames[l.fault], l.until-w.now)
	case netFails:
		w.net.d, w.net.until = d, w.now+d.between(1e3, 3e6)
		w.note("the network is bad for %d µs", w.net.until-w.now)
	case cutsPower:
		w.disk.cut(d)
		for _, s := range w.shells {
			if !s.dead && d.one(2) {
				s.die(d)
			}
		}
	case kills:
		if s := w.someOwner(d); s != nil {
			s.die(d)
		}
	case closes:
		if s := w.someOwner(d); s != nil {
			s.close()
		}
	case usurps:
		w.seclude(d)
		w.boot(d.below(5e3))
	case haltsWorker:
		r, long := w.remotes[d.below(2)], d.below(pick[int64](d, 1e6, 12e6, 30e6, 30e6))
		if d.one(2) {
			r.lone(long)
		} else {
			r.halt(long, d.one(3))
		}
	case stalls:
		if s := w.someOwner(d); s != nil {
			s.pause(d.between(1e3, pick[int64](d, 5e6, 5e6, 30e6)))
			if d.one(2) {
				w.seclude(d)
				w.boot(d.below(3e6))
			}
		}
	case setsClock:
		if s := w.someOwner(d); s != nil {
			s.jump(pick[int64](d, -3600e6, -3600e6, -2e6, 3e6, 30e6, 3e6, 30e6, 24*3600e6))
		}
	}
}

// note tells if somebody listens.
func (w *world) note(format string, args ...any) {
	if w.telling {
		w.tell(format, args...)
	}
}
