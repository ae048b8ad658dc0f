package job

import (
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

// How many of a list of an answer are taken from another process.
const (
	mostRead = 1 << 12
)

// question is what is asked, for an owner in another process.
func (r *read) question(f *wire.Fields) {
	f.Byte((*byte)(&r.kind))
	f.Number(&r.most)
	switch r.kind {
	case readSearch:
		query(f, &r.query)
		f.Uint(&r.below)
	case readCount:
		query(f, &r.query)
	case readWhy, readSessions:
		f.Uint(&r.id)
	case readQueues, readSchedules, readGroups:
		f.Text(&r.name)
	default:
		f.Fail()
	}
}

func query(f *wire.Fields, q *state.Query) {
	wire.List(f, &q.Statuses, 8, func(s *state.Status) { f.Byte((*byte)(s)) })
	f.Texts(&q.Tasks, mostRead)
	f.Texts(&q.Queues, mostRead)
	f.Texts(&q.Groups, mostRead)
	for _, s := range []*string{&q.Tag, &q.Key, &q.Schedule} {
		f.Text(s)
	}
	f.Uint(&q.Parent)
	f.Int(&q.After)
	f.Int(&q.Before)
}

// answer is what is answered, in about room bytes. Of a search those that do not go
// in are left for the next one.
func (r *read) answer(f *wire.Fields, room int) {
	f.Byte((*byte)(&r.kind))
	f.Err(&r.err)
	switch r.kind {
	case readSearch:
		if left := wire.UpTo(f, &r.jobs, room, mostRead, f.Info); left > 0 {
			r.jobs = r.jobs[:len(r.jobs)-left]
			r.next = r.jobs[len(r.jobs)-1].ID
		}
		f.Uint(&r.next)
	case readCount:
		f.Counts(&r.counts)
	case readQueues:
		wire.List(f, &r.queues, mostRead, func(q *state.QueueInfo) { queueInfo(f, q) })
	case readGroups:
		wire.List(f, &r.groups, mostRead, func(g *state.GroupInfo) {
			f.Text(&g.Name)
			f.Uint16(&g.Weight)
			f.Counts(&g.Counts)
		})
	case readSessions:
		wire.List(f, &r.sessions, mostRead, func(s *sessionInfo) { sessionFields(f, s) })
	case readSchedules:
		wire.List(f, &r.schedules, mostRead, func(s *state.ScheduleInfo) {
			f.Schedule(&s.Schedule)
			f.Int(&s.Last)
			f.Uint(&s.Job)
		})
	case readWhy:
		wire.List(f, &r.jobs, 1, f.Info)
		why(f, &r.why)
		f.Number(&r.workers)
		f.Bool(&r.claimed)
	default:
		f.Fail()
	}
}

// told is r with the answer that has come.
func (r *read) told(answer *read) {
	asked := *r
	*r = *answer
	r.kind, r.query, r.below, r.id, r.name, r.most = asked.kind, asked.query, asked.below, asked.id, asked.name, asked.most
}

func queueInfo(f *wire.Fields, q *state.QueueInfo) {
	f.Text(&q.Name)
	for _, n := range []*int64{&q.Depth, &q.Running, &q.Rate.Interval, &q.Rate.Burst, &q.Open} {
		f.Int(n)
	}
	f.Bool(&q.Paused)
	f.Counts(&q.Counts)
	f.Number(&q.Groups)
}

func sessionFields(f *wire.Fields, s *sessionInfo) {
	f.Uint(&s.ID)
	f.Text(&s.Name)
	f.Bool(&s.Remote)
	f.Int(&s.Opened)
	f.Number(&s.Running)
	f.Number(&s.Attached)
	f.Filter(&s.filter)
	f.Bool(&s.claims)
	f.Int(&s.silent)
}

func why(f *wire.Fields, w *state.Why) {
	f.Byte((*byte)(&w.Reason))
	f.Int(&w.Until)
	wire.List(f, &w.By, mostRead, f.Uint)
	f.Number(&w.Ahead)
	f.Number(&w.Others)
}
