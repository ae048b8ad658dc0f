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

// StandBy says that t, whose goroutine is the calling one, does nothing until
// inner has ended, which acts through the same goroutine and in the same slot.
// The caller calls end then.
func (t *Task) StandBy(inner *Task) (end func()) {
	w := &Wait{t: t, res: standing{inner}, ctx: context.Background(), since: now()} // whatever becomes of its own
	t.wait.Store(w)
	inner.slot.Store(t.slot.Load())
	return func() {
		w.state.Store(waitLeft)
		t.wait.Store(nil)
	}
}

// standing is an adopted task, seen by the one it was adopted in.
type standing struct{ inner *Task }

func (s standing) Blocked(_ *Task, stuck func(*Task) bool) bool { return stuck(s.inner) }
func (s standing) Label() Label                                 { return Label{"end of task", s.inner.String()} }
