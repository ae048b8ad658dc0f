package graph

import (
	"context"
	"path"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/hemgo/hem/fault"
)

// A Task is one strand of work, acting through one goroutine. It is the
// context of its function, so that finding out who waits costs a type
// assertion. Tasks are never pooled: a pointer to one means that one for ever.
type Task struct {
	// What every task touches as it starts and ends comes last, next to what
	// the embedding package adds: a task that was queued for long comes back
	// from memory, and each cache line of it costs.

	// Written before the task can be seen, never again.
	name string  // empty: fn's
	fn   uintptr // entry of its function
	site uintptr // where it was started

	wait  atomic.Pointer[Wait] // T1. Published before it blocks, retired by the waker before anything is transferred.
	inner atomic.Pointer[Group]
	slot  atomic.Pointer[Slot]
	bell  chan struct{} // made by its goroutine when it first parks

	// Written before the task can be seen, never again.
	group *Group // whose child it is
	rare  *rareTask
	seq   uint64 // its number among its siblings, and its shard
	born  tick

	state atomic.Uint32 // of the bits below

	// g is written by the task's goroutine before its function can run, so
	// whoever got the context from that function reads it safely.
	g uintptr

	held int32 // what it has to give up before it ends; its goroutine's alone

	next unsafe.Pointer // *Task, the next older sibling; atomic once published
	prev *Task          // guarded by the shard's mutex
}

// rareTask is what few tasks have; none of it is written once the task can be
// seen.
type rareTask struct {
	ctx   context.Context // its own, not its group's
	via   *Task           // of a root: adopted under this task's context, without being its child
	sched Scheduler       // of a root
}

// The bits of Task.state.
const (
	taskEnded   uint32 = 1 << iota // its goroutine has left it
	taskShared                     // another goroutine was seen waiting under its context
	TaskDaemon                     // cancelled when the others are done
	TaskQueued                     // has no goroutine yet
	taskApart                      // its group does not count it
	TaskOverdue                    // it has been reported for ignoring the end of its context
	taskTold                       // it got a verdict, and has not waited since
)

type taskKey struct{}

// Deadline is the context's, as are Done, Err and Value.
func (t *Task) Deadline() (time.Time, bool) { return t.Context().Deadline() }

// Done is that of a standard cancelCtx which Value can find, so that contexts
// derived from a task's cost no goroutine (G9).
func (t *Task) Done() <-chan struct{} { return t.Context().Done() }

// Err is the context's.
func (t *Task) Err() error { return t.Context().Err() }

// Value returns the context's value for key, and t for the graph's own.
func (t *Task) Value(key any) any {
	if _, ok := key.(taskKey); ok {
		return t
	}
	return t.Context().Value(key)
}

// String returns the task's name and number, as "checkout#7".
func (t *Task) String() string { return t.Name() + "#" + t.Number() }

// Name returns the name the task was given, else its function's.
func (t *Task) Name() string {
	if t.name != "" {
		return t.name
	}
	return FuncName(t.fn)
}

// An Ident is what remains of a task when it has gone: enough to name it.
type Ident struct {
	name string
	fn   uintptr
	seq  uint64
}

// Ident returns t's.
func (t *Task) Ident() Ident { return Ident{t.name, t.fn, t.seq} }

// String returns the task's name and number.
func (i Ident) String() string { return (&Task{name: i.name, fn: i.fn, seq: i.seq}).String() }

// Number returns the task's number among its siblings: "7", or "7.3" for the
// seventh of the third shard of a group whose spawners collided.
func (t *Task) Number() string {
	n := strconv.FormatUint(t.seq>>8, 10)
	if shard := t.seq & 0xff; shard != 0 {
		n += "." + strconv.FormatUint(shard, 10)
	}
	return n
}

// Group returns the group the task belongs to.
func (t *Task) Group() *Group { return t.group }

// Site returns where the task was started.
func (t *Task) Site() fault.Frame { return fault.FrameAt(t.site) }

// Context returns the context that the task's own stands on.
func (t *Task) Context() context.Context {
	if t.rare != nil {
		return t.rare.ctx
	}
	return t.group.ctx
}

// Inner returns the innermost group the task has open.
func (t *Task) Inner() *Group { return t.inner.Load() }

// Wait returns what the task waits for, nil if it runs.
func (t *Task) Wait() *Wait {
	if w := t.wait.Load(); w != nil && w.state.Load() == waitOpen {
		return w
	}
	return nil
}

// Has reports whether the task has all of bits set.
func (t *Task) Has(bits uint32) bool { return t.state.Load()&bits == bits }

// Once sets bit, and reports whether it was not set before.
func (t *Task) Once(bit uint32) bool { return t.or(bit)&bit == 0 }

// Apart reports whether its group does not count the task.
func (t *Task) Apart() bool { return t.Has(taskApart) }

// Ended reports whether the task's goroutine has left it.
func (t *Task) Ended() bool { return t.state.Load()&taskEnded != 0 }

// Age returns how old the task is at least, as far as the coarse clock knows.
func (t *Task) Age() time.Duration { return t.born.age() }

// Path returns the task and, outwards, the owners it was started under.
func (t *Task) Path() fault.Path {
	var p fault.Path
	for t != nil {
		p = append(p, fault.Step{Task: t.String(), Site: t.Site()})
		switch {
		case t.rare != nil && t.rare.via != nil:
			t = t.rare.via
		case t.group != nil:
			t = t.group.owner
		default:
			t = nil
		}
	}
	return p
}

// Slot returns the slot the task occupies, nil if none.
func (t *Task) Slot() Slot {
	if s := t.slot.Load(); s != nil {
		return *s
	}
	return nil
}

// SetSlot makes the task occupy s, nil for none, and returns what it occupied
// before. Only the task's own goroutine may call it.
func (t *Task) SetSlot(s *Slot) (before *Slot) {
	before = t.slot.Load()
	t.slot.Store(s)
	return before
}

// Enter makes the calling goroutine the one the task acts through.
func (t *Task) Enter() {
	t.g = getg()
	if s := t.Scheduler(); s != nil {
		s.Started(t)
	}
}

// Leave ends the task: from now on its context identifies nobody. It reports
// whether the count that AddCounted was given is to be counted down.
func (t *Task) Leave() (last bool) {
	t.state.Or(taskEnded)
	if t.held != 0 {
		t.abandon()
	}
	return t.group.remove(t)
}

// Gone is the last thing that the task's goroutine does for it, after Leave and
// after whoever waits for that has been woken.
func (t *Task) Gone() {
	if s := t.Scheduler(); s != nil {
		s.Ended(t)
	}
}

func (t *Task) or(bits uint32) (before uint32) {
	return t.state.Or(bits)
}

// Scheduler returns who controls the task, nil in production.
func (t *Task) Scheduler() Scheduler {
	if t.rare != nil && t.rare.sched != nil {
		return t.rare.sched
	}
	if t.group.sched != nil {
		return *t.group.sched
	}
	return nil
}

// Unqueue says that the task has found a goroutine.
func (t *Task) Unqueue() { t.state.And(^TaskQueued) }

// FromContext returns the task whose context ctx is or was derived from, nil
// if there is none. The caller need not be that task: see Current.
func FromContext(ctx context.Context) *Task {
	if t, ok := ctx.(*Task); ok {
		return t
	}
	t, _ := ctx.Value(taskKey{}).(*Task)
	return t
}

// Current returns the task that the calling goroutine acts for under ctx, nil
// if it is outside: a context is not a goroutine (G1).
func Current(ctx context.Context) *Task {
	if t := FromContext(ctx); t != nil && t.is() {
		return t
	}
	return nil
}

// is reports whether the calling goroutine is t's own.
func (t *Task) is() bool {
	return t.g == getg() && t.state.Load()&taskEnded == 0
}

// Running reports whether the calling goroutine is t's own.
func (t *Task) Running() bool { return t.is() }

// FuncPC returns the entry of f's code. A name for f can be had from it when
// somebody asks, so that naming costs nothing.
func FuncPC[F any](f F) uintptr {
	return **(**uintptr)(unsafe.Pointer(&f))
}

// FuncName returns the name of the function at pc without its directory.
func FuncName(pc uintptr) string {
	f := runtime.FuncForPC(pc)
	if f == nil {
		return "task"
	}
	return path.Base(f.Name())
}
