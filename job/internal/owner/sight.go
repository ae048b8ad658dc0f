package owner

import (
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// A Sight is what a [View] looks at: the state, with the record in flight, and what
// is known of sessions beside it. Nothing of it is to be changed, nor kept.
type Sight struct {
	*state.State
	people *people
	claims *line
}

// Sight is what there is to look at, until the next call of the Core. It is not for
// a Core that has ended, or that reads.
func (c *Core) Sight() Sight { return Sight{c.state, &c.people, &c.claims} }

// Claims is for which jobs a session made its last Claim. ok is false if it has made
// none to this Core.
func (s Sight) Claims(session uint64) (f state.Filter, ok bool) {
	f, ok = s.people.filters[session]
	return f, ok
}

// Silent is for how many microseconds nothing was heard of a remote session.
func (s Sight) Silent(session uint64) int64 {
	if p := s.people.all[session]; p != nil && p.remote {
		return s.people.lived - p.heard
	}
	return 0
}

// A Demand is who claims jobs of one task in one queue.
type Demand struct {
	Sessions int            // open ones whose last Claim was for such jobs
	Filters  []state.Filter // of these Claims, each once
	Waits    bool           // one of the Claims waits now
}

// Demand is who claims such jobs. A session that works, and whose last Claim another
// Core has seen, may be one of those who do, and is counted with them.
func (s Sight) Demand(task, queue string) (d Demand) {
	for _, i := range s.Sessions() {
		f, claims := s.people.filters[i.ID]
		switch {
		case !claims && i.Running > 0:
			d.Sessions++
		case claims && lets(f, task, queue):
			d.Sessions++
			if !slices.ContainsFunc(d.Filters, func(o state.Filter) bool { return sameNames(o.Tasks, f.Tasks) && sameNames(o.Queues, f.Queues) }) {
				d.Filters = append(d.Filters, f)
			}
		}
	}
	d.Waits = slices.ContainsFunc(s.claims.each(), func(r *Request) bool { return lets(r.Filter, task, queue) })
	return d
}

func lets(f state.Filter, task, queue string) bool {
	return hasName(f.Tasks, task) && hasName(f.Queues, queue)
}

func hasName(names []string, name string) bool { return names == nil || slices.Contains(names, name) }
