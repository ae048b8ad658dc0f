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
}

// apply carries a transition out, or says which rule it breaks.
func (m *model) apply(b []byte) {
	t := decode(b)
	m.index++
	e := effect{seq: m.seq, tag: t.tag, session: t.session, job: t.job, epoch: t.epoch}
	if t.named && !m.request(&t) {
		return
	}
	switch t.tag {
	case tTakeover:
		for len(m.sessions) > 0 {
			m.close(m.sessions[0])
		}
	case tLimits:
		m.limits = t.limits
	case tQueue:
		m.depth[string(t.bytes)] = t.depth
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
		m.sessions = append(m.sessions, m.session)
		e.ids = []uint64{m.session}
	case tClientOpen:
		m.client++
		m.named = append(m.named, &named{id: m.client, seen: m.now, had: make(map[uint64]bool)})
		e.ids, e.job = []uint64{m.client}, m.client
	case tSessionEnd:
		if !slices.Contains(m.sessions, t.session) {
			m.w.breaks(asWritten, "record %d ends session %d, which there is not", m.seq, t.session)
		}
		m.close(t.session)
	}
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
		if h := m.holder(p.Task, p.Key); h != nil {
			m.w.tally[keyHits]++
			e.ids, e.existing = append(e.ids, h.id), append(e.existing, true)
			continue
		}
		if what := m.full(p.Queue, int64(len(p.Input)+len(p.Key))); what != "" {
			m.w.breaks(inDepth, "record %d enters a job into %s, which is full", m.seq, what)
		}
		j := &job{Spec: *p, id: uint64(len(m.lives)), entered: m.now}
		m.lives = append(m.lives, life{})
		m.jobs = append(m.jobs, j)
		at := p.RunAt
		if at < 0 {
			at = m.now - at
		}
		if at > m.now {
			m.schedule(j, at)
		} else {
			m.makeReady(j, m.now)
		}
		e.ids, e.existing = append(e.ids, j.id), append(e.existing, false)
	}
}

func (m *model) claim(t *transition, e *effect) {
	j := m.job(t.job)
	switch {
	case !slices.Contains(m.sessions, t.session):
		m.w.breaks(asWritten, "record %d claims job %d for session %d, which there is not", m.seq, t.job, t.session)
	case t.job < uint64(len(m.lives)) && m.lives[t.job].cancelAt > 0:
		m.w.breaks(staysDead, "record %d claims job %d, which record %d has cancelled", m.seq, t.job, m.lives[t.job].cancelAt)
	case j == nil:
		m.w.breaks(onceDone, "record %d claims job %d, which there is not", m.seq, t.job)
	case j.status == state.Scheduled:
		m.w.breaks(onTime, "record %d claims job %d %d µs before it is due", m.seq, t.job, j.due-m.now)
	case j.status != state.Ready:
		m.w.breaks(onceDone, "record %d claims job %d, which is %s", m.seq, t.job, statusNames[j.status])
	}
	if j == nil {
		return
	}
	m.checkTurn(j)
	j.status, j.since, j.session = state.Running, m.now, t.session
	j.epoch++
	j.attempt++
	e.epoch = j.epoch
	l := &m.lives[j.id]
	l.claims = append(l.claims, claimed{m.seq, j.epoch})
	m.remember(j)
}

// checkTurn sees whether another job was to be claimed before j, if it is known
// what the claim was for.
func (m *model) checkTurn(j *job) {
	v := m.w.follower.claims[lease{j.id, j.epoch + 1}]
	if v == nil {
		return
	}
	for _, o := range m.jobs {
		if o.status == state.Ready && matches(&v.r, o.Task, o.Queue) && (o.score < j.score || o.score == j.score && o.id < j.id) {
			m.w.breaks(inOrder, "record %d claims job %d, and job %d was before it by %d µs", m.seq, j.id, o.id, j.score-o.score)
			return
		}
	}
}

func (m *model) outcome(t *transition, e *effect) {
	j := m.job(t.job)
	if j == nil || j.status != state.Running || j.session != t.session || j.epoch != t.epoch {
		m.w.breaks(onceDone, "record %d accepts an outcome of job %d for session %d, epoch %d, which is not its", m.seq, t.job, t.session, t.epoch)
		return
	}
	switch {
	case t.tag == tComplete:
		if j.Keep > 0 {
			j.result = t.bytes
		}
		m.lives[j.id].done++
		e.status = state.Done
		m.end(j, state.Done)
	case t.tag == tReturn:
		j.attempt--
		if e.status = state.Ready; j.cancel {
			e.status = state.Cancelled
			m.end(j, state.Cancelled)
			return
		}
		m.ready(j, m.now)
	default:
		m.fail(j, t)
		e.status = j.status
		if l := &m.lives[j.id]; j.status == 0 { // forgotten at once
			e.status = l.is[len(l.is)-2].status
		}
	}
}

func (m *model) fail(j *job, t *transition) {
	j.note(m.now, t.bytes)
	after := t.after
	if after < 0 {
		after = backoff(j)
	}
	switch {
	case j.cancel:
		m.end(j, state.Cancelled)
	case t.perm || j.attempt >= int(j.Attempts):
		m.end(j, state.Dead)
	case after == 0:
		m.makeReady(j, m.now)
	default:
		m.w.tally[backoffs]++
		m.schedule(j, m.now+after)
	}
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
	if e.status = j.status; j.status == state.Running {
		m.w.tally[cancelsRunning]++
		j.cancel = true
		m.remember(j)
		return
	}
	e.status = state.Cancelled
	m.end(j, state.Cancelled)
}

func (m *model) revive(t *transition, e *effect) {
	j := m.job(t.job)
	if j == nil || j.status != state.Dead {
		m.w.breaks(asWritten, "record %d revives job %d, which is not dead", m.seq, t.job)
		return
	}
	if h := m.holder(j.Task, j.Key); h != nil {
		m.w.breaks(oneKey, "record %d revives job %d, whose key job %d has", m.seq, j.id, h.id)
	}
	if what := m.full(j.Queue, int64(len(j.Input)+len(j.Key))); what != "" {
		m.w.breaks(inDepth, "record %d revives a job into %s, which is full", m.seq, what)
	}
	m.w.tally[revivals]++
	m.ended--
	j.attempt = 0
	m.makeReady(j, m.now)
	e.status = state.Ready
}

// close ends a session.
func (m *model) close(session uint64) {
	m.sessions = slices.DeleteFunc(m.sessions, func(s uint64) bool { return s == session })
	for _, j := range slices.Clone(m.jobs) {
		if j.status != state.Running || j.session != session {
			continue
		}
		m.w.tally[sessionLosses]++
		j.note(m.now, []byte("lost: the session that had claimed the job ended"))
		switch {
		case j.cancel:
			m.end(j, state.Cancelled)
		case j.attempt >= int(j.Attempts):
			m.end(j, state.Dead)
		default:
			m.makeReady(j, m.now)
		}
	}
}
