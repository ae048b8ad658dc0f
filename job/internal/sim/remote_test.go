package sim_test

import (
	"errors"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A remote is a worker in another process: it has a connection to an owner, and a
// session that outlives owners as long as they hear of it. Its clock is as wrong as
// a clock may be. It may stand still for long at any time and go on as if nothing
// had been; then its clock has gone on, or has not, and then it cannot know.
type remote struct {
	w     *world
	n     int
	d     *dice
	lives int
	life  int // 0: it is not there
	slots int
	slow  bool // whatever it does takes long

	ppm      int64 // by how many millionths its clock is fast
	slept    int64 // for so long its clock stood still
	woke     int64 // until then, by its clock
	halted   bool
	deferred []func() // what it hears when it goes on

	at   *shell
	cut  int64        // until then nothing of it arrives, nor anything for it
	link int          // the number of its connection
	hung map[int]bool // those that owners know to be closed

	session  uint64
	said     int64 // by its clock: when it sent the last word that was answered
	unsure   bool  // its clock stood still since
	attached bool  // the connection is the session's
	claiming bool
	seen     uint64
	works    []*attempt // what it has claimed, until it knows that the outcome is in the log
}

func newRemote(w *world, n int) *remote {
	return &remote{w: w, n: n, d: newDice(w.seed, -10-n), hung: make(map[int]bool)}
}

func (r *remote) clock() int64 { return r.w.now + r.w.now*r.ppm/1e6 - r.slept }

// real is how long that takes which by its clock takes d, or a little more.
func (r *remote) real(d int64) int64 { return max(d, 0)*1e6/(1e6+r.ppm) + 2 }

// hear lets it learn of something: when it goes on, if it stands still.
func (r *remote) hear(do func()) {
	if r.halted {
		r.deferred = append(r.deferred, do)
	} else {
		do()
	}
}

// when does something in this life at a time by its clock.
func (r *remote) when(at int64, do func()) {
	life := r.life
	r.w.after(r.real(at-r.clock()), func() {
		r.hear(func() {
			switch {
			case life != r.life:
			case r.clock() < at: // it stood still
				r.when(at, do)
			default:
				do()
			}
		})
	})
}

// ask begins an op over the connection.
func (r *remote) ask(d *dice, q owner.Request, then func(*delivery), otherwise func(*delivery)) *op {
	o := r.w.ask(d, q, nil, then)
	o.from, o.life, o.otherwise = r, r.life, otherwise
	return o
}

// start lets it be there for a while.
func (r *remote) start(d *dice) {
	if r.life != 0 || r.w.over {
		return
	}
	r.lives++
	r.life, r.d, r.slots = r.lives, d, int(d.between(1, 4))
	if r.slow = d.one(2); r.slow {
		r.slots = 1
	}
	r.ppm = d.between(-mostDrift, mostDrift)
	r.session, r.works, r.unsure, r.said = 0, nil, false, r.clock()
	r.w.note("worker %d begins, its clock is fast by %d ppm", r.n, r.ppm)
	r.when(r.clock()+d.between(2e6, pick[int64](d, 10e6, 40e6, 40e6)), func() { r.leave(d.one(2)) })
	r.connect()
}

// leave lets it be gone: with a word, or without.
func (r *remote) leave(says bool) {
	if r.life == 0 {
		return
	}
	r.w.note("worker %d is gone", r.n)
	if says && r.session != 0 {
		r.w.send(r.w.ask(r.d, owner.Request{Op: owner.EndSession, Session: r.session}, nil, nil).maybeNamed(r.w))
	}
	r.stop()
	r.life, r.session = 0, 0
	for _, o := range r.w.ops {
		if o.from == r && o.open {
			r.w.giveUp(o)
		}
	}
	if r.at != nil && (says || r.d.one(2)) { // or its machine is gone as well
		r.w.hangUp(r, r.at, r.link)
	}
	r.at, r.link = nil, r.link+1
}

// stop ends all that it works on.
func (r *remote) stop() {
	for _, a := range r.works {
		a.over = true
	}
	r.works = nil
}

// lone lets nothing of it arrive for a while, nor anything for it. It goes on.
func (r *remote) lone(d int64) {
	if r.life != 0 && r.w.now >= r.cut {
		r.w.note("worker %d is cut off for %d µs", r.n, d)
		r.w.tally[cutOffs]++
		r.cut = r.w.now + d
	}
}

// halt lets it stand still, with its clock or without.
func (r *remote) halt(d int64, clock bool) {
	if r.halted || r.life == 0 {
		return
	}
	r.w.note("worker %d stands still for %d µs, its clock as well: %v", r.n, d, clock)
	r.w.tally[halts]++
	r.halted = true
	r.w.after(d, func() { r.resume(d, clock) })
}

func (r *remote) resume(d int64, clock bool) {
	if !r.halted {
		return
	}
	r.w.note("worker %d goes on", r.n)
	r.halted = false
	if clock {
		r.slept += d + d*r.ppm/1e6
		r.unsure, r.woke = true, r.clock()
	}
	if r.life != 0 {
		r.look()
		r.checkAlone()
	}
	all := r.deferred
	r.deferred = nil
	for _, do := range all {
		r.hear(do)
	}
}

// begin opens a session.
func (r *remote) begin() {
	link := r.link
	q := owner.Request{Op: owner.OpenSession, Remote: true, Name: mark(len(r.w.ops))}
	o := r.ask(r.d, q, func(v *delivery) {
		if r.session == 0 {
			r.session = v.r.IDs[0]
			r.answered(v)
			r.run()
		}
	}, func(v *delivery) { r.failed(link, v) })
	r.w.send(o.maybeNamed(r.w))
}

// attach says that the session is there again, and what it has of it.
func (r *remote) attach() {
	link := r.link
	q := owner.Request{Op: owner.Attach, Session: r.session}
	for _, a := range r.works {
		q.Leases = append(q.Leases, owner.Lease{Job: a.j.ID, Epoch: a.j.Epoch})
	}
	r.w.tally[attaches]++
	r.w.send(r.ask(r.d, q, func(v *delivery) {
		r.answered(v)
		for _, job := range v.r.IDs {
			r.w.tally[attachLost]++
			r.lose(job)
		}
		r.run()
	}, func(v *delivery) { r.failed(link, v) }))
}

// failed is when an answer does not come, or is no good.
func (r *remote) failed(link int, v *delivery) {
	switch {
	case v == nil:
		r.broken(link)
	case errors.Is(v.r.Err, state.ErrNoSession):
		r.ended(v.r.Session)
	default:
		r.broken(link)
	}
}

// ended is when its session is gone.
func (r *remote) ended(session uint64) {
	if session == r.session && session != 0 {
		r.w.tally[sessionsLost]++
		r.stop()
		r.session = 0
		r.connect()
	}
}

func (r *remote) run() {
	r.attached = true
	r.beat()
	r.listen()
	r.claim()
}

// answered is when an owner has said that the session is there. Unless it does so
// again, everything stops in time.
func (r *remote) answered(v *delivery) {
	r.said = max(r.said, v.sent)
	if v.sent >= r.woke {
		r.unsure = false
	}
	r.when(r.said+owner.SessionStop, r.look)
}

// look stops everything if nothing was answered for too long. It begins with
// nothing more before it has attached itself again.
func (r *remote) look() {
	if r.session == 0 || r.w.mutant.stubborn || r.clock()-r.said < owner.SessionStop {
		return
	}
	if len(r.works) > 0 {
		r.w.tally[selfStops]++
		r.w.note("worker %d stops what it does", r.n)
	}
	r.stop()
	if r.attached {
		r.connect()
	}
}

func (r *remote) beat() {
	link := r.link
	o := r.ask(r.d, owner.Request{Op: owner.Beat, Session: r.session}, func(v *delivery) {
		r.w.tally[beats]++
		r.answered(v)
	}, func(v *delivery) { r.failed(link, v) })
	r.w.send(o)
	r.later(owner.SessionBeat, r.beat)
}

func (r *remote) listen() {
	link := r.link
	o := r.ask(r.d, owner.Request{Op: owner.Listen, Session: r.session, Seen: r.seen}, func(v *delivery) {
		for i := range v.r.Cancels {
			c := &v.r.Cancels[i]
			r.seen = max(r.seen, c.Seq)
			for _, a := range r.works {
				if a.j.ID == c.Job && a.j.Epoch == c.Epoch {
					a.cancelled(c)
				}
			}
		}
		r.listen()
	}, func(v *delivery) {
		if v == nil && r.attached && link == r.link {
			r.listen()
		} else if v != nil {
			r.failed(link, v)
		}
	})
	r.w.send(o)
}

// claim asks for as many jobs as it has room for.
func (r *remote) claim() {
	if r.claiming || !r.attached || len(r.works) >= r.slots {
		return
	}
	r.claiming = true
	link := r.link
	q := owner.Request{Op: owner.Claim, Session: r.session, Most: r.slots - len(r.works), Wait: true}
	if r.d.one(5) {
		q.Filter.Tasks = []string{pick(r.d, taskNames...)}
	}
	if r.d.one(5) {
		q.Filter.Queues = []string{pick(r.d, queueNames...)}
	}
	r.w.send(r.ask(r.d, q, func(v *delivery) {
		r.claiming = false
		for i := range v.r.Jobs {
			r.take(v.r.Jobs[i])
		}
		r.claim()
	}, func(v *delivery) {
		if link != r.link {
			return
		}
		r.claiming = false
		if v != nil {
			r.failed(link, v)
			return
		}
		r.later(r.d.below(100e3), r.claim)
	}))
}

// take begins with a job, if it is not too late for that.
func (r *remote) take(j state.Info) {
	if r.clock()-r.said >= owner.SessionStop && !r.w.mutant.stubborn {
		return
	}
	a := &attempt{w: r.w, d: r.d, r: r, j: j}
	r.works = append(r.works, a)
	a.run()
}

// tooLate is when an answer comes that is not waited for any more.
func (r *remote) tooLate(v *delivery) {
	if v.r.Op != owner.Claim || v.r.Err != nil {
		return
	}
	for i := range v.r.Jobs {
		j := &v.r.Jobs[i]
		r.w.send(r.ask(r.d, owner.Request{Op: owner.Return, Session: v.r.Session, Job: j.ID, Epoch: j.Epoch}, nil, nil).maybeNamed(r.w))
	}
}

// lose is when a job is not its any more.
func (r *remote) lose(job uint64) {
	for i, a := range r.works {
		if a.j.ID == job {
			a.over = true
			r.works = append(r.works[:i:i], r.works[i+1:]...)
			return
		}
	}
}
