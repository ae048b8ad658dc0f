package sim_test

import (
	"bytes"
	"errors"
	"slices"

	"github.com/hemgo/hem/job/internal/state"
)

// compare sees whether the state is what the model says, job by job.
func (w *world) compare() {
	f := &w.follower
	s, m := f.core.State(), &f.model
	w.compareCounts(s, m)
	keys := make(map[gripped]uint64)
	for id := uint64(1); id < uint64(len(m.lives))+1; id++ {
		i, err := s.Job(id)
		j := m.job(id)
		if err == nil && i.Status.Live() && i.Key != "" {
			k := gripped{i.Task, i.Key, i.Parent}
			if keys[k] != 0 {
				w.breaks(oneKey, "jobs %d and %d of task %s are live and have the key %s", keys[k], id, i.Task, i.Key)
			}
			keys[k] = id
		}
		w.compareJob(id, &i, err, j)
	}
	w.compareSettings(s, m)
	w.comparePlans(s, m)
	w.compareSessions(s, m)
}

// gripped is a key, where it is unique.
type gripped struct {
	task, key string
	parent    uint64
}

func (w *world) compareCounts(s *state.State, m *model) {
	same := func(of string, c state.Counts, is func(*job) bool) {
		if want := m.counts(is); c != want {
			w.breaks(asWritten, "counts of %s are %+v, should be %+v", of, c, want)
		}
	}
	same("all", s.Counts(), func(*job) bool { return true })
	for _, name := range queueNames {
		c, _, _ := s.QueueCounts(name)
		same("queue "+name, c, func(j *job) bool { return j.Queue == name })
	}
	for _, name := range groupNames {
		same("group "+name, s.CountIn(nil, nil, []string{name}), func(j *job) bool { return j.Group == name })
	}
	for _, tag := range tagTexts {
		same("tag "+tag, s.CountTag(tag), func(j *job) bool { return slices.Contains(j.Tags, tag) })
	}
}

func (w *world) compareJob(id uint64, i *state.Info, err error, j *job) {
	switch {
	case errors.Is(err, state.ErrNoJob):
		if j != nil {
			w.breaks(kept, "job %d, %s, was never there", id, statusNames[j.status])
		}
	case errors.Is(err, state.ErrForgotten):
		if j != nil {
			w.breaks(kept, "job %d is forgotten, should be %s", id, statusNames[j.status])
		}
	case err != nil || j == nil:
		w.breaks(asWritten, "job %d is %s, should be forgotten: %v", id, statusNames[i.Status], err)
	case i.Status != j.status:
		w.breaks(asWritten, "job %d is %s, should be %s", id, statusNames[i.Status], statusNames[j.status])
	case !j.is(i):
		w.breaks(asWritten, "job %d is %+v, should be %+v", id, *i, *j.info())
	}
}

func (j *job) info() *state.Info {
	i := &state.Info{
		ID: j.id, Task: j.Task, Queue: j.Queue, Key: j.Key, Status: j.status, Cancel: j.cancel, Priority: j.Priority,
		Attempt: j.attempt, Attempts: int(j.Attempts), Epoch: j.epoch, Session: j.session, Entered: j.entered,
		Since: j.since, Due: j.due, Input: j.Input, Result: j.result, Failures: j.failures, Detail: j.detail, Cause: j.cause,
		Group: j.Group, Limit: j.Limit, LimitKey: j.LimitKey, Unique: j.Unique, Timeout: j.Timeout, Deadline: j.Deadline,
		Parent: j.Parent, ParentEpoch: j.ParentEpoch, Attached: j.Attached, Called: j.Called,
		Tags: j.Tags, TraceParent: j.TraceParent, TraceState: j.TraceState, Schedule: j.Schedule, Tick: j.Tick,
	}
	if j.Parent != 0 && j.Key != "" {
		i.Unique |= state.UniqueDone
	}
	if j.tied {
		i.Scope = j.Session
	}
	return i
}

// is reports whether the state says the same of a job.
func (j *job) is(i *state.Info) bool {
	o := j.info()
	return i.Task == o.Task && i.Queue == o.Queue && i.Key == o.Key && i.Cancel == o.Cancel && i.Priority == o.Priority &&
		i.Attempt == o.Attempt && i.Attempts == o.Attempts && i.Epoch == o.Epoch && i.Session == o.Session &&
		i.Entered == o.Entered && i.Since == o.Since && i.Due == o.Due &&
		bytes.Equal(i.Input, o.Input) && bytes.Equal(i.Result, o.Result) && slices.Equal(i.Failures, o.Failures) &&
		bytes.Equal(i.Detail, o.Detail) && i.Cause == o.Cause && i.Group == o.Group && i.Limit == o.Limit &&
		i.LimitKey == o.LimitKey && i.Unique == o.Unique && i.Timeout == o.Timeout && i.Deadline == o.Deadline &&
		i.Scope == o.Scope && i.Parent == o.Parent && i.ParentEpoch == o.ParentEpoch && i.Attached == o.Attached &&
		i.Called == o.Called && slices.Equal(i.Tags, o.Tags) && i.TraceParent == o.TraceParent &&
		i.TraceState == o.TraceState && i.Schedule == o.Schedule && i.Tick == o.Tick
}

func (w *world) compareSettings(s *state.State, m *model) {
	if s.Limits() != m.limits {
		w.breaks(asWritten, "limits are %+v, should be %+v", s.Limits(), m.limits)
	}
	set, caps, weights := s.Queues(), s.SetLimits(), s.Weights()
	paused := make(map[string]bool)
	for _, i := range s.QueueInfos("", 100) {
		paused[i.Name] = i.Paused
	}
	for _, q := range m.queues {
		if set[q.name] != q.Queue || paused[q.name] != q.paused {
			w.breaks(asWritten, "queue %s is %+v, paused: %v, should be %+v, %v", q.name, set[q.name], paused[q.name], q.Queue, q.paused)
		}
	}
	for _, name := range capNames {
		if caps[name] != m.caps[name] {
			w.breaks(asWritten, "limit %s is %+v, should be %+v", name, caps[name], m.caps[name])
		}
	}
	for _, name := range groupNames {
		if max(int64(weights[name]), 1) != m.weight(name) {
			w.breaks(asWritten, "the weight of group %s is %d, should be %d", name, weights[name], m.weight(name))
		}
	}
}

func (w *world) comparePlans(s *state.State, m *model) {
	have := s.Schedules("", 100)
	if len(have) != len(m.plans) {
		w.breaks(asWritten, "there are %d schedules, should be %d", len(have), len(m.plans))
	}
	for i := range have {
		c := &have[i]
		p := m.plan(c.Name)
		if p == nil || c.Rule != p.rule || c.Next != p.next || c.Last != p.last || c.Job != p.job || !sameSpec(&c.Spec, &p.spec) {
			w.breaks(asWritten, "schedule %s is %+v, should be %+v", c.Name, *c, p)
		}
	}
}

// sameSpec compares what a schedule's jobs differ in here.
func sameSpec(a, b *state.Spec) bool {
	return a.Task == b.Task && a.Queue == b.Queue && a.Key == b.Key && a.Unique == b.Unique && a.Group == b.Group &&
		a.Limit == b.Limit && a.LimitKey == b.LimitKey && a.Keep == b.Keep && bytes.Equal(a.Input, b.Input) && slices.Equal(a.Tags, b.Tags)
}

func (w *world) compareSessions(s *state.State, m *model) {
	have := s.Sessions()
	if len(have) != len(m.sessions) {
		w.breaks(asWritten, "there are %d sessions, should be %d", len(have), len(m.sessions))
		return
	}
	for i, n := range m.sessions {
		running, attached := 0, 0
		for _, j := range m.jobs {
			if j.status == state.Running && j.session == n.id {
				running++
			}
			if j.tied && j.Session == n.id {
				attached++
			}
		}
		if c := &have[i]; c.ID != n.id || c.Remote != n.remote || c.Running != running || c.Attached != attached {
			w.breaks(asWritten, "session %+v should be %+v, with %d running and %d attached", *c, *n, running, attached)
		}
	}
}
