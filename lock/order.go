package lock

import (
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// order is the checker of lock orders: see [CheckOrder].
var order checker

// checker knows who holds what. What it has learned of orders is in the
// classes, so that it goes when they go.
//
// It has one mutex. Nothing is called with it held that could lock anything of
// Hem's or of the user's.
type checker struct {
	on atomic.Bool // written under mu

	mu         sync.Mutex
	users      int // of CheckOrder
	holders    map[holderKey]*holder
	swept      int    // how many holders the last sweep left
	classes    uint64 // how many classes have a number
	suppressed []suppression

	// Whenever mu is free:
	//   O1. A holder has at least one hold.
	//   O2. While nobody wants orders checked there are no holders, and none of
	//       what was held then is known later.
}

// A holderKey is a task, or else a goroutine outside every task.
type holderKey struct {
	t *graph.Task
	g uintptr
}

// A holder is who holds locks, oldest hold first.
type holder struct {
	who
	holds []hold
}

// who tells one task or goroutine from every other, for ever, and keeps none
// of them alive.
type who struct {
	task weak.Pointer[graph.Task]
	goid uint64 // zero for a task
}

// A hold is one lock, held.
type hold struct {
	lock lockable
	mode mode
	pcs  []uintptr // where it was taken
}

func init() {
	if os.Getenv("HEM_LOCK_ORDER") == "1" {
		CheckOrder()
	}
}

// CheckOrder has the order in which locks are taken checked until stop is
// called. It is for tests, where scopetest.Run calls it, and for a process that
// is being looked into, where HEM_LOCK_ORDER=1 in the environment does for the
// process's whole life. It is on while anybody wants it.
//
// A lock's class is the one it is [In], else what all locks share that one line
// of code makes by one [Name], the same statement included; a lock that is
// declared and not made is a class by itself.
//
// To hold a lock of one class and wait for one of another says that the one
// comes before the other. The checker remembers that, also of holds that were
// long over when the contrary was done, and tells in findings and by log/slog,
// with the stack of every acquisition, what could become a deadlock on another
// day:
//
//   - lock.order-cycle: classes that come before each other, of any number.
//   - lock.same-class: two locks of one class, one of which is wanted by who
//     holds the other, so that another task may do it the other way round.
//     [Update2], [Update3] and [UpdateAll] take theirs in one order.
//   - lock.recursive-read: a reader that reads the same lock again. It hangs
//     as soon as a writer comes between.
//   - lock.rank: a lock whose class has a [Rank] that is not above all that
//     the caller holds.
//
// Each cycle is told once, and so is each class, each pair of ranks. Nothing is
// refused, nobody is stopped. [SuppressOrder] is for what is meant.
//
// # What is no order
//
// It is told only what could happen by what was seen:
//
//   - To try teaches nothing about what is tried, whether it succeeds or not:
//     who tries does not wait. A lock got by trying is held like any other.
//   - A lock that is held for reading does not stop readers, unless somebody
//     was seen who waits to write: a waiting writer goes before new readers.
//   - Orders that are contrary only under one and the same lock, a gate, cannot
//     meet, unless both hold the gate for reading.
//   - Every part of a cycle needs somebody else to play it: what one task does
//     one after the other is no cycle, since it cannot wait in two places.
//     Other tasks that run the same code are seen for themselves.
//   - What one call of [Update2], [Update3] or [UpdateAll] takes is in the order
//     of all guards, whatever their classes and ranks are. It is an order for
//     locks that others take by hand.
//   - A hold given away by [Held.Handoff] is nobody's until it is taken.
//
// What keeps tasks apart otherwise, a flag, a channel, the end of the one
// before the start of the other, is not known. It is one more thing that must
// stay true, so the contrary orders are told; give the reason to SuppressOrder.
//
// # Cost
//
// Off: one load of a word that is never written. On: two or three µs for each
// acquisition, for stacks and one mutex of the whole process; ten to thirty for
// who is outside every task. Of each pair of classes 8 situations are kept, and
// 8 examples of each; the search for a cycle gives up after 20,000 steps.
func CheckOrder() (stop func()) {
	order.start()
	return sync.OnceFunc(order.stop)
}

func (c *checker) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users++; c.users == 1 {
		c.holders = make(map[holderKey]*holder)
		c.on.Store(true)
		graph.Watched.Add(1)
	}
}

func (c *checker) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users--; c.users == 0 {
		c.on.Store(false)
		c.holders, c.swept = nil, 0 // O2, before drops go unseen
		graph.Watched.Add(-1)
	}
}

// orderWants notes that t, nil for outside, is about to wait for l if need be:
// before the wait, never for a try.
func orderWants(t *graph.Task, l lockable, m mode) {
	if !order.on.Load() {
		return
	}
	var pcs [maxStack]uintptr
	for _, r := range order.wants(t, l, m, pcs[:runtime.Callers(2, pcs[:])]) {
		r.tell()
	}
}

// orderGot notes that t has l.
func orderGot(t *graph.Task, l lockable, m mode, _ bool) {
	if !order.on.Load() {
		return
	}
	var pcs [maxStack]uintptr
	order.got(t, hold{l, m, slices.Clone(pcs[:runtime.Callers(2, pcs[:])])})
}

// orderDropped notes that t has l no more.
func orderDropped(t *graph.Task, l lockable, m mode) {
	if order.on.Load() {
		order.dropped(t, l, m)
	}
}

// orderMoved notes that what from held is now to's. A hand-over under way has
// no to, one that is taken no from.
func orderMoved(from, to *graph.Task, l lockable, m mode, taken bool) {
	if !order.on.Load() {
		return
	}
	if !taken {
		order.dropped(from, l, m)
		return
	}
	var pcs [maxStack]uintptr
	order.got(to, hold{l, m, slices.Clone(pcs[:runtime.Callers(2, pcs[:])])})
}

// orderSite returns where t took l, if that is known.
func orderSite(t *graph.Task, l lockable) fault.Frame {
	if !order.on.Load() {
		return fault.Frame{}
	}
	return fault.Frames(order.taken(t, l)).Site()
}

// maxStack bounds the calls that are kept of an acquisition.
const maxStack = 48

func (c *checker) got(t *graph.Task, h hold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users == 0 {
		return
	}
	x := c.holder(t)
	if x == nil {
		c.sweep()
		x = &holder{who: whoIs(t)}
		c.holders[keyOf(t)] = x
	}
	x.holds = append(x.holds, h)
}

// holder returns what t, the caller, is known to hold, nil if nothing.
func (c *checker) holder(t *graph.Task) *holder {
	key := keyOf(t)
	x := c.holders[key]
	if x != nil && t == nil && x.goid != goid() {
		// A goroutine has ended, leaving it to another to unlock, and its
		// address is the caller's now.
		delete(c.holders, key)
		c.holders[holderKey{g: ^uintptr(x.goid)}] = x
		return nil
	}
	return x
}

func (c *checker) dropped(t *graph.Task, l lockable, m mode) {
	key := keyOf(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drop(key, l, m) || t != nil {
		return
	}
	for key := range c.holders { // outside, one may unlock what another locked
		if key.t == nil && c.drop(key, l, m) {
			return
		}
	}
}

// drop removes the newest such hold of key's, if there is one. Those of before
// the checker was switched on are not known.
func (c *checker) drop(key holderKey, l lockable, m mode) bool {
	x := c.holders[key]
	if x == nil {
		return false
	}
	for i := len(x.holds) - 1; i >= 0; i-- {
		if h := x.holds[i]; h.lock == l && h.mode&shared == m&shared {
			x.holds = slices.Delete(x.holds, i, i+1)
			if len(x.holds) == 0 {
				delete(c.holders, key) // O1
			}
			return true
		}
	}
	return false
}

// taken returns where t took l, nil if that is not known.
func (c *checker) taken(t *graph.Task, l lockable) []uintptr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t != nil {
		return c.holders[holderKey{t: t}].site(l)
	}
	for key, x := range c.holders {
		if pcs := x.site(l); key.t == nil && pcs != nil {
			return pcs
		}
	}
	return nil
}

// site returns where x, which may be nil, took l, nil if it has not.
func (x *holder) site(l lockable) []uintptr {
	if x == nil {
		return nil
	}
	for _, h := range x.holds {
		if h.lock == l {
			return h.pcs
		}
	}
	return nil
}

// manyHolders is how many may be before those are looked for that have ended
// without unlocking. Until then they are kept, to say where they locked.
const manyHolders = 1000

func (c *checker) sweep() {
	if len(c.holders) < manyHolders+2*c.swept {
		return
	}
	for key := range c.holders {
		if key.t != nil && key.t.Ended() {
			delete(c.holders, key)
		}
	}
	c.swept = len(c.holders)
}

func keyOf(t *graph.Task) holderKey {
	if t != nil {
		return holderKey{t: t}
	}
	if g := graph.Goroutine(); g != 0 {
		return holderKey{g: g}
	}
	return holderKey{g: uintptr(goid())}
}

func whoIs(t *graph.Task) who {
	if t != nil {
		return who{task: weak.Make(t)}
	}
	return who{goid: goid()}
}

// goid returns the number of the running goroutine. Unlike its address, it is
// never that of another one: a goroutine outside every task may end and leave
// it to another to unlock. It costs microseconds.
func goid() uint64 {
	var buf [32]byte
	text, _ := strings.CutPrefix(string(buf[:runtime.Stack(buf[:], false)]), "goroutine ")
	text, _, _ = strings.Cut(text, " ")
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

// addressOf tells one lock from another that lives at the same time.
func addressOf(l lockable) uintptr { return reflect.ValueOf(l).Pointer() }
