package jobtest

import (
	"context"
	"sync"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/task"
)

// A shift is one worker's of a [Jobs], of one slot, from when it begins to work
// until it is told that it is enough.
type shift struct {
	jobs   *Jobs
	one    bool            // a single job, and what is run while that waits
	ctx    context.Context // ends when it is enough
	enough context.CancelFunc
	ended  chan struct{} // closed when the worker has
	err    error         // of the worker; to be read then
	others int64         // jobs that others were at when it began

	mu       sync.Mutex
	attempts int
	open     int           // of them
	first    job.Status    // what is known of the first attempt's job at once
	bell     chan struct{} // closed when open is 0 again; nil if it is
}

// begin begins a shift, when nobody else has one.
func (j *Jobs) begin(ctx context.Context, one bool) *shift {
	j.t.Helper()
	s := &shift{jobs: j, one: one, ended: make(chan struct{})}
	s.ctx, s.enough = context.WithCancel(ctx)
	if len(j.tasks) == 0 {
		j.t.Errorf("jobtest: there is nothing that could be run (give New the tasks)")
		s.enough()
		close(s.ended)
		return s
	}
	j.turn <- struct{}{}
	s.others = j.owner.Stats().Jobs.Running
	tasks := make([]task.Task, len(j.tasks))
	for i, t := range j.tasks {
		tasks[i] = seen{t, s}
	}
	go func() {
		defer func() {
			<-j.turn
			close(s.ended)
		}()
		s.err = job.Work(s.ctx, j.client, job.WorkerConfig{Name: "jobtest", Tasks: tasks, Slots: 1, Log: j.quiet})
	}()
	return s
}

// end ends a shift, and returns how many attempts it made.
func (j *Jobs) end(s *shift) (attempts int) {
	j.t.Helper()
	s.enough()
	<-s.ended
	if s.err != nil {
		j.t.Errorf("jobtest: %v", s.err)
	}
	return s.attempts
}

// A seen task tells a shift of its attempts.
type seen struct {
	task.Task
	shift *shift
}

// Serve is that of the task.
func (t seen) Serve(ctx context.Context, r task.Runner, in []byte) ([]byte, error) {
	token, _ := job.Token(ctx)
	first := t.shift.begun(job.Status{ID: token.Job, Task: t.Name()})
	defer t.shift.over(first)
	return t.Task.Serve(ctx, r, in)
}

// begun reports whether it is the first attempt that has.
func (s *shift) begun(status job.Status) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempts++; s.attempts == 1 {
		s.first, first = status, true
	}
	if s.open++; s.open == 1 {
		s.bell = make(chan struct{})
	}
	return first
}

func (s *shift) over(first bool) {
	if first && s.one {
		s.enough() // before the worker has a slot again
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open--; s.open == 0 {
		close(s.bell)
		s.bell = nil
	}
}

// sleep waits for d, unless it is enough before.
func (s *shift) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	case <-s.ended:
	}
}

// idle waits until the worker has nothing to do, or it is enough. It has nothing
// to do when no handler of its runs, what they returned is in the log, and its
// next claim waits; and does so in two rounds of the owner, for there may be more
// to claim than one record of the log has space for.
func (s *shift) idle() {
	for rounds := 0; rounds < 2; rounds++ {
		s.rest()
		_, err := s.jobs.client.Counts(s.ctx, "") // a round, and what is due is ready
		if err != nil || s.isOver() {
			return
		}
		stats := s.jobs.owner.Stats()
		if stats.ForJobs == 0 || stats.Jobs.Running > s.others {
			rounds = -1
		}
	}
}

// isOver reports whether the worker has ended.
func (s *shift) isOver() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// rest waits until no handler runs.
func (s *shift) rest() {
	s.mu.Lock()
	bell := s.bell
	s.mu.Unlock()
	if bell == nil {
		return
	}
	select {
	case <-bell:
	case <-s.ctx.Done():
	case <-s.ended:
	}
}
