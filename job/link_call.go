package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

// A call is a request on its way to an owner in another process, and back.
type call struct {
	link  *link
	r     *request
	label graph.Label // of what is waited for once it was sent
	id    uint64
	waits int         // which of the loads: see waits
	told  func(*call) // is called with the answer, where nobody waits: with mu held

	// Under link.mu:
	on      bool      // it was sent over the present line
	sent    int       // how often, over any
	since   time.Time // when it was sent last
	came    time.Time // when it was asked, if it is of a Run
	book    *book     // where it has its number from, or nil
	n       uint64
	inLog   bool // an Enqueue that follows, of which it is known that the job is in the log
	leaving bool // the caller's context has ended
	again   *graph.Wait
	left    bool // the caller has gone: r is not looked at any more
	done    bool // r has the answer
}

// Blocked is false: whoever answers is in another process.
func (c *call) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label says what is waited for.
func (c *call) Label() graph.Label {
	if !c.link.up.Load() {
		return (*connecting)(c.link).Label()
	}
	return c.label
}

func (l *link) labelOf(r *request) graph.Label {
	switch r.Op {
	case owner.Claim:
		return graph.Label{Kind: "ready job", Name: l.conf.Name}
	case owner.Await:
		return graph.Label{Kind: "end of job", Name: ID(r.Job).String()}
	case owner.Listen:
		return graph.Label{Kind: "cancelled jobs of session", Name: l.conf.Name}
	case owner.Drained:
		return graph.Label{Kind: "drained job queue", Name: r.Name}
	}
	return graph.Label{Kind: "job log", Name: l.conf.Name}
}

// ofSession reports whether a request is by a session.
func ofSession(op owner.Op) bool {
	switch op {
	case owner.Claim, owner.Return, owner.Complete, owner.Fail, owner.EndSession, owner.Report, owner.Beat, owner.Attach, owner.Listen:
		return true
	}
	return false
}

// numbered reports whether a request has a number under which it can come again. To
// open a session has not: one that nobody has heard of ends by itself, and one that
// is opened anew has all its time before it.
func numbered(op owner.Op) bool { return wire.Named(op) && op != owner.OpenSession }

// doubtful reports whether c may be carried out without anybody knowing.
func (c *call) doubtful() bool {
	return c.sent > 0 && !c.inLog && (numbered(c.r.Op) || c.on && (c.r.Op == owner.Claim || c.r.Op == owner.OpenSession))
}

// ask puts r to the owner: see [desk].
func (l *link) ask(ctx context.Context, r *request) error {
	if ctx.Err() != nil {
		return goneBy(ctx, context.Cause(ctx))
	}
	c := &call{link: l, r: r, label: l.labelOf(r)}
	if waits(&r.Request) {
		c.waits = 1
	}
	r.wait.Begin(ctx, c)
	l.mu.Lock()
	if err := l.enter(c); err != nil {
		l.mu.Unlock()
		r.wait.Abandon()
		return err
	}
	r.wait.Publish()
	l.mu.Unlock()
	if err := r.wait.Park(); err != nil {
		return l.leave(ctx, c, err)
	}
	return r.Err
}

// enter takes c in, and sends it if that can be. mu is held.
func (l *link) enter(c *call) error {
	if l.err != nil {
		return invalid("", "", l.over(false))
	}
	if ofSession(c.r.Op) {
		t := l.tended[c.r.Session]
		if t == nil {
			return state.ErrNoSession
		}
		if l.unheard(t, time.Now()) {
			return t.why
		}
	}
	if c.r.called {
		if l.line == nil && c.r.scope != 0 && l.tended[c.r.scope] == nil {
			return c.unreached()
		}
		c.came = time.Now()
	}
	l.last++
	c.id = l.last
	l.calls[c.id] = c
	l.offer(c)
	return nil
}

// leave ends the wait of a caller whose context has ended: as [Owner.leave] does.
func (l *link) leave(ctx context.Context, c *call, cause error) error {
	end := goneBy(ctx, cause)
	ctx = context.WithoutCancel(ctx)
	if !c.r.patient {
		within, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		ctx = within
	}
	again := new(graph.Wait)
	again.Begin(ctx, c)
	l.mu.Lock()
	if c.done || !c.doubtful() {
		if !c.done {
			l.forget(c)
		}
		l.mu.Unlock()
		again.Abandon()
		return c.outcome(end)
	}
	c.leaving, c.again = true, again
	if c.on {
		l.line.put(wire.Leave, c.id, nil)
	}
	again.Publish()
	l.mu.Unlock()
	err := again.Park()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && !c.done {
		if c.left = true; !c.on {
			l.forget(c)
		}
		end.unsure = true
		return end
	}
	return c.outcome(end)
}

// outcome is what a caller is told whose context has ended.
func (c *call) outcome(end *gone) error {
	if !c.done || c.r.Err == owner.ErrDropped {
		return end
	}
	return c.r.Err
}

var errUnreached = fmt.Errorf("for %v the owner could not be reached", sessionStop)

// unreached is the error of a call that is given up.
func (c *call) unreached() error {
	return &fault.Error{Kind: fault.Lost, Started: c.sent > 0, Err: errUnreached}
}

// giveUp gives up the calls of a Run, where there is no line, and has been none that
// brought an answer for so long that a session would be fenced. Those that have a
// scope are given up with it, if that is sooner, or although there is a line: see
// fence. mu is held.
func (l *link) giveUp(now time.Time) {
	for _, c := range l.calls {
		if c.left || !c.r.called || now.Sub(l.fell) < sessionStop || now.Sub(c.came) < sessionStop {
			continue
		}
		l.finish(c, c.unreached())
	}
}

// forget gives c up: nothing can come of it, or nobody will know. mu is held.
func (l *link) forget(c *call) {
	if c.on {
		l.line.put(wire.Leave, c.id, nil)
	}
	c.left = true
	l.settle(c)
	delete(l.calls, c.id)
}

// settle says that c is not on, and needs no number any more. mu is held.
func (l *link) settle(c *call) {
	l.off(c)
	if c.book != nil {
		c.book.had(c.n)
		c.book = nil
	}
}

// off says that c is not on. mu is held.
func (l *link) off(c *call) {
	if c.on {
		c.on = false
		l.loads[c.waits]--
	}
}

// finish gives c its answer, which is in r but for err. mu is held.
func (l *link) finish(c *call, err error) {
	l.settle(c)
	delete(l.calls, c.id)
	c.done = true
	c.r.Err = err
	switch {
	case c.told != nil:
		c.told(c)
	case c.left:
	case c.again != nil:
		c.again.Grant()
	default:
		c.r.wait.Grant() // else the caller is leaving, and will see
	}
}

// post asks for something that nobody waits for, if there is a line: told is called
// with the answer, if there is one. mu is held.
func (l *link) post(r *request, told func(*call)) {
	if l.line == nil {
		return
	}
	l.last++
	c := &call{link: l, r: r, id: l.last, told: told}
	l.calls[c.id] = c
	l.send(c)
}

func unheeded(*call) {}

// offer sends c, or lets it wait for room: it waits for a line, or for its session
// to be attached, without being anywhere. mu is held.
func (l *link) offer(c *call) {
	switch {
	case l.line == nil:
	case c.r.Op == owner.Claim:
		if t := l.tended[c.r.Session]; t != nil && t.attached {
			l.sendInTurn(c)
		}
	case c.told != nil:
		l.send(c)
	case len(l.queue) > 0 && (c.waits == 0 || numbered(c.r.Op)):
		l.queue = append(l.queue, c)
	case !l.sendInTurn(c):
		l.queue = append(l.queue, c)
	}
}

// pump sends those of the queue that there is room for. mu is held.
func (l *link) pump() {
	n := 0
	for n < len(l.queue) {
		if c := l.queue[n]; !c.done && !c.left && !c.on && !l.sendInTurn(c) {
			break
		}
		l.queue[n] = nil
		n++
	}
	l.queue = l.queue[n:]
}

// sendInTurn sends c if there is room for it and, should it need one, a number. mu
// is held.
func (l *link) sendInTurn(c *call) bool {
	if c.waits == 0 && l.loads[0] >= l.terms.Prompt {
		return false
	}
	if c.waits == 1 && l.loads[1] >= l.terms.Waiting {
		l.finish(c, errCrowded)
		return true
	}
	if c.book == nil && !c.inLog && numbered(c.r.Op) {
		if c.book = l.books.pick(time.Now()); c.book == nil {
			l.openBook()
			return false
		}
		c.n = c.book.next()
	}
	l.send(c)
	return true
}

// send sends c over the line. mu is held.
func (l *link) send(c *call) {
	r := &c.r.Request
	r.Request = state.Request{}
	if c.book != nil {
		r.Request = state.Request{Client: c.book.client, N: c.n, Low: c.book.low}
	}
	if !l.line.request(c) {
		l.finish(c, tooLarge(r))
		return
	}
	c.on, c.since = true, time.Now()
	c.sent++
	l.loads[c.waits]++
	if c.leaving {
		l.line.put(wire.Leave, c.id, nil)
	}
}

// tooLarge is why a request is not sent.
func tooLarge(r *owner.Request) error {
	if r.Op == owner.Enqueue {
		n := 0
		for i := range r.Specs {
			n += len(r.Specs[i].Input)
		}
		return &owner.TooLargeError{Bytes: n, Most: MaxRecord}
	}
	return &fault.Error{Kind: fault.Invalid, Err: errRequestLarge}
}

var errRequestLarge = errors.New("the request is larger than can be sent at once")

// answered takes an answer. mu is held.
func (l *link) answered(c *call, a *owner.Request, q *read) {
	err := a.Err
	r := &c.r.Request
	switch {
	case c.left:
		l.orphaned(a, r.Session)
		l.settle(c)
		delete(l.calls, c.id)
	case err == owner.ErrUnnamed && c.book != nil, err == state.ErrOutdated && c.book != nil && c.sent == 1:
		// It was asked once, and refused, or is known not to have happened: so it may be
		// asked under another name.
		l.off(c)
		c.book.forgotten, c.book, c.sent = true, nil, 0
		l.offer(c)
	case err == owner.ErrDropped && !c.leaving:
		l.off(c)
		l.dropped(c)
	case r.Op == owner.OpenSession && err == nil && time.Since(c.since) > sessionStop/2:
		l.off(c)
		l.orphaned(a, 0) // much of its time has gone by
		l.offer(c)
	default:
		c.take(a, q)
		l.note(c, err)
		l.finish(c, err)
	}
	l.pump()
}

// dropped asks again for what the owner has dropped. Of a Claim it means that the
// session is not there, as seen from the owner. mu is held.
func (l *link) dropped(c *call) {
	t := l.tended[c.r.Session]
	if c.r.Op != owner.Claim || t == nil {
		l.offer(c)
		return
	}
	t.attached = false
	l.attach(t)
}

// take is the answer to c, as far as it has come.
func (c *call) take(a *owner.Request, q *read) {
	r := &c.r.Request
	r.Existing, r.Status, r.Jobs, r.Cancels = a.Existing, a.Status, a.Jobs, a.Cancels
	r.Counts, r.Depth = a.Counts, a.Depth
	if r.Op != owner.Report {
		r.Report = a.Report
	}
	if !c.inLog || len(a.IDs) > 0 {
		r.IDs = a.IDs
	}
	if r.Follow && len(r.IDs) > 0 {
		r.Job = r.IDs[0]
	}
	if q != nil && c.r.read != nil {
		c.r.read.told(q)
	}
}

// entered takes the news that the job of c is in the log. It has its number no more,
// and from now on it is asked for the end of the job. mu is held.
func (l *link) entered(c *call, a *owner.Request) {
	if c.left || !c.r.Follow || c.inLog {
		return
	}
	c.inLog = true
	c.r.IDs, c.r.Existing, c.r.Job = a.IDs, a.Existing, a.IDs[0]
	if c.book != nil {
		c.book.had(c.n)
		c.book = nil
	}
	l.pump()
}

// orphaned undoes what nobody will know of having got. mu is held.
func (l *link) orphaned(a *owner.Request, session uint64) {
	if a.Err != nil {
		return
	}
	switch a.Op {
	case owner.Claim:
		for i := range a.Jobs {
			r := &request{}
			r.Op, r.Session, r.Job, r.Epoch = owner.Return, session, a.Jobs[i].ID, a.Jobs[i].Epoch
			l.post(r, unheeded)
		}
	case owner.OpenSession:
		r := &request{}
		r.Op, r.Session = owner.EndSession, a.IDs[0]
		l.post(r, unheeded)
	}
}

// byNumber are the calls there are, in order.
func (l *link) byNumber() []*call {
	all := make([]*call, 0, len(l.calls))
	for _, c := range l.calls {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *call) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return all
}
