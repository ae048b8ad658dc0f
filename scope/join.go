package scope

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// join waits until every task has ended: first the ordinary ones, then, told
// to end, the daemons.
func (s *Scope) join() {
	s.await(&s.work)
	s.last.Store(true)
	s.dismiss()
	s.await(&s.daemons)
}

// errOthersEnded is the cause with which daemons are told to end.
var errOthersEnded = errors.New("scope: the tasks that this daemon served have ended")

func (s *Scope) dismiss() {
	s.mu.Lock()
	s.dismissed = true
	cancel := s.cancelDaemon
	s.mu.Unlock()
	if cancel != nil {
		cancel(errOthersEnded)
	}
}

func (s *Scope) daemonContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.daemonCtx == nil {
		s.daemonCtx, s.cancelDaemon = context.WithCancelCause(s.ctx)
		if s.dismissed {
			s.cancelDaemon(errOthersEnded)
		}
	}
	return s.daemonCtx
}

// await gives back the joiner's own count and waits for the others'.
func (s *Scope) await(count *atomic.Int64) {
	if count.Add(-1) == 0 && count.CompareAndSwap(0, finished) {
		return
	}
	ctx, spent := s.ctx, false
	for {
		w := new(graph.Wait)
		w.Begin(ctx, (*joining)(s))
		if spent {
			w.Spend()
		}
		s.joiner.Store(w)
		w.Publish()
		if count.Load() < 0 && w.Withdraw() {
			return
		}
		err := w.Park()
		if err == nil {
			return
		}
		if d := (*fault.Deadlock)(nil); errors.As(err, &d) {
			spent = true
			s.fail(nil, d)
		} else {
			s.sweep()
			s.watch()
		}
		ctx = context.WithoutCancel(s.ctx)
	}
}

// countDown ends one of count's tasks, and the join if it was the last: S1.
func (s *Scope) countDown(count *atomic.Int64) {
	if count.Add(-1) != 0 || !count.CompareAndSwap(0, finished) {
		return
	}
	for {
		w := s.joiner.Load()
		if w == nil || w.Grant() || s.joiner.Load() == w {
			return // a joiner that comes later sees the count
		}
	}
}

// joining is a scope seen by the wait graph: what its owner waits for.
type joining Scope

// Blocked is true if any task that the join waits for is stuck.
func (j *joining) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) (blocked bool) {
	last := j.last.Load()
	j.group.Tasks(func(t *graph.Task) bool {
		if last || !t.Has(graph.TaskDaemon) {
			blocked = stuck(t) || blocked
		}
		return true
	})
	return blocked
}

func (j *joining) Label() graph.Label {
	return graph.Label{Kind: "join of scope", Name: j.group.Name()}
}

// sweep ends the tasks that have no goroutine yet, now that the context has.
func (s *Scope) sweep() {
	type withdrawer interface{ Withdraw(*graph.Wait) }
	s.group.Tasks(func(t *graph.Task) bool {
		if w := t.Wait(); w != nil && t.Has(graph.TaskQueued) {
			if q, ok := w.Resource().(withdrawer); ok {
				q.Withdraw(w)
			}
		}
		return true
	})
}

// watch makes sure that who ignores the end of the context is reported.
func (s *Scope) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overdue == nil && !s.closed {
		s.overdue = time.AfterFunc(max(0, s.grace), s.reportOverdue)
	}
}

// reportOverdue names the tasks that still run though the context ended Grace
// ago. A task that is itself joining is left to its own scope.
func (s *Scope) reportOverdue() {
	var late []*graph.Task
	s.group.Tasks(func(t *graph.Task) bool {
		if w := t.Wait(); w != nil {
			if _, joins := w.Resource().(*joining); joins {
				return true
			}
		}
		late = append(late, t)
		return true
	})
	if len(late) == 0 {
		return
	}
	stacks := graph.Stacks(late)
	for _, t := range late {
		detail := t.String() + " still runs " + s.grace.String() + " after its context ended: " + context.Cause(t).Error()
		graph.Report(graph.Finding{Code: "scope.ignored-cancel", Task: t, Detail: detail, Stack: stacks[t]})
		slog.Warn("scope: "+detail, "path", t.Path().String(), "stack", stacks[t].String())
	}
}
