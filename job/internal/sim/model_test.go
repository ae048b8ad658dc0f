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
	now    int64
	limits state.Limits
	depth  map[string]int64

	jobs     []*job // live and kept, by id
	lives    []life // of every job that ever was, by id
	sessions []uint64
	named    []*named
	session  uint64 // the last one's number
	client   uint64 // likewise
	ended    int    // of jobs, the ended ones

	history []counted
}

type job struct {
	state.Spec
	id, session         uint64
	status              state.Status
	cancel              bool
	attempt             int
	epoch               uint32
	entered, since, due int64
	score               int64
	result              []byte
	failures            []state.Attempt
}

// A life is all that a job went through.
type life struct {
	is       []was
	done     int
	forgot   uint64 // the record in which it was forgotten
	cancelAt uint64 // the record in which it was first cancelled
	claims   []claimed
}

type was struct {
	seq    uint64
	status state.Status // 0: it was forgotten
	epoch  uint32
	cancel bool
}

type claimed struct {
	seq   uint64
	epoch uint32
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
	return model{w: w, depth: make(map[string]int64), lives: make([]life, 1, 64)}
}

func (m *model) job(id uint64) *job {
	for _, j := range m.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

// begin lets the time be that of the next record.
func (m *model) begin(seq uint64, now int64) {
	m.seq, m.index, m.now = seq, -1, now
	for _, j := range m.jobs {
		if j.status == state.Scheduled && j.due <= now {
			m.w.tally[timers]++
			m.makeReady(j, j.due)
		}
	}
	for {
		j := m.soonest()
		if j == nil || j.due > now && int64(m.ended) <= m.limits.Kept {
			break
		}
		m.forget(j)
	}
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

// soonest is the ended job that is to be forgotten next.
func (m *model) soonest() (s *job) {
	for _, j := range m.jobs {
		if !j.status.Live() && (s == nil || j.due < s.due) {
			s = j
		}
	}
	return s
}

func (m *model) forget(j *job) {
	if !j.status.Live() {
		m.ended--
	}
	j.status = 0
	m.remember(j)
	m.lives[j.id].forgot = m.seq
	m.jobs = slices.DeleteFunc(m.jobs, func(o *job) bool { return o == j })
	m.w.tally[forgotten]++
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

func (m *model) schedule(j *job, at int64) {
	j.status, j.since, j.due, j.session = state.Scheduled, m.now, at, 0
	m.remember(j)
}

func (m *model) end(j *job, status state.Status) {
	keep := j.Keep
	if status == state.Dead {
		m.w.tally[deadLetters]++
		keep = j.Bury
	} else {
		j.Input = nil
	}
	j.status, j.session, j.since, j.due, j.cancel = status, 0, m.now, m.now+keep, false
	m.remember(j)
	m.ended++
	if keep == 0 {
		m.forget(j)
	} else if int64(m.ended) > m.limits.Kept {
		m.forget(m.soonest())
	}
}

// holder is the live job of a task that has a key.
func (m *model) holder(task, key string) *job {
	if key == "" {
		return nil
	}
	for _, j := range m.jobs {
		if j.status.Live() && j.Task == task && j.Key == key {
			return j
		}
	}
	return nil
}

// full says which limit is exceeded if queue gets one more job of so many bytes.
func (m *model) full(queue string, bytes int64) string {
	var inQueue, jobs, sum int64
	for _, j := range m.jobs {
		if !j.status.Live() {
			continue
		}
		jobs++
		sum += int64(len(j.Input) + len(j.Key))
		if j.Queue == queue {
			inQueue++
		}
	}
	switch depth := m.depth[queue]; {
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
func (m *model) count() { m.history = append(m.history, counted{m.seq, m.counts("")}) }

// counts are those of a queue's jobs, or of all.
func (m *model) counts(queue string) (c state.Counts) {
	for _, j := range m.jobs {
		if queue != "" && j.Queue != queue {
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
