package sim_test

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A client numbers its requests, and says which answers it has had.
type client struct {
	n       int
	id      uint64 // 0 until it is known
	opening bool
	next    uint64
	open    []uint64 // ascending
}

// introduce makes a client known, anew if it was forgotten.
func (w *world) introduce(d *dice, c *client) {
	if c.opening {
		return
	}
	c.opening = true
	o := w.ask(d, owner.Request{Op: owner.OpenClient}, nil, func(v *delivery) {
		c.id, c.next, c.open, c.opening = v.r.IDs[0], 1, nil, false
	})
	w.send(o)
	w.after(3e6, func() { c.opening = false })
}

// number gives a request its name.
func (c *client) number() state.Request {
	n := c.next
	c.next++
	c.open = append(c.open, n)
	return state.Request{Client: c.id, N: n, Low: c.open[0]}
}

// had forgets an open request.
func (c *client) had(q state.Request) {
	if q.Client != c.id {
		return
	}
	for i, n := range c.open {
		if n == q.N {
			c.open = append(c.open[:i], c.open[i+1:]...)
			return
		}
	}
}

// An op is something that is asked for, once or, under one name, several times.
type op struct {
	n         int
	r         owner.Request // as it is asked
	client    *client       // nil: it has no name
	d         *dice
	patient   int64 // how long an answer is waited for
	tries     int
	open      bool  // whoever asked waits for the answer
	closed    int64 // when it was told or gave up
	then      func(*delivery)
	otherwise func(*delivery) // when it is refused, or given up: nil
	from      *remote         // who asks, over its connection; or nil
	life      int             // which of its lives
	all       []*delivery

	effects []effect
}

func (o *op) named() bool { return o.client != nil }

func (o *op) String() string {
	s := fmt.Sprintf("#%d %v", o.n, o.r.Op)
	if o.named() {
		s += fmt.Sprintf(" (request %d of client %d, low %d)", o.r.Request.N, o.client.n, o.r.Request.Low)
	}
	return s + about(&o.r)
}

// ask begins an op. then is called with the first answer, if one comes.
func (w *world) ask(d *dice, r owner.Request, c *client, then func(*delivery)) *op {
	o := &op{n: len(w.ops), r: r, client: c, d: d, open: true, then: then, patient: 1500e3}
	if waits(&r) {
		o.patient = d.between(500e3, 15e6)
	}
	if r.Op == owner.EndSession {
		w.asked[r.Session] = true
	}
	w.ops = append(w.ops, o)
	return o
}

// waits reports whether a request may have no answer for long.
func waits(r *owner.Request) bool {
	return r.Wait || r.Op == owner.Enqueue && r.Follow || r.Op == owner.Await || r.Op == owner.Listen || r.Op == owner.Drained
}

// mark is what the bytes of an op begin with, so that it is found in the log.
func mark(n int) string { return "#" + strconv.Itoa(n) + "." }

// marked is the number of the op whose bytes these are, or -1.
func marked[T string | []byte](b T) int {
	n, i := 0, 1
	if len(b) == 0 || b[0] != '#' {
		return -1
	}
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + int(b[i]-'0')
	}
	if i == len(b) || b[i] != '.' {
		return -1
	}
	return n
}

// send sends an op to an owner, and again if no answer comes.
func (w *world) send(o *op) {
	if !o.open {
		return
	}
	if o.from != nil && o.life != o.from.life {
		w.giveUp(o)
		return
	}
	o.tries++
	if o.tries > 1 {
		w.tally[retries]++
	}
	try := o.tries
	if o.named() && try == 1 {
		w.follower.byName[state.Request{Client: o.r.Request.Client, N: o.r.Request.N}] = o
	}
	if o.named() && o.client.id == o.r.Request.Client && len(o.client.open) > 0 {
		o.r.Request.Low = o.client.open[0]
	}
	w.post(o)
	wait := o.patient
	if o.named() && !waits(&o.r) && !w.over {
		wait += o.d.below(500e3)
	}
	o.after(w, wait, func() {
		if o.open && o.tries == try {
			w.impatient(o)
		}
	})
}

// after lets something happen to whoever asks: when it goes on, if it stands still.
func (o *op) after(w *world, d int64, do func()) {
	if o.from == nil {
		w.after(d, do)
	} else {
		w.after(o.from.real(d), func() { o.from.hear(do) })
	}
}

// impatient is when no answer has come for long. In the finale nobody gives up
// while an owner has the request.
func (w *world) impatient(o *op) {
	switch {
	case w.over && waits(&o.r) && o.waits():
		w.after(o.patient, func() {
			if o.open {
				w.impatient(o)
			}
		})
		return
	case o.named() && (w.over || !waits(&o.r)):
		w.send(o)
		return
	}
	w.giveUp(o)
	if waits(&o.r) || o.d.one(2) {
		w.drop(o)
	}
	if o.otherwise != nil {
		o.otherwise(nil)
	}
}

// waits reports whether some owner has the request.
func (o *op) waits() bool {
	for _, v := range o.all {
		if !v.answered && !v.s.dead {
			return true
		}
	}
	return false
}

func (w *world) giveUp(o *op) {
	o.open, o.closed = false, w.now
	if o.named() {
		o.client.had(o.r.Request)
	}
}

// receive is when the answer has come.
func (w *world) receive(v *delivery) {
	o := v.op
	var lost *owner.LostError
	var low *owner.LowError
	switch {
	case !o.open:
		if o.from != nil {
			o.from.tooLate(v)
		}
		w.hungUp(v)
		return
	case errors.As(v.r.Err, &lost):
		w.tally[lostAnswers]++
		if o.from != nil {
			o.from.broken(v.link)
		}
		if o.named() || o.from == nil && !lost.MayHaveHappened && o.d.one(2) {
			o.after(w, o.d.between(50e3, 300e3), func() { w.send(o) })
			return
		}
	case errors.As(v.r.Err, &low) && o.named() && (w.over || o.d.one(2)):
		o.after(w, o.d.between(200e3, 900e3), func() { w.send(o) })
		return
	case errors.Is(v.r.Err, state.ErrOutdated) && o.client.id == o.r.Request.Client:
		o.client.id = 0
	}
	o.open, o.closed = false, w.now
	if o.named() {
		o.client.had(o.r.Request)
	}
	switch {
	case v.r.Err == nil && o.then != nil:
		o.then(v)
	case v.r.Err != nil && o.otherwise != nil:
		o.otherwise(v)
	case errors.Is(v.r.Err, state.ErrNoSession):
		w.lostSession(v.r.Session)
	}
}
