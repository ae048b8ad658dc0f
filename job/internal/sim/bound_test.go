package sim_test

import (
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// How many jobs may be claimed, and how fast: of a queue, and of each key of a
// limit.

// A queue is what the model knows of one.
type queue struct {
	state.Queue
	name   string
	paused bool
	pace   pace

	turn   int64 // the pass of the group that had the last turn
	groups []*group
	pairs  []*pair

	rests []span // the records between which nothing of it was running
}

type gateKey struct{ limit, key string }

type gate struct{ pace }

// A pace is how far what has a rate has come.
type pace struct {
	tat    int64   // when the next claim would be on time
	claims []int64 // when there were some, since the rate was set
}

type span struct{ from, to uint64 }

const endless = ^uint64(0) // a span that has no end yet

func (m *model) queue(name string) *queue {
	for _, q := range m.queues {
		if q.name == name {
			return q
		}
	}
	q := &queue{name: name, rests: []span{{0, endless}}}
	m.queues = append(m.queues, q)
	return q
}

func (m *model) gate(j *job) *gate {
	if j.Limit == "" {
		return nil
	}
	k := gateKey{j.Limit, j.LimitKey}
	g := m.gates[k]
	if g == nil {
		g = new(gate)
		m.gates[k] = g
	}
	return g
}

// rest notes that nothing of a queue is running, or something.
func (q *queue) rest(seq uint64, rests bool) {
	last := len(q.rests) - 1
	resting := last >= 0 && q.rests[last].to == endless
	switch {
	case rests && !resting:
		q.rests = append(q.rests, span{seq, endless})
	case !rests && resting:
		q.rests[last].to = seq
	}
}

// rested reports whether nothing of a queue was running at some time between two
// records.
func (m *model) rested(name string, from, to uint64) bool {
	for _, q := range m.queues {
		if q.name == name {
			return slices.ContainsFunc(q.rests, func(s span) bool { return s.from <= to && s.to >= from })
		}
	}
	return true
}

// running is how many jobs of a queue are.
func (m *model) running(queue string) (n int64) {
	for _, j := range m.jobs {
		if j.status == state.Running && j.Queue == queue {
			n++
		}
	}
	return n
}

// counting is how many jobs are running that count for the key of j's limit.
func (m *model) counting(j *job) (n int64) {
	for _, o := range m.jobs {
		if o.status == state.Running && o.Limit == j.Limit && o.LimitKey == j.LimitKey {
			n++
		}
	}
	return n
}

// onTime reports whether a claim keeps to a rate: Burst at once, and then one each
// Interval, as the generic cell rate algorithm has it.
func (p *pace) onTime(r state.Rate, now int64) bool {
	return r.Interval == 0 || p.tat <= now+(r.Burst-1)*r.Interval
}

// count takes a claim. It is false if there were too many in the time up to it, by
// counting them.
func (p *pace) count(r state.Rate, now int64) bool {
	if r.Interval == 0 {
		p.tat = 0
		return true
	}
	p.tat = max(p.tat, now) + r.Interval
	p.claims = append(p.claims, now)
	for i, at := range slices.Backward(p.claims) {
		if n := int64(len(p.claims) - i); n > r.Burst+(now-at)/r.Interval {
			return false
		}
		if len(p.claims)-i > 50 {
			break
		}
	}
	return true
}

// set is for a rate that is set anew. What is owed by an older one is no more than
// that of a burst.
func (p *pace) set(r state.Rate, now int64) {
	p.claims = nil
	if p.tat = min(p.tat, now+r.Interval*r.Burst); r.Interval == 0 {
		p.tat = 0
	}
}

// lets reports whether jobs of a queue may be claimed now.
func (m *model) lets(q *queue) bool {
	return !q.paused && (q.Running == 0 || m.running(q.name) < q.Running) && q.pace.onTime(q.Rate, m.now)
}

// free reports whether j's limit lets it be claimed now.
func (m *model) free(j *job) bool {
	g := m.gate(j)
	if g == nil {
		return true
	}
	l := m.caps[j.Limit]
	return (l.Running == 0 || m.counting(j) < l.Running) && g.onTime(l.Rate, m.now)
}

// checkBounds sees whether j, which was claimed just now, was one too many.
func (m *model) checkBounds(j *job) {
	q := m.queue(j.Queue)
	if q.paused {
		m.w.breaks(inBounds, "record %d claims job %d of queue %s, which is paused", m.seq, j.id, q.name)
	}
	if n := m.running(q.name); q.Running > 0 && n > q.Running {
		m.w.breaks(inBounds, "record %d claims job %d, and then %d of queue %s are running, of at most %d", m.seq, j.id, n, q.name, q.Running)
	}
	if !q.pace.count(q.Rate, m.now) {
		m.w.breaks(inBounds, "record %d claims job %d of queue %s sooner than %+v lets", m.seq, j.id, q.name, q.Rate)
	}
	g := m.gate(j)
	if g == nil {
		return
	}
	l := m.caps[j.Limit]
	if n := m.counting(j); l.Running > 0 && n > l.Running {
		m.w.breaks(inBounds, "record %d claims job %d, and then %d are running that count for %s %q, of at most %d", m.seq, j.id, n, j.Limit, j.LimitKey, l.Running)
	}
	if !g.count(l.Rate, m.now) {
		m.w.breaks(inBounds, "record %d claims job %d of limit %s %q sooner than %+v lets", m.seq, j.id, j.Limit, j.LimitKey, l.Rate)
	}
}

// setLimit is for a limit by name.
func (m *model) setLimit(name string, l state.Limit) {
	if m.caps[name] = l; l == (state.Limit{}) {
		delete(m.caps, name)
	}
	for k, g := range m.gates {
		if k.limit == name {
			g.set(l.Rate, m.now)
		}
	}
}

// readyFor reports whether there is a job that a claim could have been given.
func (m *model) readyFor(r *owner.Request) bool { return m.next(r) != nil }
