package sim_test

import (
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// finale ends the faults. There is an owner, or another one takes over, and all
// that have been replaced are closed. When everybody has been served there is
// nothing left to do.
func (w *world) finale() {
	w.over = true
	w.disk.until, w.net.until = 0, 0
	w.note("from here on nothing fails")
	for _, s := range w.shells {
		s.resume()
	}
	for _, s := range w.shells {
		s.secluded = false
	}
	for _, r := range w.remotes {
		r.leave(false)
		r.resume(0, false)
	}
	w.after(4e6, func() { // what was late has arrived
		s := w.current()
		if n := w.disk.last(); s == nil || n == 0 || s.core.Figures().Term < w.disk.all[n-1].term || w.common.one(2) {
			w.boot(10e3)
		}
	})
	w.after(8e6, func() {
		last := w.current()
		for _, s := range w.shells {
			if s != last && !s.dead {
				s.close()
			}
		}
		if last == nil {
			w.breaks(progress, "nobody owns the log")
		}
	})
	w.after(20e6, func() { w.quiet(0) })
}

// quiet is when all that could be served has been.
func (w *world) quiet(tries int) {
	s := w.current()
	switch {
	case s == nil || tries > 100:
		w.breaks(progress, "%v is not idle, long after the last fault", s)
		return
	case s.busy || s.poked:
		w.after(7e3, func() { w.quiet(tries + 1) })
		return
	}
	w.follow(w.landed)
	w.compare()
	w.checkIdle(s)
	if s.skew < 0 {
		s.jump(-s.skew) // or what is to run at a time takes an hour more
	}
	for _, n := range w.follower.model.sessions {
		w.send(w.ask(w.common, owner.Request{Op: owner.EndSession, Session: n.id}, nil, nil))
	}
	for _, q := range queueNames {
		w.send(w.ask(w.common, owner.Request{Op: owner.Pause, Name: q}, nil, nil))
	}
	for _, p := range w.follower.model.plans {
		w.send(w.ask(w.common, owner.Request{Op: owner.Unschedule, Name: p.name}, nil, nil))
	}
	r := owner.Request{Op: owner.OpenSession, Name: mark(len(w.ops))}
	w.send(w.ask(w.common, r, nil, func(v *delivery) { w.drain(v.r.IDs[0], 0) }))
}

// checkIdle looks at an owner that has nothing to do, and whose log is followed to
// its end: whoever waits can not be served, and somebody was told of each claimed
// job.
func (w *world) checkIdle(s *shell) {
	m := &w.follower.model
	for _, v := range s.open {
		switch {
		case !waits(&v.r):
			w.breaks(progress, "%v was not answered", v)
		case v.r.Follow && len(v.op.effects) > 0:
			w.checkFollow(v)
		case v.r.Op == owner.Await || v.r.Op == owner.Listen || v.r.Op == owner.Drained:
			w.checkTold(v)
		case v.r.Op == owner.Claim && m.open(v.r.Session) == nil:
			w.breaks(told, "%v waits, and there is no such session", v)
		case v.r.Op == owner.Claim && m.readyFor(&v.r):
			w.breaks(progress, "%v waits, and there is a job for it", v)
		case v.r.Op == owner.Enqueue && v.r.Wait && s.firstInLine(v) && m.roomFor(&v.r):
			w.breaks(progress, "%v waits, and there is room for it", v)
		}
	}
	s.checkSilent(m)
	s.checkReturned(m)
	for _, j := range m.jobs {
		n := m.open(j.session) // a remote one is told what it has when it attaches itself again
		if j.status == state.Running && n != nil && !n.remote && w.follower.claims[lease{j.id, j.epoch}] == nil {
			w.breaks(progress, "job %d is claimed under epoch %d, and nobody was told", j.id, j.epoch)
		}
	}
}

func (s *shell) firstInLine(v *delivery) bool {
	for _, u := range s.open {
		if u == v {
			return true
		}
		if u.r.Op == owner.Enqueue && u.r.Wait && !(u.r.Follow && len(u.op.effects) > 0) {
			return false // it may be in one of v's lines, or wait for the shard
		}
	}
	return false
}

// roomFor reports whether one job that has no key fits.
func (m *model) roomFor(r *owner.Request) bool {
	p := &r.Specs[0]
	return len(r.Specs) == 1 && p.Key == "" && m.full(p.Queue, int64(len(p.Input))) == ""
}

// drain claims everything that there is or comes, and completes it.
func (w *world) drain(session uint64, rounds int) {
	w.follow(w.landed)
	m := &w.follower.model
	waiting := 0
	var last *op
	for _, o := range w.ops {
		if o.open && o.r.Op != owner.Claim {
			waiting, last = waiting+1, o
		}
	}
	live := 0
	for _, j := range m.jobs {
		if j.status.Live() {
			live++
		}
	}
	switch {
	case live == 0 && waiting == 0:
		w.last(session)
		return
	case rounds > 60:
		w.breaks(progress, "after %d rounds there are %d live jobs, and %d requests without an answer: %v", rounds, live, waiting, last)
		return
	}
	r := owner.Request{Op: owner.Claim, Session: session, Most: 8}
	w.send(w.ask(w.common, r, nil, func(v *delivery) {
		for i := range v.r.Jobs {
			j := &v.r.Jobs[i]
			r := owner.Request{Op: owner.Complete, Session: session, Job: j.ID, Epoch: j.Epoch, Result: []byte(mark(len(w.ops)))}
			w.send(w.ask(w.common, r, nil, nil))
		}
	}))
	w.after(min(int64(500e3)<<(rounds/4), 10e6), func() { w.drain(session, rounds+1) })
}

// last lets so much time go by that everything is forgotten.
func (w *world) last(session uint64) {
	w.send(w.ask(w.common, owner.Request{Op: owner.EndSession, Session: session}, nil, nil))
	w.after(1e6, func() {
		s := w.current()
		for _, v := range s.open {
			if v.added < w.now-500e3 { // or somebody says something twice, after long
				w.breaks(progress, "%v has no answer in the end", v)
			}
		}
		s.jump(2 * hour)
	})
}

// silence is when nothing more happens.
func (w *world) silence() {
	s := w.current()
	if s == nil || s.busy || w.landed != w.disk.last() {
		w.breaks(progress, "the log ends with record %d, of which %d are known, and %v", w.disk.last(), w.landed, s)
		return
	}
	if w.follow(w.landed); w.follower.last < w.landed {
		return
	}
	w.compare()
	w.replay(w.disk.first, w.follower.core.State().AppendCanonical(nil))
	if !s.same(&w.follower) {
		w.breaks(sameReplay, "%v has another state in the end than a replay", s)
	}
	m := &w.follower.model
	if len(m.jobs) > 0 || len(m.named) > 0 {
		w.breaks(progress, "%d jobs and %d clients are never forgotten", len(m.jobs), len(m.named))
	}
	for _, o := range w.ops {
		if o.open && o.r.Op != owner.Claim {
			w.breaks(progress, "%v has no answer", o)
		}
	}
}
