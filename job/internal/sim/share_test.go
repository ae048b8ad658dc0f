package sim_test

import (
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// How the groups of a queue share it. Each has a pass, and the lowest of those
// that have a job for a claim has its turn; then it stands a stride behind the
// turn, the less the more weight it has.

type group struct {
	name string
	pass int64
	last float64 // what its last turn weighed
}

const stride = 1 << 20

func (q *queue) group(name string) *group {
	for _, g := range q.groups {
		if g.name == name {
			return g
		}
	}
	g := &group{name: name}
	q.groups = append(q.groups, g)
	return g
}

func (m *model) weight(group string) int64 { return max(m.weights[group], 1) }

// tidy forgets groups that have no jobs any more, unless they are ahead of the
// turn and others have some.
func (m *model) tidy(q *queue) {
	has := func(group string) bool {
		return slices.ContainsFunc(m.jobs, func(j *job) bool { return j.Queue == q.name && j.Group == group })
	}
	q.groups = slices.DeleteFunc(q.groups, func(g *group) bool { return g.pass <= q.turn && !has(g.name) })
	if !slices.ContainsFunc(m.jobs, func(j *job) bool { return j.Queue == q.name }) {
		q.turn, q.groups, q.pairs = 0, nil, nil
	}
}

// gives reports whether j can be claimed now, as far as it is j's own doing.
func (m *model) gives(j *job, r *owner.Request) bool {
	return j.status == state.Ready && matches(r, j.Task, j.Queue) && m.free(j)
}

// next is the job that a claim is to be given: of each queue the first of the
// group whose turn it is, and of these the one that has been ready longest.
func (m *model) next(r *owner.Request) (best *job) {
	for _, q := range m.queues {
		var first *job
		for _, j := range m.jobs {
			if j.Queue == q.name && m.gives(j, r) && (first == nil || m.before(q, j, first)) {
				first = j
			}
		}
		if first != nil && m.lets(q) && (best == nil || sooner(first, best)) {
			best = first
		}
	}
	return best
}

// sooner reports whether a comes before b, whatever their groups.
func sooner(a, b *job) bool { return a.score < b.score || a.score == b.score && a.id < b.id }

func (m *model) before(q *queue, a, b *job) bool {
	if a.Group == b.Group {
		return sooner(a, b)
	}
	x, y := q.group(a.Group), q.group(b.Group)
	return x.pass < y.pass || x.pass == y.pass && x.name < y.name
}

// checkTurn sees whether another job was to be claimed than j, if it is known what
// the claim was for.
func (m *model) checkTurn(j *job) {
	q := m.queue(j.Queue)
	v := m.w.follower.claims[lease{j.id, j.epoch + 1}]
	if v == nil {
		q.pairs = nil
	} else {
		if o := m.next(&v.r); o != j && o != nil {
			m.w.breaks(inOrder, "record %d claims job %d (%s/%s, score %d), and job %d (%s/%s, score %d) was to be first", m.seq, j.id, j.Queue, j.Group, j.score-base, o.id, o.Queue, o.Group, o.score-base)
		}
		m.checkShares(q, j, &v.r)
	}
	g := q.group(j.Group)
	q.turn = max(q.turn, g.pass)
	g.pass = q.turn + stride/m.weight(g.name)
	g.last = 1 / float64(m.weight(g.name))
	m.tidy(q)
}

// A pair is two groups of a queue, during claims that could all have been given
// jobs of both. What one of them got more than the other, each by its weight, is
// never off by more than a turn of each: had is so much at each claim, least and
// most are its bounds since the first, and whichever stretch of claims one takes
// lies between them.
//
// That it is so follows from how turns are counted. Let e be a group's pass, or
// the turn if that is further on. It is never more than its stride ahead of the
// turn; its own turn moves it by its stride; and the turn of another that both
// could have had does not move it, as that one's pass was not higher. Weights that
// change begin new pairs, which may owe turns of before.
type pair struct {
	a, b                    string
	had, least, most, bound float64
}

func (m *model) checkShares(q *queue, j *job, r *owner.Request) {
	var able []string // groups that the claim could have been given a job of
	for _, o := range m.jobs {
		if o.Queue == q.name && m.gives(o, r) && !slices.Contains(able, o.Group) {
			able = append(able, o.Group)
		}
	}
	q.pairs = slices.DeleteFunc(q.pairs, func(p *pair) bool { return !slices.Contains(able, p.a) || !slices.Contains(able, p.b) })
	for i, a := range able {
		for _, b := range able[i+1:] {
			m.share(q, min(a, b), max(a, b), j)
		}
	}
}

// share counts a claim that could have been given to a or b.
func (m *model) share(q *queue, a, b string, j *job) {
	i := slices.IndexFunc(q.pairs, func(p *pair) bool { return p.a == a && p.b == b })
	if i < 0 {
		i = len(q.pairs)
		bound := max(1/float64(m.weight(a)), q.group(a).last) + max(1/float64(m.weight(b)), q.group(b).last)
		q.pairs = append(q.pairs, &pair{a: a, b: b, bound: bound + 1e-3})
	}
	p := q.pairs[i]
	m.w.tally[sharedClaims]++
	one := 1 / float64(m.weight(j.Group))
	switch j.Group {
	case a:
		p.had += one
	case b:
		p.had -= one
	}
	p.least, p.most = min(p.least, p.had), max(p.most, p.had)
	if p.most-p.least > p.bound {
		m.w.breaks(fairly, "record %d: of claims that groups %q and %q of queue %s had jobs for, one got %.2f turns more than the other by their weights", m.seq, a, b, q.name, p.most-p.least)
	}
}

// reweigh is for weights that change: shares are counted anew.
func (m *model) reweigh(group string, weight int64) {
	m.weights[group] = weight
	for _, q := range m.queues {
		q.pairs = nil
	}
}
