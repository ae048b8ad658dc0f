package sim_test

import (
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// An effect is a transition of the log that an op asked for.
type effect struct {
	seq      uint64
	tag      byte
	ids      []uint64
	existing []bool
	status   state.Status
	session  uint64
	job      uint64
	epoch    uint32
	by       int  // the owner
	index    int  // in the record
	called   bool // it was a job that was called
}

// apply carries a transition out, or says which rule it breaks.
func (m *model) apply(b []byte) {
	t := decode(b)
	m.index++
	e := effect{seq: m.seq, tag: t.tag, session: t.session, job: t.job, epoch: t.epoch, by: m.by, index: m.index}
	if t.named && !m.request(&t) {
		return
	}
	switch t.tag {
	case tTakeover:
		m.takeover()
	case tLimits:
		m.limits = t.limits
	case tQueue:
		q := m.queue(string(t.bytes))
		q.Queue = t.queue
		q.pace.set(t.queue.Rate, m.now)
	case tPause:
		m.queue(string(t.bytes)).paused = t.on
	case tWeight:
		m.reweigh(string(t.bytes), t.weight)
	case tLimit:
		m.setLimit(string(t.bytes), t.limit)
	case tEnqueue:
		m.enqueue(&t, &e)
	case tClaim:
		m.claim(&t, &e)
	case tReturn, tComplete, tFail:
		m.outcome(&t, &e)
	case tCancel:
		m.cancel(&t, &e)
	case tRevive:
		m.revive(&t, &e)
	case tSessionOpen:
		m.session++
		m.sessions = append(m.sessions, &session{id: m.session, remote: t.on, opened: m.seq})
		e.ids = []uint64{m.session}
	case tClientOpen:
		m.client++
		m.named = append(m.named, &named{id: m.client, seen: m.now, had: make(map[uint64]bool)})
		e.ids, e.job = []uint64{m.client}, m.client
	case tSessionEnd:
		if m.open(t.session) == nil {
			m.w.breaks(asWritten, "record %d ends session %d, which there is not", m.seq, t.session)
		}
		m.close(t.session)
	case tSchedule:
		m.setPlan(&t)
	case tUnschedule:
		m.dropPlan(&t)
	case tTick:
		m.tick(&t, &e)
	}
	m.cascade()
	m.trim()
	m.w.effect(&t, e)
	m.count()
}

// request reports whether what a name asks for is to be done: the log has nothing
// else.
func (m *model) request(t *transition) bool {
	var c *named
	for _, o := range m.named {
		if o.id == t.request.Client {
			c = o
		}
	}
	switch {
	case c == nil:
		m.w.breaks(onceAsked, "record %d carries out request %d of client %d, which is not known", m.seq, t.request.N, t.request.Client)
		return false
	case c.had[t.request.N] || int64(t.request.N) < c.low:
		m.w.breaks(onceAsked, "record %d carries out request %d of client %d again", m.seq, t.request.N, t.request.Client)
		return false
	}
	c.had[t.request.N], c.seen, c.low = true, m.now, max(c.low, int64(t.request.Low))
	return true
}

func (m *model) enqueue(t *transition, e *effect) {
	for i := range t.specs {
		p := &t.specs[i]
		if what := m.closed(p); what != "" {
			m.w.breaks(inScope, "record %d enters a job into %s", m.seq, what)
		}
		if p.Deadline > 0 && p.Deadline <= m.now {
			m.w.breaks(onTime, "record %d enters a job %d µs after its deadline", m.seq, m.now-p.Deadline)
		}
		id, existing := m.enter(p)
		e.ids, e.existing = append(e.ids, id), append(e.existing, existing)
	}
}

// enter makes a job, unless there is one that has its key.
func (m *model) enter(p *state.Spec) (id uint64, existing bool) {
	if h := m.holder(p.Task, p.Parent, p.Key); h != nil {
		m.w.tally[keyHits]++
		switch {
		case h.status == state.Done && h.Parent != 0:
			m.w.tally[childResults]++
		case !h.status.Live():
			m.w.tally[uniqueHits]++
		case h.Parent != 0:
			m.w.tally[childJoins]++
		}
		h.Called = h.Called && p.Called // it is not its callers' alone any more
		return h.id, true
	}
	if what := m.full(p.Queue, int64(len(p.Input)+len(p.Key))); what != "" {
		m.w.breaks(inDepth, "record %d enters a job into %s, which is full", m.seq, what)
	}
	if what := m.knot(p); what != "" {
		m.w.breaks(asWritten, "record %d enters a job that waits for its parents, who have all of %s", m.seq, what)
	}
	j := &job{Spec: *p, id: uint64(len(m.lives)), entered: m.now, tied: p.Session != 0 || p.Parent != 0}
	m.lives = append(m.lives, life{})
	m.jobs = append(m.jobs, j)
	switch {
	case p.Session != 0:
		m.w.tally[sessionJobs]++
	case p.Attached:
		m.w.tally[attachedJobs]++
	case p.Parent != 0:
		m.w.tally[keyedChildren]++
	}
	at := p.RunAt
	if at < 0 {
		at = m.now - at
	}
	if at > m.now {
		m.delay(j, at)
	} else {
		m.makeReady(j, m.now)
	}
	return j.id, false
}

func (m *model) claim(t *transition, e *effect) {
	j := m.job(t.job)
	switch {
	case m.open(t.session) == nil:
		m.w.breaks(asWritten, "record %d claims job %d for session %d, which there is not", m.seq, t.job, t.session)
	case t.job < uint64(len(m.lives)) && m.lives[t.job].scopeAt > 0:
		m.w.breaks(inScope, "record %d claims job %d, whose scope has ended in record %d", m.seq, t.job, m.lives[t.job].scopeAt)
	case t.job < uint64(len(m.lives)) && m.lives[t.job].lateAt > 0 && (j == nil || j.status != state.Ready):
		m.w.breaks(onTime, "record %d claims job %d, whose deadline had passed in record %d", m.seq, t.job, m.lives[t.job].lateAt)
	case t.job < uint64(len(m.lives)) && m.lives[t.job].cancelAt > 0:
		m.w.breaks(staysDead, "record %d claims job %d, which record %d has cancelled", m.seq, t.job, m.lives[t.job].cancelAt)
	case j == nil:
		m.w.breaks(onceDone, "record %d claims job %d, which there is not", m.seq, t.job)
	case j.status == state.Scheduled:
		m.w.breaks(onTime, "record %d claims job %d %d µs before it is due", m.seq, t.job, j.due-m.now)
	case j.status != state.Ready:
		m.w.breaks(onceDone, "record %d claims job %d, which is %s", m.seq, t.job, statusNames[j.status])
	case j.late(m.now):
		m.w.breaks(onTime, "record %d claims job %d %d µs after its deadline", m.seq, t.job, m.now-j.Deadline)
	}
	if j == nil {
		return
	}
	m.checkTurn(j)
	j.status, j.since, j.session = state.Running, m.now, t.session
	j.epoch++
	j.attempt++
	e.epoch = j.epoch
	m.checkBounds(j)
	l := &m.lives[j.id]
	l.claims = append(l.claims, claimed{m.seq, j.epoch, t.session})
	m.remember(j)
}

func (m *model) outcome(t *transition, e *effect) {
	j := m.job(t.job)
	if j == nil || j.status != state.Running || j.session != t.session || j.epoch != t.epoch {
		m.w.breaks(onceDone, "record %d accepts an outcome of job %d for session %d, epoch %d, which is not its", m.seq, t.job, t.session, t.epoch)
		return
	}
	m.closeAttempt(j)
	switch t.tag {
	case tComplete:
		m.lives[j.id].done++
		e.status = state.Done
		m.end(j, state.Done, state.CauseNone, t.bytes)
	case tReturn:
		e.status = m.giveBack(j)
	default:
		e.status = m.fail(j, t)
	}
}

func (m *model) giveBack(j *job) state.Status {
	j.attempt--
	switch {
	case j.cancel:
		m.end(j, state.Cancelled, j.cause, nil)
		return state.Cancelled
	case j.late(m.now):
		m.expire(j)
		return state.Dead
	}
	m.ready(j, m.now) // where it stood before
	return state.Ready
}

func (m *model) fail(j *job, t *transition) state.Status {
	j.note(m.now, t.bytes)
	after := t.after
	if after < 0 {
		after = backoff(j)
	}
	var detail []byte
	if len(t.detail) > 0 {
		detail = t.detail
	}
	switch {
	case j.cancel && detail != nil:
		m.end(j, state.Cancelled, state.CauseFailed, detail)
		return state.Cancelled
	case j.cancel:
		m.end(j, state.Cancelled, j.cause, nil)
		return state.Cancelled
	case t.perm || j.attempt >= int(j.Attempts) || j.late(m.now+after):
		m.end(j, state.Dead, state.CauseFailed, detail)
		return state.Dead
	case after == 0:
		m.makeReady(j, m.now)
	default:
		m.w.tally[backoffs]++
		m.delay(j, m.now+after)
	}
	return j.status
}

func (j *job) note(now int64, text []byte) {
	j.failures = append(j.failures, state.Attempt{Epoch: j.epoch, At: now, Error: string(text)})
	j.failures = j.failures[max(len(j.failures)-8, 0):]
}

func (m *model) cancel(t *transition, e *effect) {
	j := m.job(t.job)
	if j == nil || !j.status.Live() {
		m.w.breaks(asWritten, "record %d cancels job %d, which is not live", m.seq, t.job)
		return
	}
	m.w.tally[cancels]++
	if l := &m.lives[j.id]; l.cancelAt == 0 {
		l.cancelAt = m.seq
	}
	e.called = j.Called
	if e.status = j.status; j.status == state.Running {
		if !j.cancel {
			m.cancelRunning(j, state.CauseAsked, t.detail)
		}
		return
	}
	e.status = state.Cancelled
	j.detail = t.detail
	m.end(j, state.Cancelled, state.CauseAsked, nil)
}

func (m *model) revive(t *transition, e *effect) {
	j := m.job(t.job)
	if j == nil || j.status != state.Dead {
		m.w.breaks(asWritten, "record %d revives job %d, which is not dead", m.seq, t.job)
		return
	}
	if o := m.job(j.Parent); j.Attached || j.Parent != 0 && (o == nil || !o.status.Live()) {
		m.w.breaks(inScope, "record %d revives job %d, and what it belonged to is not there", m.seq, j.id)
	}
	if h := m.holder(j.Task, j.Parent, j.Key); h != nil && h != j {
		m.w.breaks(oneKey, "record %d revives job %d, whose key job %d has", m.seq, j.id, h.id)
	}
	if what := m.full(j.Queue, int64(len(j.Input)+len(j.Key))); what != "" {
		m.w.breaks(inDepth, "record %d revives a job into %s, which is full", m.seq, what)
	}
	m.w.tally[revivals]++
	j.kept, j.attempt, j.cause, j.detail, j.tied = false, 0, 0, nil, j.Parent != 0
	if j.late(m.now) {
		j.Deadline = 0 // somebody wants it all the same
	}
	m.makeReady(j, m.now)
	e.status = state.Ready
}

// takeover ends the sessions that were in the process of the owner before.
func (m *model) takeover() {
	for _, s := range slices.Clone(m.sessions) {
		if !s.remote {
			m.close(s.id)
			m.cascade()
		}
	}
}

// close ends a session: its attempts, and what is attached to it.
func (m *model) close(id uint64) {
	m.sessions = slices.DeleteFunc(m.sessions, func(s *session) bool { return s.id == id })
	m.gone[id] = m.seq
	for _, j := range slices.Clone(m.jobs) {
		if j.status == state.Running && j.session == id {
			m.lose(j)
		}
	}
	for _, j := range m.jobs {
		if j.tied && j.Session == id {
			m.doom(j)
		}
	}
}

func (m *model) lose(j *job) {
	m.w.tally[sessionLosses]++
	m.closeAttempt(j)
	j.note(m.now, []byte("lost: the session that had claimed the job ended"))
	switch {
	case j.cancel:
		m.end(j, state.Cancelled, j.cause, nil)
	case j.attempt >= int(j.Attempts) || j.late(m.now):
		m.end(j, state.Dead, state.CauseLost, nil)
	default:
		m.makeReady(j, m.now)
	}
}
