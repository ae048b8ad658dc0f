package sim_test

import "github.com/hemgo/hem/job/internal/owner"

// A remote has a connection to one owner at a time: what it asks goes there, in no
// certain order, and nothing is lost unless the connection breaks. What comes by an
// older one is not for it any more.

// connect gives a connection up, if there is one, and makes another: to some owner,
// who may be the same, or one that has been deposed.
func (r *remote) connect() {
	w := r.w
	if r.at != nil {
		w.hangUp(r, r.at, r.link)
	}
	r.link++
	r.seen, r.claiming, r.attached = 0, false, false
	if r.at = w.someOwner(r.d); r.at != nil && !r.at.owns {
		r.at = nil // nobody serves there yet: job.Open has not returned
	}
	if r.at == nil {
		r.later(r.d.between(100e3, 500e3), r.connect)
		return
	}
	w.tally[links]++
	if r.session == 0 {
		r.begin()
	} else {
		r.attach()
	}
}

// later does something with the present connection after a while, by its clock.
func (r *remote) later(d int64, do func()) {
	link, life, at := r.link, r.life, r.clock()+d
	r.w.after(r.real(d), func() { r.hear(func() { r.onTime(link, life, at, do) }) })
}

// onTime waits on if the clock stood still meanwhile.
func (r *remote) onTime(link, life int, at int64, do func()) {
	switch {
	case link != r.link || life != r.life:
	case r.clock() < at:
		r.later(at-r.clock(), do)
	default:
		do()
	}
}

// broken is when the connection is found to be broken.
func (r *remote) broken(link int) {
	if link != r.link || r.life == 0 {
		return
	}
	r.w.tally[linksBroken]++
	r.connect()
}

// hangUp is when an owner finds a connection closed. Who waits has gone, and what
// was claimed, and not brought, is given back.
func (w *world) hangUp(r *remote, s *shell, link int) {
	w.after(r.d.below(pick[int64](r.d, 2e3, 300e3)), func() {
		s.hear(func() {
			r.hung[link] = true
			for _, o := range w.ops {
				if o.from == r {
					s.abandon(o, link)
				}
			}
		})
	})
}

func (s *shell) abandon(o *op, link int) {
	for _, v := range o.all {
		switch {
		case v.s != s || v.link != link:
		case !v.answered:
			s.drop(v)
		case v.r.Op == owner.Claim && v.r.Err == nil && !v.received:
			v.received = true
			s.giveBack(v)
		}
	}
}

// giveBack returns what a claim was given that could not be brought.
func (s *shell) giveBack(v *delivery) {
	for i := range v.r.Jobs {
		j := &v.r.Jobs[i]
		r := owner.Request{Op: owner.Return, Session: v.r.Session, Job: j.ID, Epoch: j.Epoch}
		s.w.tally[notBrought]++
		o := s.w.ask(s.d, r, nil, nil)
		o.open = false // nobody waits for the answer
		s.receive(o, r, 0, 0)
	}
}

// hangsUpFirst lets an owner hear no more of an older connection once there is a
// newer one.
const hangsUpFirst = true

// postFrom is a message over a connection.
func (w *world) postFrom(o *op) {
	r, s, link, sent := o.r, o.from.at, o.from.link, o.from.clock()
	if s == nil {
		return
	}
	delay := o.d.between(50, 1500)
	lost := false
	if w.netBad() {
		delay += w.net.d.below(400e3)
		if lost = w.net.d.percent(20); lost {
			w.tally[lostMessages]++
		}
	}
	w.after(delay, func() {
		if w.now < o.from.cut {
			return
		}
		if lost || s.dead {
			o.from.hear(func() { o.from.broken(link) })
			return
		}
		s.hear(func() {
			if !o.from.hung[link] && (link >= s.newest[o.from] || !hangsUpFirst) {
				s.newest[o.from] = link
				s.receive(o, r, link, sent)
			}
		})
	})
}

// replyTo brings an answer over a connection.
func (w *world) replyTo(v *delivery) {
	from := v.op.from
	delay := v.op.d.between(50, 1500)
	lost := false
	if w.netBad() {
		delay += w.net.d.below(400e3)
		if lost = w.net.d.percent(20); lost {
			w.tally[lostMessages]++
		}
	}
	w.after(delay, func() {
		if w.now < from.cut {
			return
		}
		from.hear(func() {
			switch {
			case v.link != from.link || v.op.life != from.life:
			case lost:
				from.broken(v.link)
			default:
				v.received = true
				w.receive(v)
			}
		})
	})
}
