package graph

import "context"

// Adopt makes the calling goroutine, which acts for no task, the one that t
// acts through: a root, until t.Leave. ctx cancels it. Under the context of a
// task that is another goroutine's it is shown beneath that one.
func Adopt(t *Task, ctx context.Context, s Spec) {
	t.rare = &rareTask{ctx: ctx, via: FromContext(ctx)}
	t.rare.sched, _ = ctx.Value(schedulerKey{}).(Scheduler)
	s.State |= taskApart
	sh := roots.prepare(t, s)
	sh.linkLocked(t)
	sh.mu.Unlock()
	t.spawned()
	t.Enter()
}
