package graph

import "context"

// Adopt makes the calling goroutine, which acts for no task, the one that t
// acts through: a root, until t.Leave. ctx cancels it. Under the context of a
// task that is another goroutine's it is shown beneath that one.
func Adopt(t *Task, ctx context.Context, s Spec) {
	t.via = FromContext(ctx)
	if sched, ok := ctx.Value(schedulerKey{}).(Scheduler); ok {
		t.sched = sched
		sched.Spawned(t)
	}
	roots.Add(t, ctx, s)
	t.Enter()
}
