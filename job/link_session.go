package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

const (
	sessionBeat = time.Duration(owner.SessionBeat) * time.Microsecond
	sessionStop = time.Duration(owner.SessionStop) * time.Microsecond
)

// tended is a session that the link keeps.
type tended struct {
	id       uint64
	session  *Session          // nil until its opener has heard of it, and if it is the link's own
	held     map[uint64]uint32 // the epochs of the jobs that it has
	heard    time.Time         // when that was sent which the owner last answered
	attached bool              // over the present line
	why      error             // it is fenced
}

var errUnheard = fmt.Errorf("for %v the owner has answered nothing that the session said: its jobs may be others' by now", sessionStop)

// tend binds s to what the link keeps of it.
func (l *link) tend(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.tended[s.id]; t != nil {
		t.session = s
		return
	}
	s.fence.close(&fault.Error{Kind: fault.Fenced, Err: errUnheard})
}

// scope is the session of those in this process who call: see [desk].
func (l *link) scope(ctx context.Context) (uint64, error) {
	for {
		l.mu.Lock()
		own := l.own
		if t := l.tended[own]; t != nil && l.unheard(t, time.Now()) {
			own = 0
		}
		l.mu.Unlock()
		if own != 0 {
			return own, nil
		}
		r := &request{called: true}
		r.Op, r.Name, r.Remote = owner.OpenSession, cut("callers of "+l.conf.Name, state.MaxName-len("…")), true
		if err := l.ask(ctx, r); err != nil {
			return 0, refusal(opRun, "", err)
		}
		l.adopt(r.IDs[0])
	}
}

// adopt makes a session the link's own, unless somebody was first.
func (l *link) adopt(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.tended[id] == nil:
	case l.own == 0:
		l.own = id
	default:
		delete(l.tended, id)
		l.orphaned(&owner.Request{Op: owner.OpenSession, IDs: []uint64{id}}, 0)
	}
}

// note keeps what an answer says of a session. mu is held.
func (l *link) note(c *call, err error) {
	r := &c.r.Request
	if r.Op == owner.OpenSession && err == nil {
		l.tended[r.IDs[0]] = &tended{id: r.IDs[0], held: make(map[uint64]uint32), heard: c.since, attached: true}
		chime(l.bell)
		return
	}
	if c.book != nil && err == nil {
		c.book.used = c.since
	}
	t := l.tended[r.Session]
	if t == nil || !ofSession(r.Op) {
		return
	}
	switch {
	case err == state.ErrNoSession:
		// c has its own answer.
		delete(l.calls, c.id)
		l.fence(t, err)
	case r.Op == owner.EndSession && err == nil:
		delete(l.calls, c.id)
		l.fence(t, state.ErrNoSession)
	case r.Op == owner.Claim && err == nil:
		for i := range r.Jobs {
			t.held[r.Jobs[i].ID] = r.Jobs[i].Epoch
		}
	case r.Op == owner.Complete, r.Op == owner.Fail, r.Op == owner.Return:
		if over := err == nil || err == state.ErrFenced || err == state.ErrForgotten || err == state.ErrEnded; over && t.held[r.Job] == r.Epoch {
			delete(t.held, r.Job)
		}
	}
}

// unheard fences t if nothing was heard for too long. mu is held.
func (l *link) unheard(t *tended, now time.Time) bool {
	if t.why == nil && now.Sub(t.heard) >= sessionStop {
		l.fence(t, &fault.Error{Kind: fault.Fenced, Err: errUnheard})
	}
	return t.why != nil
}

// fence ends t here. mu is held.
func (l *link) fence(t *tended, why error) {
	t.why = why
	delete(l.tended, t.id)
	if l.own == t.id {
		l.own = 0
	}
	if t.session != nil {
		t.session.fence.close(why)
	}
	for _, c := range l.calls {
		if c.left {
			continue
		}
		if c.r.scope == t.id && errors.Is(why, errUnheard) { // else the owner says how they have ended
			l.abandon(c, c.unreached())
			continue
		}
		if !ofSession(c.r.Op) || c.r.Session != t.id {
			continue
		}
		err := why
		if e, ok := why.(*fault.Error); ok && c.r.Op != owner.Claim && c.doubtful() {
			err = &fault.Error{Kind: e.Kind, Err: e.Err, Started: true}
		}
		l.abandon(c, err)
	}
}

// abandon answers c with err, though the owner's answer may yet come: it is heard
// by nobody. mu is held.
func (l *link) abandon(c *call, err error) {
	if !c.on || c.told != nil {
		l.finish(c, err)
		return
	}
	if c.r.scope != 0 {
		l.line.put(wire.Leave, c.id, nil)
	}
	ghost := &call{link: l, r: &request{}, id: c.id, waits: c.waits, left: true, on: true, book: c.book, n: c.n, inLog: c.inLog}
	ghost.r.Op, ghost.r.Session, ghost.r.IDs = c.r.Op, c.r.Session, c.r.IDs
	c.on, c.book = false, nil
	l.finish(c, err)
	l.calls[ghost.id] = ghost
}

// attach says over the line that t is there, and what it holds. mu is held.
func (l *link) attach(t *tended) {
	r := &request{}
	r.Op, r.Session, r.Seen = owner.Attach, t.id, l.lines
	r.Leases = make([]owner.Lease, 0, len(t.held))
	for job, epoch := range t.held {
		r.Leases = append(r.Leases, owner.Lease{Job: job, Epoch: epoch})
	}
	slices.SortFunc(r.Leases, func(a, b owner.Lease) int { return cmp.Compare(a.Job, b.Job) })
	l.post(r, func(c *call) {
		if l.tended[t.id] != t || c.r.Err != nil {
			return // it is fenced, or will be
		}
		t.heard, t.attached = c.since, true
		for _, job := range c.r.IDs {
			delete(t.held, job)
		}
		for _, other := range l.byNumber() {
			if other.r.Op == owner.Claim && other.r.Session == t.id && !other.on && !other.left {
				l.offer(other)
			}
		}
	})
}

// keep lets the owner hear of the sessions, and finds out what it does not hear.
func (l *link) keep() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-l.bell:
		}
		l.mu.Lock()
		if l.err != nil {
			l.mu.Unlock()
			return
		}
		now := time.Now()
		next := l.tick(now)
		l.mu.Unlock()
		timer.Reset(next.Sub(now))
	}
}

// tick does what is due, and returns when to look again. mu is held.
func (l *link) tick(now time.Time) time.Time {
	next := now.Add(time.Minute)
	soon := func(at time.Time) {
		if at.Before(next) {
			next = at
		}
	}
	for _, t := range l.tended {
		if !l.unheard(t, now) {
			soon(t.heard.Add(sessionStop))
		}
	}
	if l.line == nil {
		l.giveUp(now)
		soon(now.Add(time.Second))
		return next
	}
	if !l.beatAt.After(now) {
		l.beatAt = now.Add(sessionBeat)
		for _, t := range l.tended {
			l.beat(t)
		}
	}
	if len(l.tended) > 0 {
		soon(l.beatAt)
	}
	if len(l.queue) > 0 {
		l.pump()
	}
	soon(l.line.listen(now))
	return next
}

// beat says over the line that t is there. mu is held.
func (l *link) beat(t *tended) {
	r := &request{}
	r.Op, r.Session = owner.Beat, t.id
	l.post(r, func(c *call) {
		if c.r.Err == nil && c.since.After(t.heard) {
			t.heard = c.since
		}
	})
}
