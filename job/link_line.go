package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/wire"
)

// How a link looks for a connection, and what it takes for one that is none.
const (
	leastPause  = 50 * time.Millisecond // between two attempts, doubled each time
	mostPause   = 2 * time.Second
	dialTime    = 5 * time.Second  // for one attempt, the greeting included
	pingAfter   = time.Second      // without a word
	pongWithin  = 2 * time.Second  // after a ping
	leastRate   = 32 << 10         // bytes a second that a connection brings, if it brings anything
	mostSlack   = 10 * time.Second // for that, after a ping
	readAfter   = 10 * time.Second // its clock again, however much else is said
	steadyAfter = 2 * time.Second  // a connection that has lasted so long is followed by another at once
)

// run sees to it that there is a line, until the link has ended.
func (l *link) run() {
	pause := leastPause
	told := false
	for {
		began := time.Now()
		was, err := l.connect()
		if l.ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errDial) && fault.KindOf(err) == fault.Invalid {
			l.end(invalid(opConnect, l.conf.Name, err))
			return
		}
		if was || !told {
			l.warn("job: there is no connection to the owner, and it is tried again", "err", err)
			told = true
		}
		if was && time.Since(began) > steadyAfter {
			pause, told = leastPause, false
			continue
		}
		t := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-t.C:
		case <-l.ctx.Done():
			t.Stop()
			return
		}
		pause = min(2*pause, mostPause)
	}
}

// connect makes a connection, and returns when it has ended, or could not be made.
func (l *link) connect() (was bool, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, dialTime)
	defer cancel()
	conn, err := l.dial(ctx)
	if err == nil && conn == nil {
		err = errNoConn
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", errDial, err)
		l.mu.Lock()
		l.broke = err
		l.mu.Unlock()
		return false, err
	}
	n := &line{link: l, conn: conn, bell: make(chan struct{}, 1), gone: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { n.lock(func() { n.cut(errNoGreeting) }) })
	defer stop()
	l.start(n.close)
	l.start(n.write)
	err = n.read(func() { stop() })
	l.mu.Lock()
	defer l.mu.Unlock()
	n.cut(err)
	was = l.line == n
	l.lose(n)
	l.broke = n.why
	return was, n.why
}

var (
	errDial       = errors.New("dial")
	errNoConn     = errors.New("it returned nothing")
	errNoGreeting = fmt.Errorf("whoever answers has not said in %v that it is an owner", dialTime)
	errNoPong     = fmt.Errorf("nothing was heard for %v", pingAfter+pongWithin)
	errBye        = errors.New("the owner has hung up")
	errOtherLog   = errors.New("where it connects to there is the owner of another log now")
)

// A line is one connection of a link.
type line struct {
	link *link
	conn io.ReadWriteCloser
	bell chan struct{} // of capacity one: there is something to write
	gone chan struct{} // closed when it was cut

	// Under link.mu:
	out    []byte
	heard  time.Time // when something came last
	spoke  bool      // that was more than a greeting
	pinged time.Time // when it was asked since whether anybody is there; else zero
	said   int       // bytes since something came last: they may be on their way yet
	asked  time.Time // when it was asked how late it is, by Hello or Ping; zero once it has said
	why    error     // it was cut
}

func (n *line) lock(f func()) {
	n.link.mu.Lock()
	defer n.link.mu.Unlock()
	f()
}

// cut ends the connection, for why. mu is held.
func (n *line) cut(why error) {
	if n.why == nil {
		n.why = why
		close(n.gone)
	}
}

// close closes the connection when it was cut. A Write that is under way may wait
// for that.
func (n *line) close() {
	<-n.gone
	_ = n.conn.Close()
}

// put lets a frame be written. mu is held.
func (n *line) put(k wire.Kind, id uint64, body []byte) {
	n.out = wire.Append(n.out, k, id, body)
	chime(n.bell)
}

// request lets c be written. It is false if it is too large. mu is held.
func (n *line) request(c *call) bool {
	start := len(n.out)
	f := wire.Put(wire.Begin(n.out, wire.Ask, c.id))
	r := c.asked()
	if f.Request(r); r.Op == owner.View {
		c.r.read.question(&f)
	}
	out := f.Bytes()
	if out == nil || len(out)-start-wire.HeaderSize > wire.MaxBody {
		return false
	}
	n.out = wire.Finish(out, start)
	if start == 0 {
		chime(n.bell)
	}
	return true
}

// asked is what is sent of c: once the job of a call is in the log, its end.
func (c *call) asked() *owner.Request {
	r := &c.r.Request
	if !c.inLog {
		return r
	}
	return &owner.Request{Op: owner.Await, Job: r.IDs[0], Watched: r.Watched, Caller: r.Caller}
}

// write writes what there is, all at once.
func (n *line) write() {
	var b []byte
	for {
		select {
		case <-n.bell:
		case <-n.gone:
			return
		}
		n.link.mu.Lock()
		b, n.out = n.out, b[:0]
		n.said += len(b)
		n.link.mu.Unlock()
		if len(b) == 0 {
			continue
		}
		if _, err := n.conn.Write(b); err != nil {
			n.lock(func() { n.cut(err) })
			return
		}
		if cap(b) > keepAtMost {
			b = nil
		}
	}
}

// read hears what comes, and returns why nothing more does.
func (n *line) read(greeted func()) error {
	hello := wire.Put(nil)
	hello.Greeting(&wire.Greeting{Name: n.link.conf.Name})
	n.lock(func() {
		n.asked = time.Now()
		n.put(wire.Hello, 0, hello.Bytes())
	})
	r := wire.NewReader(hearing{n.conn, func() { n.lock(n.comes) }})
	f, err := r.Next()
	if err == nil {
		err = n.welcomed(f)
	}
	greeted()
	var names wire.Names
	for err == nil {
		if f, err = r.Next(); err == nil {
			err = n.take(f, &names)
		}
	}
	if err == io.EOF {
		return errBye
	}
	return n.fatal(err)
}

// fatal is err, of kind Invalid if it is of no use to connect again.
func (n *line) fatal(err error) error {
	b, ok := errors.AsType[*wire.Broken](err)
	if !ok || b.Why == wire.Damaged {
		return err
	}
	hint := "both ends must be of one version of Hem"
	if b.Why == wire.NotFrames {
		hint = "is it the address of an owner?"
		if n.link.acquainted() {
			return err // somebody stands in for it
		}
	}
	return &fault.Error{Kind: fault.Invalid, Err: err, Hint: hint}
}

// acquainted reports whether there has been a line.
func (l *link) acquainted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.met
}

// welcomed takes the owner's first word.
func (n *line) welcomed(f wire.Frame) error {
	if f.Kind == wire.Bye {
		return byeOf(f)
	}
	var terms wire.Terms
	body := wire.Take(f.Body, nil)
	if body.Terms(&terms); f.Kind != wire.Welcome || !body.Whole() || terms.Prompt < 1 || terms.Waiting < 1 {
		return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
	}
	l := n.link
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case n.why != nil:
		return n.why
	case l.err != nil:
		return l.err
	case !l.met:
		l.met, l.log = true, terms.Log
	case l.log != terms.Log:
		return &fault.Error{Kind: fault.Invalid, Err: errOtherLog,
			Hint: "connect anew, and see why: what was asked of the other log is not in this one"}
	}
	l.gain(n, terms)
	return nil
}

// byeOf is why the owner hangs up.
func byeOf(f wire.Frame) error {
	var why error
	body := wire.Take(f.Body, nil)
	if body.Fault(&why); !body.Whole() {
		return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
	}
	if fault.KindOf(why) == fault.Invalid {
		return why
	}
	return fmt.Errorf("%w: %w", errBye, why)
}

// gain makes n the line: the sessions are attached, and everything that has no
// answer is asked. mu is held.
func (l *link) gain(n *line, terms wire.Terms) {
	now := time.Now()
	n.heard = now
	n.reads(terms.Clock, now)
	l.line, l.terms = n, terms
	l.lines++
	l.beatAt = now.Add(sessionBeat)
	l.up.Store(true)
	l.conf.Log.Info("job: there is a connection to the owner", "name", l.conf.Name, "owner", terms.Name, "open", len(l.calls), "sessions", len(l.tended))
	for _, t := range l.tended {
		if !l.unheard(t, now) {
			l.attach(t)
		}
	}
	for _, c := range l.byNumber() {
		if c.told == nil {
			l.offer(c)
		}
	}
	for _, w := range l.first {
		w.Grant()
	}
	l.first = nil
	chime(l.bell)
}

// lose says that n is not the line any more. What was on is open again. mu is held.
func (l *link) lose(n *line) {
	if l.line != n {
		return
	}
	l.line, l.queue, l.loads = nil, nil, [2]int{}
	now := time.Now()
	if n.spoke {
		l.fell = now
	}
	defer l.giveUp(now)
	l.up.Store(false)
	l.books.opening = false
	for _, t := range l.tended {
		t.attached = false
	}
	for id, c := range l.calls {
		c.on = false
		switch {
		case c.told != nil:
			delete(l.calls, id)
		case c.left:
			l.forget(c)
		}
	}
}

// take hears a frame.
func (n *line) take(f wire.Frame, names *wire.Names) error {
	switch f.Kind {
	case wire.Answer, wire.Entered:
		return n.answer(f, names)
	case wire.Pong:
		return n.pong(f)
	case wire.Bye:
		return byeOf(f)
	}
	return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
}

// comes notes that a part of something has come. mu is held.
func (n *line) comes() { n.heard, n.pinged, n.said = time.Now(), time.Time{}, 0 }

// pong hears that somebody is there, and how late it is for him.
func (n *line) pong(f wire.Frame) error {
	var clock int64
	body := wire.Take(f.Body, nil)
	if body.Clock(&clock); !body.Whole() {
		return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
	}
	n.lock(func() {
		now := time.Now()
		n.hear(now)
		n.reads(clock, now)
	})
	return nil
}

// hear notes that something has come. mu is held.
func (n *line) hear(now time.Time) { n.heard, n.spoke, n.pinged = now, true, time.Time{} }

// listen asks whether anybody is there, if nothing has come for long, and returns
// when to do so again. mu is held.
func (n *line) listen(now time.Time) time.Time {
	within := pongWithin + min(time.Duration(n.said/leastRate)*time.Second, mostSlack)
	switch {
	case n.why != nil:
		return now.Add(pingAfter)
	case !n.pinged.IsZero() && now.Sub(n.pinged) >= within:
		n.cut(errNoPong)
		return now.Add(pingAfter)
	case !n.pinged.IsZero():
		return n.pinged.Add(within)
	case now.Sub(n.heard) >= pingAfter:
		n.pinged = now
		n.ping(now)
		return now.Add(within)
	case now.Sub(n.link.clock.to) >= readAfter:
		n.ping(now)
	}
	return n.heard.Add(pingAfter)
}

// answer hears an answer, or the first of two.
func (n *line) answer(f wire.Frame, names *wire.Names) error {
	a := &owner.Request{}
	var q *read
	body := wire.Take(f.Body, names)
	if f.Kind == wire.Entered {
		a.Op = owner.Enqueue
		body.Entered(a)
	} else if len(f.Body) > 0 {
		a.Op = owner.Op(f.Body[0])
		if body.Answer(a, 0); a.Op == owner.View && a.Err == nil {
			q = &read{}
			q.answer(&body, 0)
		}
	}
	if !body.Whole() {
		return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
	}
	return n.deliver(f, a, q)
}

func (n *line) deliver(f wire.Frame, a *owner.Request, q *read) error {
	l := n.link
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	n.hear(now)
	c := l.calls[f.ID]
	if c == nil || !c.on || l.line != n {
		return nil // nobody wants it
	}
	var lost *owner.LostError
	switch t := l.tended[c.r.Session]; {
	case c.asked().Op != a.Op && !(c.inLog && a.Op == owner.Enqueue), q != nil && (c.r.read == nil || c.r.read.kind != q.kind):
		return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
	case errors.As(a.Err, &lost):
		return lost // the owner has ended: the next one is asked
	case f.Kind == wire.Entered:
		l.entered(c, a)
	case ofSession(c.r.Op) && t != nil && l.unheard(t, now):
		if g := l.calls[f.ID]; g != nil {
			l.answered(g, a, q)
		}
	default:
		l.answered(c, a, q)
	}
	return nil
}
