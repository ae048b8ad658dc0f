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
}

// Sight is what there is to look at, until the next call of the Core. It is not for
// a Core that has ended, or that reads.
func (c *Core) Sight() Sight { return Sight{c.state, &c.people} }

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

// Served reports whether the last Claim of an open session was for such jobs. It may
// have been for one that works, and whose last Claim another Core has seen.
func (s Sight) Served(task, queue string) bool {
	for _, f := range s.people.filters {
		if hasName(f.Tasks, task) && hasName(f.Queues, queue) {
			return true
		}
	}
	return slices.ContainsFunc(s.Sessions(), func(i state.SessionInfo) bool {
		_, claims := s.people.filters[i.ID]
		return !claims && i.Running > 0
	})
}

func hasName(names []string, name string) bool { return names == nil || slices.Contains(names, name) }
