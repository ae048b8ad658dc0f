package sim_test

import (
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// A model is what the rules of package state say, a second time and in the
// simplest way: a struct for each job, found by looking at all of them. It calls
// nothing of that package. A transition that the rules do not allow breaks one of
// ours.
type model struct {
	w      *world
	seq    uint64 // the record
	index  int    // the transition in it
	by     int    // whose it is
	now    int64
	limits state.Limits

	queues   []*queue // that were ever named
	caps     map[string]state.Limit
	gates    map[gateKey]*gate
	weights  map[string]int64
	jobs     []*job // live and kept, by id
	lives    []life // of every job that ever was, by id
	doomed   []*job // to be cancelled when the transition is through
	sessions []*session
	gone     map[uint64]uint64 // the record in which a session ended
	plans    []*plan           // schedules, by name
	ticked   map[string]int64  // their last ticks, be they removed since
	named    []*named
	session  uint64 // the last one's number
	client   uint64 // likewise

	history []counted
}

type job struct {
	state.Spec
	id, session         uint64
	status              state.Status
	cancel              bool
	cause               state.Cause
	tied                bool // to the session or the parent that it belongs to
	kept                bool // it has ended, and is forgotten when it is due
	attempt             int
	epoch               uint32
	entered, since, due int64
	score               int64
	result, detail      []byte
	failures            []state.Attempt
}

type session struct {
	id     uint64
	remote bool
	opened uint64 // the record
}

// A life is all that a job went through.
type life struct {
	is       []was
	ends     []ending
	cancels  []cancelling
	claims   []claimed
	done     int
	forgot   uint64 // the record in which it was forgotten
	cancelAt uint64 // the record in which it was first cancelled by somebody
	lateAt   uint64 // the record in which its deadline had passed
	scopeAt  uint64 // and that in which what it was attached to ended
}

type was struct {
	seq    uint64
	status state.Status // 0: it was forgotten
	epoch  uint32
	cancel bool
}

// An ending is one that a job came to, before it was revived perhaps.
type ending struct {
	seq            uint64
	status         state.Status
	epoch          uint32
	cause          state.Cause
	result, detail []byte
}

// A cancelling is one of a job that was Running.
type cancelling struct {
	seq    uint64
	epoch  uint32
	cause  state.Cause
	detail []byte
}

type claimed struct {
	seq     uint64
	epoch   uint32
	session uint64
}

type counted struct {
	seq uint64
	c   state.Counts
}

// named is a client, with the requests of which the answer is kept.
type named struct {
	id        uint64
	low, seen int64
	had       map[uint64]bool
}

const hour = 3600 * 1e6

func newModel(w *world) model {
	return model{
		w: w, lives: make([]life, 1, 64), caps: make(map[string]state.Limit), gates: make(map[gateKey]*gate),
		weights: make(map[string]int64), ticked: make(map[string]int64), gone: make(map[uint64]uint64),
	}
}

func (m *model) job(id uint64) *job {
	for _, j := range m.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

func (m *model) open(id uint64) *session {
	for _, s := range m.sessions {
		if s.id == id {
			return s
		}
	}
	return nil
}

// begin lets the time be that of the next record.
func (m *model) begin(seq uint64, now int64, by int) {
	m.seq, m.index, m.now, m.by = seq, -1, now, by
	for _, j := range slices.Clone(m.jobs) {
		if (j.status == state.Scheduled || j.status == state.Ready) && j.late(now) {
			m.expire(j)
		}
	}
	m.cascade()
	for _, j := range m.jobs {
		if j.status == state.Scheduled && j.due <= now {
			m.w.tally[timers]++
			m.makeReady(j, j.due)
		}
	}
	for _, j := range slices.Clone(m.jobs) {
		if j.kept && j.due <= now {
			m.forget(j)
		}
	}
	m.trim()
	m.named = slices.DeleteFunc(m.named, func(c *named) bool {
		if c.seen+hour > now {
			return false
		}
		m.w.tally[clientsForgotten]++
		m.w.follower.forgot[c.id] = true
		return true
	})
	m.count()
}

// late reports whether it is too late for an attempt to begin at a time.
func (j *job) late(at int64) bool { return j.Deadline > 0 && at >= j.Deadline }

func (m *model) expire(j *job) {
	m.w.tally[expired]++
	m.lives[j.id].lateAt = m.seq
	j.note(m.now, []byte("the job's deadline passed before an attempt could begin"))
	m.end(j, state.Dead, state.CauseDeadline, nil)
}

// trim forgets jobs while too many are kept, or too much of them: those that were to
// be forgotten soonest, and dead letters for their bytes last.
func (m *model) trim() {
	for {
		var ended, dead, bytes int64
		var j, d *job
		for _, o := range m.jobs {
			switch {
			case !o.kept:
				continue
			case o.status == state.Dead:
				if dead++; d == nil || o.due < d.due {
					d = o
				}
			default:
				if ended++; j == nil || o.due < j.due {
					j = o
				}
			}
			bytes += o.size()
		}
		switch {
		case ended > m.limits.Kept:
			m.forget(j)
		case dead > m.limits.Buried:
			m.forget(d)
		case bytes <= m.limits.KeptBytes:
			return
		case j != nil:
			m.forget(j)
		default:
			m.forget(d)
		}
		m.w.tally[trimmed]++
	}
}

// size is what a job takes, in the end with what came of it.
func (j *job) size() int64 {
	return int64(len(j.Input) + len(j.Key) + len(j.result) + len(j.detail))
}

func (m *model) forget(j *job) {
	j.status, j.kept = 0, false
	m.remember(j)
	m.lives[j.id].forgot = m.seq
	m.jobs = slices.DeleteFunc(m.jobs, func(o *job) bool { return o == j })
	m.w.tally[forgotten]++
	m.tidy(m.queue(j.Queue))
}

// remember notes what a job is now.
func (m *model) remember(j *job) {
	l := &m.lives[j.id]
	l.is = append(l.is, was{m.seq, j.status, j.epoch, j.cancel})
}

func (m *model) makeReady(j *job, at int64) {
	j.score = at - int64(j.Priority)*m.limits.Ageing
	m.ready(j, at)
}

func (m *model) ready(j *job, since int64) {
	j.status, j.since, j.due, j.session = state.Ready, since, 0, 0
	m.remember(j)
}

func (m *model) delay(j *job, at int64) {
	j.status, j.since, j.due, j.session = state.Scheduled, m.now, at, 0
	m.remember(j)
}

// end gives a job its last status. outcome is a result, or the error of the last
// attempt: a cancelled one that has none keeps why it was cancelled.
func (m *model) end(j *job, status state.Status, cause state.Cause, outcome []byte) {
	m.closeJob(j)
	keep := j.Keep
	if status == state.Dead {
		m.w.tally[deadLetters]++
		keep = j.Bury
	} else {
		j.Input = nil
	}
	switch {
	case status == state.Done:
		j.result, j.detail = outcome, nil
	case status == state.Dead || outcome != nil:
		j.detail = outcome
	}
	j.status, j.session, j.since, j.due, j.cancel, j.cause = status, 0, m.now, 0, false, cause
	m.remember(j)
	m.lives[j.id].ends = append(m.lives[j.id].ends, ending{m.seq, status, j.epoch, cause, j.result, j.detail})
	if j.tied && j.Parent != 0 && !j.Attached && status == state.Done {
		return // it stays with its parent
	}
	j.tied = false
	m.retire(j, keep)
}

// retire lets a job that has ended be forgotten after a while.
func (m *model) retire(j *job, keep int64) {
	if keep == 0 {
		m.forget(j)
		return
	}
	j.due, j.kept = m.now+keep, true
}

// holder is the job of a task that has a key, among the children of a parent.
func (m *model) holder(task string, parent uint64, key string) *job {
	if key == "" {
		return nil
	}
	for _, j := range m.jobs {
		if j.Task == task && j.Parent == parent && j.Key == key && j.holds() {
			return j
		}
	}
	return nil
}

// holds reports whether a job has its key: while it lives, and as it says when it
// has ended. A child that is done always has.
func (j *job) holds() bool {
	switch j.status {
	case state.Done:
		return j.Unique&state.UniqueDone != 0 || j.Parent != 0
	case state.Dead:
		return j.Unique&state.UniqueDead != 0
	case state.Cancelled:
		return j.Unique&state.UniqueCancelled != 0
	}
	return j.status.Live()
}

// full says which limit is exceeded if queue gets one more job of so many bytes.
func (m *model) full(queue string, bytes int64) string {
	var inQueue, jobs, sum int64
	for _, j := range m.jobs {
		if j.status == state.Done && j.tied {
			sum += j.size()
		}
		if !j.status.Live() {
			continue
		}
		jobs++
		sum += int64(len(j.Input) + len(j.Key))
		if j.Queue == queue {
			inQueue++
		}
	}
	switch depth := m.queue(queue).Depth; {
	case depth > 0 && inQueue >= depth:
		return "queue " + queue
	case jobs >= m.limits.Jobs:
		return "the shard"
	case sum+bytes > m.limits.Bytes:
		return "the shard's bytes"
	}
	return ""
}

// count notes how many jobs there are.
func (m *model) count() {
	m.history = append(m.history, counted{m.seq, m.counts(func(*job) bool { return true })})
	for _, q := range m.queues {
		q.rest(m.seq, m.running(q.name) == 0)
	}
}

// counts are those of some jobs.
func (m *model) counts(of func(*job) bool) (c state.Counts) {
	for _, j := range m.jobs {
		if !of(j) {
			continue
		}
		switch j.status {
		case state.Scheduled:
			c.Scheduled++
		case state.Ready:
			c.Ready++
		case state.Running:
			c.Running++
		case state.Done:
			c.Done++
		case state.Dead:
			c.Dead++
		case state.Cancelled:
			c.Cancelled++
		}
		if j.status == state.Done && j.tied {
			c.Bytes += j.size()
		}
		if j.status.Live() {
			c.Bytes += int64(len(j.Input) + len(j.Key))
		}
	}
	return c
}

// backoff is what a failed attempt waits: doubled for each before, less up to a
// quarter by the job's number and epoch.
func backoff(j *job) int64 {
	d := j.First
	for n := 1; n < j.attempt && d < j.Most; n++ {
		d *= 2
	}
	d = min(d, j.Most)
	x := j.id<<16 ^ uint64(j.epoch)
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return d - d/4*int64(x&1023)/1023
}
