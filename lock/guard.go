package lock

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// A Guard is a value together with its lock: it can be reached in no other way
// than by methods that lock. Guards are made by [NewGuard]; any number of tasks
// may use one.
//
// A function that is given to a guard runs on the caller's goroutine and in the
// hold of its lock. It must not use the same guard, which is a wait for itself
// and a [*fault.Deadlock], and it should be short.
//
// # Errors
//
// Besides what the function returns, untouched: those of [RWMutex.Lock] for a
// wait that ended otherwise; kind [fault.Lost] if a task ended while it held
// the guard by [Guard.Lock], until [Guard.Reset]; kind [fault.Invalid] for a nil
// context, a nil function, and a Guard that is nil or was not made by NewGuard.
//
// # Panics
//
// If a function given to a guard panics or calls [runtime.Goexit], or a Clone
// does, the lock is given up and the panic goes on in the caller.
type Guard[T any] struct {
	l     RWMutex
	place uint64     // in the order of all guards; 0: not made by NewGuard
	clone func(*T) T // of what it points to
	moved condition  // told of each change, by Lock before it

	// G1. value is read in a hold of l and written in one for writing, or while
	//     l is repaired.
	// G2. Unless Lock gave it away, nobody outside has a pointer to it.
	value T
}

// places counts guards, so that each has its place in one order for all.
var places atomic.Uint64

// NewGuard returns a guard of a copy of v.
//
// Guards copy: for [Guard.Get] and [Guard.Wait] to hand out a value, and for
// [Guard.Update] to have one that can be thrown away. A T with a method
// Clone() T, on itself or on its pointer, is copied by that; Clone must return
// what shares nothing with the original that anybody changes. A T without is
// copied by assignment. Whatever pointers, channels, functions and interfaces in
// it lead to is shared then, and the guard does not protect it.
//
// NewGuard takes [Name] and [In].
//
// # Panics
//
// NewGuard panics if a T cannot be copied: without a Clone, T must hold neither
// maps nor slices, directly or in its fields and arrays, and nothing that go vet
// calls a lock copied by value: mutexes, wait groups, atomics. It panics if an
// option is another.
//
// # Cost
//
// T is looked into once per type.
//
//go:noinline
func NewGuard[T any](v T, opts ...Option) *Guard[T] {
	class := made("NewGuard", graph.CallerPC(), opts)
	g := &Guard[T]{place: places.Add(1), clone: copier[T]()}
	g.l.Class = class
	g.moved.l = &g.l
	g.value = g.clone(&v)
	return g
}

// Get returns a copy of the value.
//
// # Cancellation
//
// Get waits, as [RWMutex.RLock] does, until it may read, or ctx ends.
func (g *Guard[T]) Get(ctx context.Context) (T, error) {
	var none T
	if err := g.check(ctx, "lock: get", true); err != nil {
		return none, err
	}
	h, err := g.l.lock(ctx, shared)
	if err != nil {
		return none, err
	}
	defer h.Unlock()
	return g.clone(&g.value), nil
}

// View calls f with the value itself, beside other readers, and returns f's
// error. What f keeps of the maps and slices in v is a leak, and what it changes
// of them is a race: nothing is copied. See [Guard.Get].
//
// # Cancellation
//
// View waits, as [RWMutex.RLock] does, until it may read, or ctx ends. It does
// not end f.
func (g *Guard[T]) View(ctx context.Context, f func(v T) error) error {
	if err := g.check(ctx, "lock: view", f != nil); err != nil {
		return err
	}
	h, err := g.l.lock(ctx, shared)
	if err != nil {
		return err
	}
	defer h.Unlock()
	return f(g.value)
}

// Update calls f with a copy of the value, and makes that the value if and only
// if f returns nil. An error, a panic and [runtime.Goexit] leave the old value.
// The error is f's.
//
// A pointer that f keeps is one to a copy that nobody looks at any more. But
// what is in a map, in a slice or behind a pointer in it is the guard's once it
// is committed, and to keep that is a leak.
//
// # Cancellation
//
// Update waits, as [RWMutex.Lock] does, until it may write, or ctx ends. After
// that ctx decides nothing: if it ends during f, f's result counts.
//
// # Cost
//
// One copy of the value, which is allocated. For a value that is too large for
// that there is [Guard.Lock].
func (g *Guard[T]) Update(ctx context.Context, f func(v *T) error) error {
	if err := g.check(ctx, "lock: update", f != nil); err != nil {
		return err
	}
	h, err := g.l.lock(ctx, 0)
	if err != nil {
		return err
	}
	_, err = g.change(h, nil, f)
	return err
}

// change commits what f makes of a copy, in the hold h, which it ends. With a
// pred it does so only if that holds of the value, which it reports.
func (g *Guard[T]) change(h Held, pred func(v T) bool, f func(v *T) error) (holds bool, err error) {
	committed := false
	defer func() {
		h.Unlock()
		if committed {
			g.moved.wake()
		}
	}()
	if pred != nil && !pred(g.value) {
		return false, nil
	}
	draft := g.draft()
	if err := f(draft); err != nil {
		return true, err
	}
	g.commit(draft)
	committed = true
	return true, nil
}

// draft returns a copy of the value to work on.
func (g *Guard[T]) draft() *T {
	v := new(T)
	*v = g.clone(&g.value)
	return v
}

// commit makes the draft the value. Those who wait for a change are to be woken
// when the lock is given up.
func (g *Guard[T]) commit(draft *T) {
	g.value = *draft
	g.moved.changed()
}

// Lock returns a pointer to the value itself, in a hold that the caller must
// end: the way to change in place what is too large to copy. There is no way
// back from what was changed when an error or a panic comes in between.
//
// The pointer must not be used after [Held.Unlock]. If the caller's task ends
// without unlocking, the value may be half changed; so all further use of the
// guard gets an error of kind [fault.Lost] until [Guard.Reset].
//
// # Cancellation
//
// Lock waits, as [RWMutex.Lock] does, until it may write, or ctx ends.
func (g *Guard[T]) Lock(ctx context.Context) (*T, Held, error) {
	if err := g.check(ctx, "lock: lock", true); err != nil {
		return nil, Held{}, err
	}
	h, err := g.l.lock(ctx, 0)
	if err != nil {
		return nil, Held{}, err
	}
	// Before the change and not after it, for nobody tells the guard when h
	// ends. It is as good: to look at the value, those who are woken now need
	// the lock, for which they wait until the change is complete.
	g.moved.changed()
	g.moved.wake()
	return &g.value, h, nil
}

// Reset makes a copy of v the value, and the guard usable again, after a task
// ended that had it by [Guard.Lock]. If there was no such need it changes
// nothing and returns false.
//
// Reset panics if g is nil or was not made by [NewGuard].
func (g *Guard[T]) Reset(v T) bool {
	if err := g.made(); err != nil {
		panic("lock: Reset: " + err.Error())
	}
	fresh := g.clone(&v)
	if !g.l.reset(func() { g.commit(&fresh) }) {
		return false
	}
	g.moved.wake()
	return true
}

var (
	errNoGuard     = errors.New("the Guard is nil")
	errZeroGuard   = errors.New("the Guard was not made by NewGuard")
	errNilFunction = errors.New("the function is nil")
)

const hintMade = "make it with lock.NewGuard, which sees whether the value can be copied"

// made returns what is wrong with g itself.
func (g *Guard[T]) made() error {
	switch {
	case g == nil:
		return errNoGuard
	case g.place == 0:
		return errZeroGuard
	}
	return nil
}

// check returns what is wrong with the arguments of op, nil if nothing is.
func (g *Guard[T]) check(ctx context.Context, op string, function bool) error {
	if err := g.made(); err != nil {
		return &fault.Error{Op: op, Kind: fault.Invalid, Err: err, Hint: hintMade}
	}
	if _, err := caller(ctx, op); err != nil {
		return err
	}
	if !function {
		return &fault.Error{Op: op, Task: g.l.Class.name, Kind: fault.Invalid, Err: errNilFunction}
	}
	return nil
}
