package sim_test

import (
	"fmt"

	"github.com/hemgo/hem/job/internal/owner"
)

// A network is what is between those who ask and the owners. For a while it may
// lose, double and delay messages.
type network struct {
	until int64
	d     *dice
}

func (w *world) netBad() bool { return w.now < w.net.until && !w.over }

// A delivery is an op at an owner.
type delivery struct {
	op       *op
	s        *shell
	r        owner.Request
	added    int64
	dropped  bool
	answered bool
	at       int64
	durable  uint64    // what the log had for certain when it was answered
	seen     uint64    // and what it had when the request was added
	order    int       // of arrival at the owner
	left     int64     // when its caller was said to have gone
	link     int       // over which connection it came, of whoever has them
	sent     int64     // when, by its clock
	arrived  int64     // as most of the owner's time awake
	received bool      // the answer has come
	from     uint64    // the last record that the owner had when the request was added
	others   *delivery // of a Leave: who waits as well
}

func (v *delivery) String() string { return fmt.Sprintf("%v at %v", v.op, v.s) }

// post is one message, or two, or none.
func (w *world) post(o *op) {
	if o.from != nil {
		w.postFrom(o)
		return
	}
	r := o.r // what is under way stays as it was sent
	delay := o.d.between(50, 1500)
	copies := 1
	if w.netBad() {
		delay += w.net.d.below(400e3)
		switch {
		case w.net.d.percent(30):
			w.tally[lostMessages]++
			copies = 0
		case w.net.d.percent(40) && o.named():
			w.tally[doubled]++
			copies = 2
			w.after(w.net.d.below(3e6), func() { w.arrive(o, r) })
		}
	}
	if copies > 0 {
		w.after(delay, func() { w.arrive(o, r) })
	}
}

// arrive is when a message comes to an owner, if there is one.
func (w *world) arrive(o *op, r owner.Request) {
	s := w.someOwner(o.d)
	if w.over {
		s = w.current()
	}
	if s == nil {
		w.after(o.d.between(100e3, 500e3), func() { w.nobody(o) })
		return
	}
	s.hear(func() { s.receive(o, r, 0, 0) })
}

func (w *world) nobody(o *op) {
	if o.open && o.named() {
		w.send(o)
	}
}

func (s *shell) receive(o *op, r owner.Request, link int, sent int64) {
	v := &delivery{op: o, s: s, r: r, added: s.w.now, seen: s.w.disk.durable, link: link, sent: sent, from: s.core.Last(), arrived: s.most.at(s.time().Mono)}
	s.arrivals++
	v.order = s.arrivals
	v.r.Tag = v
	o.all = append(o.all, v)
	s.open = append(s.open, v)
	if s.w.telling {
		s.w.tell("%v gets %v", s, o)
	}
	s.add(v)
	if v.r.Wait {
		if v.r.Op == owner.Claim {
			s.w.tally[claimWaits]++
		} else {
			s.w.tally[roomWaits]++
		}
	}
	s.release()
	s.poke()
}

// drop tells the owners that whoever asked has gone.
func (w *world) drop(o *op) {
	w.after(o.d.between(50, 1500), func() {
		for _, v := range o.all {
			if !v.answered {
				v.s.hear(func() { v.s.drop(v) })
			}
		}
	})
}

func (s *shell) drop(v *delivery) {
	if v.answered || v.dropped {
		return
	}
	s.w.note("%v: the caller of %v has gone", s, v.op)
	s.w.tally[dropped]++
	v.dropped, v.left = true, s.w.now
	s.core.Drop(&v.r)
	s.release()
	s.poke()
}

// release takes the answers that the core has, and sends them back.
func (s *shell) release() {
	w := s.w
	answered := s.forgets(s.core.Answered())
	for _, r := range answered {
		v := r.Tag.(*delivery)
		v.answered, v.at, v.durable = true, w.now, w.disk.durable
		for i := range s.open {
			if s.open[i] == v {
				s.open = append(s.open[:i], s.open[i+1:]...)
				break
			}
		}
		if w.telling {
			w.tell("%v answers #%d: %s", s, v.op.n, answer(r))
		}
		w.observe(v)
	}
	for _, r := range answered {
		w.checkOvertaken(r.Tag.(*delivery))
		w.reply(r.Tag.(*delivery))
	}
}

// reply brings an answer to whoever asked.
func (w *world) reply(v *delivery) {
	if v.op.from != nil {
		w.replyTo(v)
		return
	}
	delay := v.op.d.between(50, 1500)
	if w.netBad() {
		delay += w.net.d.below(400e3)
		if w.net.d.percent(30) {
			w.tally[lostMessages]++
			return
		}
	}
	w.after(delay, func() { w.receive(v) })
}
