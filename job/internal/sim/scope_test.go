package sim_test

import (
	"fmt"

	"github.com/hemgo/hem/job/internal/state"
)

// What jobs belong to: a session, or an attempt of another job, or another job
// until it ends.

// closed says why a job cannot be begun, or joined, in what it is to belong to.
func (m *model) closed(p *state.Spec) string {
	switch {
	case p.Session != 0:
		if m.open(p.Session) == nil {
			return fmt.Sprintf("session %d, which there is not", p.Session)
		}
	case p.Parent != 0:
		o := m.job(p.Parent)
		switch {
		case o == nil:
			return fmt.Sprintf("job %d, which there is not", p.Parent)
		case o.status != state.Running || o.epoch != p.ParentEpoch:
			return fmt.Sprintf("job %d/%d, which is %s under epoch %d", o.id, p.ParentEpoch, statusNames[o.status], o.epoch)
		case o.cancel:
			return fmt.Sprintf("job %d, which is to end", o.id)
		}
	}
	return ""
}

// knot says what those whose child a job would be have all of, so that it could not
// begin before they end.
func (m *model) knot(p *state.Spec) string {
	var live, inQueue, runs, inLimit int64
	for o, below := m.job(p.Parent), endless; o != nil && o.id < below; o = m.job(o.Parent) {
		below = o.id
		if !o.status.Live() {
			continue
		}
		live++
		if o.Queue == p.Queue {
			inQueue++
		}
		if o.status != state.Running {
			continue
		}
		if o.Queue == p.Queue {
			runs++
		}
		if p.Limit != "" && o.Limit == p.Limit && o.LimitKey == p.LimitKey {
			inLimit++
		}
	}
	q, l := m.queue(p.Queue), m.caps[p.Limit]
	switch {
	case q.Running > 0 && runs >= q.Running, q.Depth > 0 && live > 0 && inQueue >= q.Depth:
		return "queue " + p.Queue
	case live > 0 && live >= m.limits.Jobs:
		return "the shard"
	case p.Limit != "" && l.Running > 0 && inLimit >= l.Running:
		return "limit " + p.Limit
	}
	return ""
}

// children are what is tied to a job.
func (m *model) children(parent *job) (all []*job) {
	for _, j := range m.jobs {
		if j.tied && j.Parent == parent.id {
			all = append(all, j)
		}
	}
	return all
}

// closeAttempt ends what is attached to an attempt of j, which has ended.
func (m *model) closeAttempt(j *job) {
	for _, c := range m.children(j) {
		if c.Attached {
			m.doom(c)
		}
	}
}

// closeJob ends what j has begun, for j ends. What of it is done need not be kept
// for whoever runs j again.
func (m *model) closeJob(j *job) {
	for _, c := range m.children(j) {
		if c.status.Live() {
			m.doom(c)
			continue
		}
		c.tied = false
		m.retire(c, c.Keep)
	}
}

// doom lets a job be cancelled when the transition is through.
func (m *model) doom(j *job) {
	j.tied = false
	m.doomed = append(m.doomed, j)
}

// cascade cancels those that are doomed, and what they have begun.
func (m *model) cascade() {
	for len(m.doomed) > 0 {
		j := m.doomed[0]
		m.doomed = m.doomed[1:]
		if !j.status.Live() || j.cancel {
			continue
		}
		m.w.tally[scopeEnds]++
		if l := &m.lives[j.id]; l.scopeAt == 0 {
			l.scopeAt = m.seq
		}
		if j.status == state.Running {
			m.cancelRunning(j, state.CauseScope, nil)
		} else {
			m.end(j, state.Cancelled, state.CauseScope, nil)
		}
	}
}

// cancelRunning lets a job, which is Running, end with its attempt, and what it has
// begun.
func (m *model) cancelRunning(j *job, cause state.Cause, why []byte) {
	m.w.tally[cancelsRunning]++
	j.cancel, j.cause, j.detail = true, cause, why
	m.lives[j.id].cancels = append(m.lives[j.id].cancels, cancelling{m.seq, j.epoch, cause, why})
	m.remember(j)
	m.doomed = append(m.doomed, m.children(j)...)
}
