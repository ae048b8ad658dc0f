package scope

import (
	"context"
	"log/slog"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// watch makes sure that who ignores the end of the context is reported. It is
// called by whoever ends it, for all that stands in the scope.
func (s *Scope) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if r := s.rareLocked(); r.overdue == nil {
		r.overdue = time.AfterFunc(s.grace, func() {
			var late overdue
			s.eachInside(late.standIn)
			late.report(s.grace)
		})
	}
}

// watchTask is watch for one task with a time of its own. It is called when
// others can see t, and before t runs.
func (s *Scope) watchTask(t *task) {
	at, ok := t.Deadline()
	if !ok {
		return
	}
	t.own.overdue = time.AfterFunc(max(0, time.Until(at))+s.grace, func() {
		var late overdue
		late.add(&t.Task, &t.Task)
		for g := t.Inner(); g != nil; g = g.Outer() {
			visit([]*graph.Group{g}, late.standIn)
		}
		late.report(s.grace)
	})
}

// overdue collects tasks that may still run though their context has ended.
type overdue struct {
	tasks    []*graph.Task
	contexts []context.Context // what each is cancelled with; parallel to tasks
}

func (o *overdue) add(t *graph.Task, ctx context.Context) {
	o.tasks, o.contexts = append(o.tasks, t), append(o.contexts, ctx)
}

// standIn adds the tasks of s and, until it joins them, its body.
func (o *overdue) standIn(s *Scope) {
	s.group.Tasks(func(t *graph.Task) bool {
		o.add(t, t)
		return true
	})
	if s.joiner.Load() == nil && s.work.Load() > 0 {
		o.add(s.group.Owner(), s.Context())
	}
}

// report names those who ended their context's grace ago and still run.
func (o *overdue) report(grace time.Duration) {
	late := o.late(grace)
	if len(late) == 0 {
		return
	}
	stacks := graph.Stacks(late)
	for i, t := range late {
		detail := t.String() + " still runs " + grace.String() + " after its context ended: " + context.Cause(o.contexts[i]).Error()
		graph.Report(graph.Finding{Code: "scope.ignored-cancel", Task: t, Detail: detail, Stack: stacks[t]})
		slog.Warn("scope: "+detail, "path", t.Path().String(), "stack", stacks[t].String())
	}
}

// late keeps those who are late and have not been reported.
func (o *overdue) late(grace time.Duration) []*graph.Task {
	var late overdue
	for i, t := range o.tasks {
		if isLate(t, o.contexts[i], grace) && t.Once(graph.TaskOverdue) {
			late.add(t, o.contexts[i])
		}
	}
	*o = late
	return late.tasks
}

// isLate reports whether t runs though ctx ended grace ago. Who joins a scope
// is not late: that scope's tasks are. Whose own time is just up has a timer
// of its own.
func isLate(t *graph.Task, ctx context.Context, grace time.Duration) bool {
	if w := t.Wait(); w != nil {
		if _, joins := w.Resource().(*joining); joins {
			return false
		}
	}
	err := ctx.Err() // once: it may end meanwhile
	if at, ok := ctx.Deadline(); ok && err == context.DeadlineExceeded && time.Since(at) < grace {
		return false
	}
	return !t.Ended() && err != nil
}
