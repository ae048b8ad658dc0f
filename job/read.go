package job

import (
	"context"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A read is a question about many jobs, or about what is around them, and then its
// answer. Both are plain data, for an owner may be in another process: whoever has
// the state answers by see. Each is so small that nobody waits for it for long.
type read struct {
	kind readKind

	// The question:
	query state.Query // readSearch, readCount
	below uint64      // readSearch: ids below; 0 is all
	id    uint64      // readWhy: the job; readSessions: those after it
	name  string      // readQueues, readSchedules: those after it; readGroups: the queue
	most  int

	// The answer:
	err       error        // readWhy: a refusal of package state
	jobs      []state.Info // readSearch, without Input and Result; readWhy, the one
	next      uint64       // readSearch: where to go on; 0 is that there are no more
	counts    state.Counts
	queues    []state.QueueInfo
	groups    []state.GroupInfo
	sessions  []sessionInfo
	schedules []state.ScheduleInfo // without Input
	why       state.Why
	workers   int  // readWhy: sessions that claim such jobs
	claimed   bool // readWhy: and one of them waits for one
}

type readKind uint8

const (
	readSearch readKind = 1 + iota
	readCount
	readQueues
	readGroups
	readSessions
	readSchedules
	readWhy
)

// A sessionInfo is what there is to say of a session.
type sessionInfo struct {
	state.SessionInfo
	filter state.Filter // of what it claimed last
	claims bool         // it has claimed
	silent int64        // microseconds in which nothing was heard of one that is remote
}

// mostLooked is how many jobs one read looks at.
const mostLooked = 4096

// mostPage is how many of a list one read returns.
const mostPage = 256

// see answers the question.
func (r *read) see(s owner.Sight) {
	switch r.kind {
	case readSearch:
		r.jobs, r.next = s.Search(&r.query, r.below, r.most, mostLooked)
	case readCount:
		if r.query.Tag != "" {
			r.counts = s.CountTag(r.query.Tag)
		} else {
			r.counts = s.CountIn(r.query.Tasks, r.query.Queues, r.query.Groups)
		}
	case readQueues:
		r.queues = s.QueueInfos(r.name, r.most)
	case readGroups:
		r.groups = s.GroupInfos(r.name, r.most)
	case readSessions:
		r.seeSessions(s)
	case readSchedules:
		r.schedules = s.Schedules(r.name, r.most)
		for i := range r.schedules {
			r.schedules[i].Spec.Input = nil
		}
	case readWhy:
		r.seeWhy(s)
	}
}

func (r *read) seeSessions(s owner.Sight) {
	for _, info := range s.Sessions() {
		if info.ID > r.id && len(r.sessions) < r.most {
			f, claims := s.Claims(info.ID)
			r.sessions = append(r.sessions, sessionInfo{info, f, claims, s.Silent(info.ID)})
		}
	}
}

func (r *read) seeWhy(s owner.Sight) {
	info, err := s.Brief(r.id)
	if err != nil {
		r.err = err
		return
	}
	r.jobs = []state.Info{info}
	d := s.Demand(info.Task, info.Queue)
	r.workers, r.claimed = d.Sessions, d.Waits
	r.why, _ = s.Why(r.id, d.Filters...)
}

// look puts a question to the owner. Without an error q has the answer; with one it
// is not to be looked at any more.
func (c *Client) look(ctx context.Context, verb, op, name string, q *read) error {
	c.must(verb)
	if ctx == nil {
		panic("job: " + verb + " with a nil context")
	}
	r := &request{read: q}
	r.Op, r.View = owner.View, q.see
	return refusal(op, name, c.desk.ask(ctx, r))
}
