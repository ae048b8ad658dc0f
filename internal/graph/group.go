package graph

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/hemgo/hem/fault"
)

// A Group is an owner's list of children: a scope, seen from below. It is
// read by dumps without a lock and written under a short one, sharded when
// spawners collide.
//
//	L1. A task is in its group's list from Add until Leave.
//	L2. Lists grow at the head only, and a removed task keeps its way to the
//	    older ones while anybody reads. So a reader sees every task that lived
//	    throughout its reading, and never a task twice.
type Group struct {
	// Written before the group can be seen, never again.
	owner *Task  // acts for the goroutine that opened it, and joins it
	outer *Group // the next group open on that goroutine
	ctx   context.Context
	sched *Scheduler // nil in production
	name  string
	fn    uintptr
	site  uintptr
	Data  any // whose registry entry this is; shown by inspect
	born  tick

	readers atomic.Int32
	rings   atomic.Bool // somebody has seen to it that bells ring when ctx ends
	unring  func() bool // undoes that; read once all children have ended

	one  shard
	more atomic.Pointer[[nShards]paddedShard]
}

const nShards = 16

type shard struct {
	mu      sync.Mutex
	counted int32  // tasks that AddCounted added
	id      uint32 // 0 for a group's first, then 1, 2, …
	seq     uint64
	head    unsafe.Pointer // *Task, the newest
}

type paddedShard struct {
	shard
	_ [64 - unsafe.Sizeof(shard{})%64]byte
}

// roots holds the tasks that goroutines outside every scope were adopted as.
var roots Group

func init() { roots.spread() }

// Roots returns the group of the tasks that nobody's scope owns.
func Roots() *Group { return &roots }

// Spec says what a task is called, for reports.
type Spec struct {
	Name  string  // empty: the function's
	Fn    uintptr // entry of its function, from FuncPC
	Site  uintptr // from CallerPC
	State uint32  // TaskDaemon, TaskQueued
}

// Open makes g a group of owner's, whose children are cancelled with ctx.
// Only owner's goroutine may call it, and must Close groups innermost first.
func (g *Group) Open(owner *Task, ctx context.Context, s Spec) {
	g.owner, g.ctx = owner, ctx
	g.name, g.fn, g.site = s.Name, s.Fn, s.Site
	g.born = now()
	if sched := owner.Scheduler(); sched != nil {
		g.sched = &sched
	}
	g.outer = owner.inner.Load()
	owner.inner.Store(g)
}

// Close takes g off its owner. It must have no children.
func (g *Group) Close() {
	g.owner.inner.Store(g.outer)
	if g.rings.Load() {
		g.unring()
	}
}

// ringAtEnd sees to it that g's parked tasks look up when its context ends. A
// task publishes its wait before it looks at the context, and the ringer looks
// for waits after it has ended: one of them sees the other.
func (g *Group) ringAtEnd() {
	if g.rings.Load() || !g.rings.CompareAndSwap(false, true) {
		return
	}
	g.unring = context.AfterFunc(g.ctx, func() {
		g.Tasks(func(t *Task) bool {
			if w := t.wait.Load(); w != nil && w.bell != nil {
				w.ring()
			}
			return true
		})
	})
}

// Owner returns the task that joins g, nil for the roots.
func (g *Group) Owner() *Task { return g.owner }

// Outer returns the next group that was open when g was.
func (g *Group) Outer() *Group { return g.outer }

// Context returns what g's children are cancelled with.
func (g *Group) Context() context.Context { return g.ctx }

// Name returns the name g was given, else its body's.
func (g *Group) Name() string {
	if g.name != "" {
		return g.name
	}
	return FuncName(g.fn)
}

// Site returns where g was opened.
func (g *Group) Site() fault.Frame { return fault.FrameAt(g.site) }

// Age returns how long g has been open at least.
func (g *Group) Age() time.Duration { return g.born.age() }

// Add makes t a child of g, to be cancelled with own, or with g's context if
// own is nil. It runs when somebody calls t.Enter on the goroutine that t will
// act through.
//
// Cost: one short lock, shared with the spawners that hash alike.
func (g *Group) Add(t *Task, own context.Context, s Spec) {
	if own != nil {
		t.rare = &rareTask{ctx: own}
	}
	s.State |= taskApart
	sh := g.prepare(t, s)
	sh.linkLocked(t)
	sh.mu.Unlock()
	t.spawned()
}

// AddCounted is Add for a task under g's own context, which the group counts:
// all such tasks that share a shard are one to count, so that spawners which
// do not collide here do not collide there either. It reports false, having
// done nothing, if count is below zero.
func (g *Group) AddCounted(t *Task, count *atomic.Int64, s Spec) bool {
	sh := g.prepare(t, s)
	if sh.counted == 0 && count.Add(1) <= 0 {
		count.Add(-1)
		sh.mu.Unlock()
		return false
	}
	sh.counted++
	sh.linkLocked(t)
	sh.mu.Unlock()
	t.spawned()
	return true
}

func (t *Task) spawned() {
	if s := t.Scheduler(); s != nil {
		s.Spawned(t)
	}
}

// prepare fills t in and returns its shard, locked.
func (g *Group) prepare(t *Task, s Spec) *shard {
	t.group = g
	t.name, t.fn, t.site = s.Name, s.Fn, s.Site
	t.born = now()
	if s.State != 0 {
		t.state.Store(s.State)
	}
	sh := &g.one
	if more := g.more.Load(); more != nil {
		sh = &more[pick()].shard
		sh.mu.Lock()
	} else if !sh.mu.TryLock() {
		sh = &g.spread()[pick()].shard
		sh.mu.Lock()
	}
	return sh
}

func (sh *shard) linkLocked(t *Task) {
	sh.seq++
	t.seq = sh.seq<<8 | uint64(sh.id)
	head := (*Task)(sh.head)
	if head != nil {
		t.next = unsafe.Pointer(head)
		head.prev = t
	}
	atomic.StorePointer(&sh.head, unsafe.Pointer(t))
}

// shard returns where t is kept.
func (g *Group) shard(t *Task) *shard {
	if id := t.seq & 0xff; id != 0 {
		return &g.more.Load()[id-1].shard
	}
	return &g.one
}

// remove takes t out of g's list: L2. It reports whether t was the last that
// its shard counts.
func (g *Group) remove(t *Task) (last bool) {
	sh := g.shard(t)
	sh.mu.Lock()
	next := (*Task)(t.next)
	if t.prev == nil {
		atomic.StorePointer(&sh.head, unsafe.Pointer(next))
	} else {
		atomic.StorePointer(&t.prev.next, unsafe.Pointer(next))
	}
	if next != nil {
		next.prev = t.prev
	}
	t.prev = nil
	if next != nil && g.readers.Load() == 0 {
		// Nobody can be standing on t, and nobody can come to it any more:
		// a context kept for long keeps no dead siblings alive.
		atomic.StorePointer(&t.next, nil)
	}
	if !t.Has(taskApart) {
		sh.counted--
		last = sh.counted == 0
	}
	sh.mu.Unlock()
	return last
}

// Tasks calls f for g's tasks, newest first, until f returns false. It takes
// no lock and stops nobody from spawning: it yields the processor now and then,
// so that spawners keep theirs.
func (g *Group) Tasks(f func(*Task) bool) {
	g.readers.Add(1)
	defer g.readers.Add(-1)
	n := 0
	if !g.one.tasks(f, &n) {
		return
	}
	if more := g.more.Load(); more != nil {
		for i := range more {
			if !more[i].tasks(f, &n) {
				return
			}
		}
	}
}

func (sh *shard) tasks(f func(*Task) bool, n *int) bool {
	for t := (*Task)(atomic.LoadPointer(&sh.head)); t != nil; t = (*Task)(atomic.LoadPointer(&t.next)) {
		if t.Ended() {
			continue
		}
		if !f(t) {
			return false
		}
		if *n++; *n%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
	return true
}

// yieldEvery is how many tasks a reader may visit before it lets others run:
// measured, a dump of 100,000 tasks then leaves spawners most of their rate.
const yieldEvery = 256

// spread gives g its shards: two spawners have met.
func (g *Group) spread() *[nShards]paddedShard {
	more := new([nShards]paddedShard)
	for i := range more {
		more[i].id = uint32(i + 1)
	}
	if g.more.CompareAndSwap(nil, more) {
		return more
	}
	return g.more.Load()
}

// pick chooses a shard by the calling goroutine: a spawner keeps to its own.
func pick() uint { return uint(getg()>>7) * 0x9E3779B1 >> 16 % nShards }
